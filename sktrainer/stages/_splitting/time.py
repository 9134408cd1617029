"""Parts and folds that run forward in time."""

from __future__ import annotations

import numpy as np

from sktrainer.exceptions import InputError
from sktrainer.stages._splitting.plan import Cut, SplitPlan, size_notes
from sktrainer.types import Array, CheckedData


def hold_out(data: CheckedData, rows: Array, n_held: int, plan: SplitPlan, part: str) -> Cut:
    """Hold out the latest rows; both parts come in the order of time.

    Rows of one time stay together where that leaves rows on both sides: the cut moves to
    the nearer end of their run.
    """
    rows, times = _in_order(data, rows)
    start = len(rows) - n_held
    notes: tuple[str, ...] = ()
    if times is not None and times[start - 1] == times[start]:
        first, after = _run(times, start)
        ends = [end for end in (after, first) if 0 < end < len(rows)]
        if ends:
            start = min(ends, key=lambda end: abs(end - start))
            reason = "rows of one time stay in one part"
            notes = size_notes(part, n_held, len(rows) - start, reason)
        else:
            note = (
                f"the {part} part begins in the midst of rows of one time: all "
                f"{len(rows):,} rows to be parted there have the same"
            )
            notes = (note,)
    return Cut(rows[:start], rows[start:], notes)


def folds(
    data: CheckedData, rows: Array, n_folds: int, plan: SplitPlan
) -> list[tuple[Array, Array]]:
    """Forward chaining: each test part is a block, its training part all rows before it.

    Blocks are those of scikit-learn's TimeSeriesSplit. Rows of the same time as the first
    of a test part are left out of its training part.
    """
    rows, times = _in_order(data, rows)
    n_rows = len(rows)
    if n_rows < n_folds + 1:
        raise InputError(
            f"cv={n_folds}: expected at least {n_folds + 1} rows for {n_folds} folds that run "
            f"forward in time, got {n_rows}; use fewer folds"
        )
    size = n_rows // (n_folds + 1)
    parts = []
    for start in range(n_rows - n_folds * size, n_rows, size):
        train_end = start if times is None else _run(times, start)[0]
        if train_end == 0:
            raise InputError(
                f"cv={n_folds}: expected rows of an earlier time before each test fold, got "
                f"the first {start + 1:,} rows all of the same time; use fewer folds, or a "
                "finer time column"
            )
        parts.append((rows[:train_end], rows[start : start + size]))
    return parts


def _in_order(data: CheckedData, rows: Array) -> tuple[Array, Array | None]:
    """Rows by time, those of one time in row order; without times all in row order."""
    rows = np.sort(rows)
    if data.time is None:
        return rows, None
    times = np.asarray(data.time)[rows]
    order = np.argsort(times, kind="stable")
    return rows[order], times[order]


def _run(times: Array, position: int) -> tuple[int, int]:
    """Where the rows of the time at this position begin, and where they have ended."""
    value = times[position]
    first = int(np.searchsorted(times, value, side="left"))
    return first, int(np.searchsorted(times, value, side="right"))
