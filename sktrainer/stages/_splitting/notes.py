"""What is worth knowing about parts that were made: lost classes, few rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sktrainer.types import Array, CheckedData, Split

# Below so many held-out rows the 95 % interval of an accuracy of one half is wider than
# plus or minus 18 points; below so many rows of a class its recall moves by 20 points a row.
FEW_ROWS, FEW_OF_CLASS = 30, 5
# Up to so many rows in all, leaving one out at a time is affordable and uses the most.
VERY_FEW_ROWS = 100
MOST_NAMED = 5
Z_95 = 1.959964


def class_notes(data: CheckedData, parts: Mapping[str, Array]) -> tuple[str, ...]:
    """Say which classes some part has no rows of; the training part is named "training"."""
    if data.task != "classification":
        return ()
    counts = {name: _counts(data, rows) for name, rows in parts.items()}
    total = np.sum(list(counts.values()), axis=0)
    notes = []
    for name, of_part in counts.items():
        missing = np.flatnonzero((of_part == 0) & (total > 0))
        if len(missing) and len(parts[name]):
            what = "cannot learn" if name == "training" else "has no row of"
            notes.append(f"the {name} part {what} {_named(data, missing, total)}")
    return tuple(notes)


def crossing_notes(data: CheckedData, parts: Mapping[str, Array]) -> tuple[str, ...]:
    """Say how many groups have rows in more than one part."""
    if data.groups is None:
        return ()
    codes, groups = pd.factorize(np.asarray(data.groups), use_na_sentinel=False)
    n_parts = np.zeros(len(groups), dtype=int)
    for rows in parts.values():
        n_parts += np.bincount(codes[rows], minlength=len(groups)) > 0
    n_crossing = int((n_parts > 1).sum())
    if not n_crossing:
        return ()
    note = (
        f"{n_crossing:,} of {len(groups):,} groups have rows in more than one part: only "
        "split='group' keeps groups together"
    )
    return (note,)


def fold_notes(data: CheckedData, folds: Sequence[tuple[Array, Array]]) -> tuple[str, ...]:
    """Say which classes are missing from the training or test rows of some folds.

    Parameters
    ----------
    data : CheckedData
    folds : sequence of (train, test)
        As `fold_rows` returns them.

    Returns
    -------
    tuple of str
        Empty where every fold has every class on both sides, for regression, and where
        the folds test one row each, as in leave-one-out.
    """
    if data.task != "classification" or all(len(test) == 1 for _, test in folds):
        return ()
    total = _counts(data, np.unique(np.concatenate([test for _, test in folds])))
    notes = []
    for side, name in enumerate(("training", "test")):
        n_without = np.sum([_counts(data, fold[side]) == 0 for fold in folds], axis=0)
        missing = np.flatnonzero((n_without > 0) & (total > 0))
        if len(missing):
            notes.append(
                f"no {name} row of {_named(data, missing, total)} in up to "
                f"{n_without[missing].max()} of {len(folds)} folds"
            )
    return tuple(notes)


def small_data_notes(data: CheckedData, split: Split) -> tuple[str, ...]:
    """Say how wide the uncertainty of a score is where it rests on few rows.

    Looks at the part that is scored last: test, else validation. Few are fewer than 30 rows
    in all, or fewer than 5 of a class.

    Parameters
    ----------
    data : CheckedData
    split : Split

    Returns
    -------
    tuple of str
        What the score can be worth and what to do instead; empty where there are enough
        rows, or nothing is held out.
    """
    name, rows = ("test", split.test) if len(split.test) else ("validation", split.validation)
    if not len(rows):
        return ()
    notes = []
    if len(rows) < FEW_ROWS:
        notes.append(
            f"the {name} part has only {_n_rows(len(rows))}: {_uncertainty(data, len(rows))}"
        )
    if data.task == "classification":
        counts = _counts(data, rows)
        few = np.flatnonzero((counts > 0) & (counts < FEW_OF_CLASS))
        if len(few) and len(rows) >= FEW_ROWS:
            rarest = few[np.argmin(counts[few])]
            notes.append(
                f"the {name} part has few rows of {_named(data, few, counts)}: one row more "
                f"or less predicted right moves the recall of {_label(data, rarest)} by "
                f"{100 / counts[rarest]:.0f} points"
            )
    if not notes:
        return ()
    return (*notes, _advice(data, split))


def _uncertainty(data: CheckedData, n_rows: int) -> str:
    if data.task == "classification":
        # Of a share of one half, where the interval is widest.
        points = 100 * Z_95 * math.sqrt(0.25 / n_rows)
        return f"an accuracy measured on them is uncertain by up to ±{points:.0f} points (95%)"
    # The standard error of a root mean square of n normal errors is 1 / sqrt(2 n) of it.
    percent = 100 * Z_95 / math.sqrt(2 * n_rows)
    return f"an RMSE measured on them is uncertain by about ±{percent:.0f}% (95%)"


def _advice(data: CheckedData, split: Split) -> str:
    if split.kind == "time":
        return "cross-validate instead, as with cv=5: folds run forward in time"
    if split.kind == "group":
        n_groups = len(pd.unique(np.asarray(data.groups)))
        if n_groups <= VERY_FEW_ROWS:
            return "cross-validate instead, as with cv=LeaveOneGroupOut(): every row is scored"
    elif data.n_samples <= VERY_FEW_ROWS:
        return "cross-validate instead, as with cv=LeaveOneOut(): every row is scored once"
    return "cross-validate instead, as with cv=5 or cv=10: every row is scored once"


def _counts(data: CheckedData, rows: Array) -> Array:
    return np.bincount(data.y[rows], minlength=data.n_classes)


def _named(data: CheckedData, codes: Array, counts: Array) -> str:
    """Name the rarest of these classes with their counts."""
    rarest = codes[np.argsort(counts[codes], kind="stable")]
    names = [f"{_label(data, code)} ({_n_rows(counts[code])})" for code in rarest[:MOST_NAMED]]
    if len(rarest) > MOST_NAMED:
        names.append(f"{len(rarest) - MOST_NAMED:,} more")
    listed = ", ".join(names)
    return f"class {listed}" if len(rarest) == 1 else f"classes {listed}"


def _label(data: CheckedData, code: int) -> str:
    assert data.classes is not None
    label = data.classes[code]
    return repr(label.item() if isinstance(label, np.generic) else label)


def _n_rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"
