"""Second stage: split rows into training, validation and test sets, and into folds.

Each kind of split is a module with the functions `hold_out` and `folds`: `stratified` (also
random), `group`, `time` and `custom`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from numbers import Integral

import numpy as np

from sktrainer.data.indexing import take_rows
from sktrainer.exceptions import InputError
from sktrainer.splitting import custom, group, stratified, time
from sktrainer.splitting.notes import group_overlap_notes, missing_class_notes
from sktrainer.splitting.plan import (
    HeldOut,
    SplitPlan,
    check_training_rows_left,
    n_rows_of,
    set_sizes,
)
from sktrainer.types import Array, FitData, Split

_HOLD_OUT: dict[str, Callable[[FitData, Array, int, SplitPlan, str], HeldOut]] = {
    "random": stratified.hold_out,
    "stratified": stratified.hold_out,
    "group": group.hold_out,
    "time": time.hold_out,
    "splitter": custom.hold_out,
}

_FOLDS: dict[str, Callable[[FitData, Array, int, SplitPlan], list[tuple[Array, Array]]]] = {
    "random": stratified.folds,
    "stratified": stratified.folds,
    "group": group.folds,
    "time": time.folds,
}


def split_rows(data: FitData, plan: SplitPlan) -> tuple[Split, tuple[str, ...]]:
    """Split all rows into training, validation and test sets, and return notes.

    The test set is held out first, then the validation set from the remaining rows, unless
    the user passes validation rows. Row positions are in time order if the table has times,
    otherwise sorted. The sets are disjoint and contain all rows, except those that a splitter
    or the gap of a time split leaves out. The notes are on missing classes, sizes that could
    not be met, and groups in several sets.

    Raises
    ------
    InputError
        If no training rows would remain, or the rows cannot be split in this way.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.repeat([0, 1], [15, 5])
    >>> data = FitData(np.arange(20.0)[:, None], y, "classification", np.array(["a", "b"]))
    >>> split, notes = split_rows(data, SplitPlan("stratified", test_size=0.2))
    >>> np.bincount(y[split.test]).tolist(), len(split.train), notes
    ([3, 1], 16, ())
    """
    sizes = set_sizes(plan, data.n_samples)
    if data.validation is not None:
        sizes["validation"] = 0
    kept = time.order_rows(data, np.arange(data.n_samples))
    # The test set comes first, so that it does not depend on the size of the validation set.
    parts = {"test": kept[:0], "validation": kept[:0]}
    notes: tuple[str, ...] = ()
    for part in parts:
        n_held = sizes[part]
        if n_held:
            check_training_rows_left(n_held, len(kept), part)
            held_out = _HOLD_OUT[plan.kind](data, kept, n_held, plan, part)
            kept, parts[part] = held_out.kept, held_out.held
            notes += held_out.notes
    sets = {"training": kept, **parts}
    notes += missing_class_notes(data, sets)
    if plan.kind != "group":
        notes += group_overlap_notes(data, sets)
    return Split(kept, parts["validation"], parts["test"], plan.kind), notes


def split_used_rows(data: FitData, plan: SplitPlan) -> tuple[Split, tuple[str, ...]]:
    """Split the rows into sets; rows with weight zero are in none of them."""
    weight = data.sample_weight
    if weight is None or (weight > 0).all():
        return split_rows(data, plan)
    used = np.flatnonzero(weight > 0)
    # Only user-defined splitters read X. None of the splits reads weights.
    targets = replace(
        data,
        X=take_rows(data.X, used) if plan.kind == "splitter" else None,
        y=data.y[used],
        sample_weight=None,
        groups=None if data.groups is None else data.groups[used],
        time=None if data.time is None else data.time[used],
    )
    split, notes = split_rows(targets, plan)
    return replace(
        split,
        train=used[split.train],
        validation=used[split.validation],
        test=used[split.test],
    ), notes


def split_validation(
    data: FitData, rows: Array, plan: SplitPlan
) -> tuple[Array, Array, tuple[str, ...]]:
    """Return training rows, validation rows and notes for some rows, such as those of a fold.

    A fractional `validation_size` is a fraction of `rows`. The validation set is empty if the
    plan has none, or if the user passes validation rows.

    Raises
    ------
    InputError
        If no training rows would remain, or the rows cannot be split in this way.
    """
    if plan.validation_size is None or data.validation is not None:
        return rows, rows[:0], ()
    n_held = n_rows_of(plan.validation_size, len(rows))
    check_training_rows_left(n_held, len(rows), "validation")
    # The random draw depends on the order of the rows, so they are sorted first.
    rows = time.order_rows(data, rows)
    held_out = _HOLD_OUT[plan.kind](data, rows, n_held, plan, "validation")
    sets = {"training": held_out.kept, "validation": held_out.held}
    return held_out.kept, held_out.held, held_out.notes + missing_class_notes(data, sets)


def split_folds(
    data: FitData, rows: Array, plan: SplitPlan, cv: object
) -> list[tuple[Array, Array]]:
    """Return folds over some rows, of the same kind as the split.

    For the kind "time", all training rows of a fold are earlier than its test rows. For the
    other kinds, each row is in exactly one test fold. Splitters and pairs may differ.

    An integer `cv` is the number of folds of the plan's kind. A splitter overrides that
    kind. (train, test) pairs hold positions into the whole table; positions that are not in
    `rows`, which excludes the test set, are dropped.

    Raises
    ------
    InputError
        If there are too few rows or groups for this number of folds, or pairs are invalid.

    Examples
    --------
    >>> import numpy as np
    >>> data = FitData(np.zeros((6, 1)), np.arange(6.0), "regression")
    >>> for train, test in split_folds(data, np.arange(6), SplitPlan("time"), 2):
    ...     print(train, test)
    [0 1] [2 3]
    [0 1 2 3] [4 5]
    """
    rows = time.order_rows(data, rows)
    if not isinstance(cv, Integral):
        if hasattr(cv, "split"):
            return custom.folds(data, rows, None, cv, plan.seed)
        return custom.folds_from_pairs(data, rows, cv)
    n_folds = int(cv)
    if n_folds > len(rows):
        raise InputError(
            f"cv={n_folds}: expected at most as many folds as rows, got {len(rows)} rows. Use "
            "fewer folds, or cv=LeaveOneOut()."
        )
    if plan.kind == "splitter":
        return custom.folds(data, rows, n_folds, plan.splitter, plan.seed)
    return _FOLDS[plan.kind](data, rows, n_folds, plan)


def split_inner_folds(
    data: FitData, rows: Array, plan: SplitPlan, n_folds: int
) -> list[tuple[Array, Array]]:
    """Return folds of the training rows, of the same kind as the split.

    There are fewer than `n_folds`, but at least two, if rows, groups or the gap do not suffice.

    Raises
    ------
    InputError
        If the rows cannot be split into two folds.
    """
    for number in range(n_folds, 2, -1):
        try:
            return split_folds(data, rows, plan, number)
        except InputError:  # try fewer folds
            continue
    return split_folds(data, rows, plan, 2)
