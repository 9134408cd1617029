"""Notes on a split for the report: missing classes, divided groups and few rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from sktrainer.types import Array, FitData, Split

# With fewer than 30 held-out rows, the 95% confidence interval of an accuracy of 0.5 is wider
# than ±18 points. With fewer than 5 rows of a class, one row changes its recall by more than
# 20 points.
FEW_ROWS, FEW_OF_CLASS = 30, 5

# Leave-one-out is affordable up to this number of rows, and it trains on the most rows.
VERY_FEW_ROWS = 100
MAX_NAMES = 5
Z_95 = 1.959964


def missing_class_notes(data: FitData, parts: Mapping[str, Array]) -> tuple[str, ...]:
    """Return a note for each set that lacks classes; the training set is keyed "training"."""
    if data.task != "classification":
        return ()
    counts_of = {name: _counts(data, rows) for name, rows in parts.items()}
    total = np.sum(list(counts_of.values()), axis=0)
    notes = []
    for name, counts in counts_of.items():
        missing = np.flatnonzero((counts == 0) & (total > 0))
        if len(missing) and len(parts[name]):
            effect = ", which the model cannot learn" if name == "training" else ""
            notes.append(
                f"the {name} set has no row of {_preview_classes(data, missing, total)}{effect}"
            )
    return tuple(notes)


def group_overlap_notes(data: FitData, parts: Mapping[str, Array]) -> tuple[str, ...]:
    """Return a note on the number of groups with rows in more than one set."""
    if data.groups is None:
        return ()
    codes, n_groups = _group_codes(data)
    n_crossing = int(_are_divided(codes, n_groups, parts.values()).sum())
    if not n_crossing:
        return ()
    note = (
        f"{n_crossing:,} of {n_groups:,} groups have rows in more than one set. Use "
        "split='group' to keep groups together"
    )
    return (note,)


def _fold_group_notes(data: FitData, folds: Sequence[tuple[Array, Array]]) -> tuple[str, ...]:
    if data.groups is None:
        return ()
    codes, n_groups = _group_codes(data)
    divided = [_are_divided(codes, n_groups, fold) for fold in folds]
    n_crossing = int(np.any(divided, axis=0).sum())
    if not n_crossing:
        return ()
    n_folds = sum(bool(groups.any()) for groups in divided)
    note = (
        f"{n_crossing:,} of {n_groups:,} groups have both training and test rows in "
        f"{n_folds} of {len(folds)} folds, because these folds ignore groups. Use a splitter "
        "that keeps groups together, such as GroupKFold, or split='group' with a number of "
        "folds"
    )
    return (note,)


def _group_codes(data: FitData) -> tuple[Array, int]:
    codes, groups = pd.factorize(np.asarray(data.groups), use_na_sentinel=False)
    return codes, len(groups)


def _are_divided(codes: Array, n_groups: int, sets: Iterable[Array]) -> Array:
    """Return a boolean mask of the groups with rows in more than one of the sets."""
    n_sets = sum(np.bincount(codes[rows], minlength=n_groups) > 0 for rows in sets)
    return np.asarray(n_sets) > 1


def fold_notes(data: FitData, folds: Sequence[tuple[Array, Array]]) -> tuple[str, ...]:
    """Return notes on divided groups, and on classes that some folds lack.

    There are none on classes for regression, nor if every fold tests a single row, as
    LeaveOneOut does.
    """
    notes = [*_fold_group_notes(data, folds)]
    if data.task != "classification" or all(len(test) == 1 for _, test in folds):
        return tuple(notes)
    total = _counts(data, np.unique(np.concatenate([test for _, test in folds])))
    for side, name in enumerate(("training", "test")):
        n_without = np.sum([_counts(data, fold[side]) == 0 for fold in folds], axis=0)
        missing = np.flatnonzero((n_without > 0) & (total > 0))
        if len(missing):
            notes.append(
                f"no {name} row of {_preview_classes(data, missing, total)} in up to "
                f"{n_without[missing].max()} of {len(folds)} folds"
            )
    return tuple(notes)


def small_data_notes(data: FitData, split: Split) -> tuple[str, ...]:
    """Return notes on the uncertainty of scores that are computed on few rows.

    The notes refer to the test set, or without one to the validation set. They are issued
    for fewer than 30 rows in total or fewer than 5 rows of a class, and end with a
    recommendation.
    """
    name, rows = ("test", split.test) if len(split.test) else ("validation", split.validation)
    if not len(rows):
        return ()
    notes = []
    if len(rows) < FEW_ROWS:
        notes.append(
            f"the {name} set has only {_n_rows(len(rows))}: {_uncertainty(data, len(rows))}"
        )
    if data.task == "classification":
        counts = _counts(data, rows)
        few = np.flatnonzero((counts > 0) & (counts < FEW_OF_CLASS))
        if len(few) and len(rows) >= FEW_ROWS:
            rarest = few[np.argmin(counts[few])]
            notes.append(
                f"the {name} set has few rows of {_preview_classes(data, few, counts)}: one "
                f"more correct prediction changes the recall of {_label(data, rarest)} by "
                f"{100 / counts[rarest]:.0f} points"
            )
    if not notes:
        return ()
    return (*notes, _advice(data, split))


def _uncertainty(data: FitData, n_rows: int) -> str:
    if data.task == "classification":
        # The binomial variance p (1 - p) / n is largest, 0.25 / n, at an accuracy of 0.5.
        points = 100 * Z_95 * math.sqrt(0.25 / n_rows)
        return f"its accuracy has a 95% confidence interval of up to ±{points:.0f} points"
    # For n normal errors, the relative standard error of the RMSE is about 1 / sqrt(2 n).
    percent = 100 * Z_95 / math.sqrt(2 * n_rows)
    return f"its RMSE has a 95% confidence interval of about ±{percent:.0f}%"


def _advice(data: FitData, split: Split) -> str:
    if split.kind == "time":
        return "use cross-validation instead, such as cv=5, whose folds respect time order"
    if split.kind == "group":
        n_groups = len(pd.unique(np.asarray(data.groups)))
        if n_groups <= VERY_FEW_ROWS:
            return "use cv=LeaveOneGroupOut() instead, which scores every row"
    elif data.n_samples <= VERY_FEW_ROWS:
        return "use cv=LeaveOneOut() instead, which scores every row"
    return "use cross-validation instead, such as cv=5 or cv=10, which scores every row"


def _counts(data: FitData, rows: Array) -> Array:
    return np.bincount(data.y[rows], minlength=data.n_classes)


def _preview_classes(data: FitData, codes: Array, counts: Array) -> str:
    """Return the rarest of these classes with their counts as text."""
    rarest = codes[np.argsort(counts[codes], kind="stable")]
    names = [f"{_label(data, code)} ({_n_rows(counts[code])})" for code in rarest[:MAX_NAMES]]
    if len(rarest) > MAX_NAMES:
        names.append(f"{len(rarest) - MAX_NAMES:,} more")
    listed = ", ".join(names)
    return f"class {listed}" if len(rarest) == 1 else f"classes {listed}"


def _label(data: FitData, code: int) -> str:
    assert data.classes is not None
    label = data.classes[code]
    return repr(label.item() if isinstance(label, np.generic) else label)


def _n_rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"
