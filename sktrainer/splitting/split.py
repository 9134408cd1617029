"""Second stage: split rows into training, validation and test sets, and into folds.

Each kind of split is a module with the functions `hold_out` and `folds`: `strata` (random
and stratified), `groups`, `time` and `splitter`.
"""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np

from sktrainer.exceptions import InputError
from sktrainer.splitting import custom, group, stratified, time
from sktrainer.splitting.notes import group_overlap_notes, missing_class_notes
from sktrainer.splitting.plan import (
    HeldOut,
    SplitPlan,
    check_training_rows_left,
    is_splitter,
    set_sizes,
)
from sktrainer.types import Array, FitData, Split

__all__ = ["split_folds", "split_rows", "split_validation"]


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
    """Split all rows into training, validation and test sets.

    The test set is held out first, then the validation set from the remaining rows.

    Parameters
    ----------
    data : CheckedData
    plan : SplitPlan
        Its `validation_size` is ignored if the user passes validation rows.

    Returns
    -------
    split : Split
        Row positions of each set, sorted, or in time order for the kind "time". The sets
        are disjoint and contain all rows, except those that a splitter leaves out.
    notes : tuple of str
        Notes for the report: classes that are missing from a set, sizes that could not be
        met, groups in several sets.

    Raises
    ------
    InputError
        If no training rows would remain, or the rows cannot be split in this way.

    Examples
    --------
    >>> import numpy as np
    >>> from sktrainer.types import CheckedData
    >>> y = np.repeat([0, 1], [15, 5])
    >>> data = CheckedData(np.arange(20.0)[:, None], y, "classification", np.array(["a", "b"]))
    >>> split, notes = split_rows(data, SplitPlan("stratified", test_size=0.2))
    >>> np.bincount(y[split.test]).tolist(), len(split.train), notes
    ([3, 1], 16, ())
    """
    sizes = set_sizes(plan, data.n_samples)
    if data.validation is not None:
        sizes["validation"] = 0
    kept = np.arange(data.n_samples)
    if plan.kind == "time" and data.time is not None:
        kept = kept[np.argsort(np.asarray(data.time), kind="stable")]
    # The test set comes first, so that it does not depend on the size of the validation set.
    parts = {"test": kept[:0], "validation": kept[:0]}
    notes: tuple[str, ...] = ()
    for part in parts:
        n_held = sizes[part]
        if n_held:
            check_training_rows_left(n_held, len(kept), part)
            cut = _HOLD_OUT[plan.kind](data, kept, n_held, plan, part)
            kept, parts[part] = cut.kept, cut.held
            notes += cut.notes
    named = {"training": kept, **parts}
    notes += missing_class_notes(data, named)
    if plan.kind != "group":
        notes += group_overlap_notes(data, named)
    return Split(kept, parts["validation"], parts["test"], plan.kind), notes


def split_validation(
    data: FitData, rows: Array, plan: SplitPlan
) -> tuple[Array, Array, tuple[str, ...]]:
    """Hold out a validation set from some rows, such as the training rows of a fold.

    Parameters
    ----------
    data : CheckedData
    rows : ndarray of int
        Row positions into the table.
    plan : SplitPlan
        A fractional `validation_size` is a fraction of all rows of the table, not of `rows`:
        the validation set of a fold is as large as that of the final fit.

    Returns
    -------
    train, validation : ndarray of int
        Row positions into the table. `validation` is empty if the plan has no validation
        set, or if the user passes validation rows.
    notes : tuple of str
        Notes for the report, as in `split_rows`.

    Raises
    ------
    InputError
        If no training rows would remain, or the rows cannot be split in this way.
    """
    n_held = set_sizes(plan, data.n_samples)["validation"]
    if not n_held or data.validation is not None:
        return rows, rows[:0], ()
    check_training_rows_left(n_held, len(rows), "validation")
    # The random draw depends on the order of the rows, so they are sorted first.
    cut = _HOLD_OUT[plan.kind](data, np.sort(rows), n_held, plan, "validation")
    notes = missing_class_notes(data, {"training": cut.kept, "validation": cut.held})
    return cut.kept, cut.held, cut.notes + notes


def split_folds(
    data: FitData, rows: Array, plan: SplitPlan, cv: Any
) -> list[tuple[Array, Array]]:
    """Return folds over some rows, of the same kind as the split.

    Parameters
    ----------
    data : CheckedData
    rows : ndarray of int
        Row positions into the table, without the rows of the test set.
    plan : SplitPlan
    cv : int, splitter, or iterable of (train, test)
        An integer is the number of folds of the plan's kind. A splitter overrides that
        kind. Pairs hold positions into the whole table; positions that are not in `rows`
        are dropped.

    Returns
    -------
    list of (train, test)
        Row positions into the table. For the kind "time", all training rows of a fold are
        earlier than its test rows. For the other kinds, each row is in exactly one test
        fold. Splitters and pairs may differ from this.

    Raises
    ------
    InputError
        If there are too few rows or groups for this number of folds, or `cv` is invalid.

    Examples
    --------
    >>> import numpy as np
    >>> from sktrainer.types import CheckedData
    >>> data = CheckedData(np.zeros((6, 1)), np.arange(6.0), "regression")
    >>> for train, test in fold_rows(data, np.arange(6), SplitPlan("time"), 2):
    ...     print(train, test)
    [0 1] [2 3]
    [0 1 2 3] [4 5]
    """
    rows = np.sort(rows)
    if isinstance(cv, Integral) and not isinstance(cv, bool):
        n_folds = int(cv)
        _check_n_folds(n_folds, len(rows))
        if plan.kind == "splitter":
            return custom.folds(data, rows, n_folds, plan.splitter, plan.seed)
        return _FOLDS[plan.kind](data, rows, n_folds, plan)
    if is_splitter(cv):
        return custom.folds(data, rows, None, cv, plan.seed)
    if custom.is_pairs(cv):
        return custom.folds_from_pairs(data, rows, cv)
    raise InputError(
        "cv: expected a number of folds, a splitter such as KFold(), or pairs (train, test) "
        f"of row positions, got {cv!r}. Pass one of these, or None for no cross-validation."
    )


def _check_n_folds(n_folds: int, n_rows: int) -> None:
    if n_folds < 2:
        raise InputError(
            f"cv: expected at least 2 folds, got {n_folds}. Pass cv=5, or None for no "
            "cross-validation."
        )
    if n_folds > n_rows:
        raise InputError(
            f"cv={n_folds}: expected at most as many folds as rows, got {n_rows} rows. Use "
            "fewer folds, or cv=LeaveOneOut()."
        )
