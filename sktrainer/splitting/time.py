"""Splits and folds in time order."""

from __future__ import annotations

import numpy as np

from sktrainer.exceptions import InputError
from sktrainer.splitting.plan import HeldOut, SplitPlan, size_notes
from sktrainer.types import Array, FitData


def hold_out(data: FitData, rows: Array, n_held: int, plan: SplitPlan, part: str) -> HeldOut:
    """Hold out the latest rows; both sets are in time order.

    Rows with the same time stay together if both sets keep rows: the cut moves to the
    nearer end of the run of equal times.
    """
    rows, times = _sort_by_time(data, rows)
    start = len(rows) - n_held
    notes: tuple[str, ...] = ()
    if times is not None and times[start - 1] == times[start]:
        first, after = _equal_time_range(times, start)
        # A cut at 0 or len(rows) would leave one of the sets empty.
        ends = [end for end in (after, first) if 0 < end < len(rows)]
        if ends:
            start = min(ends, key=lambda end: abs(end - start))
            reason = "rows with the same time are kept together"
            notes = size_notes(part, n_held, len(rows) - start, reason)
        else:
            note = (
                f"the {part} set starts in the middle of rows with the same time: all "
                f"{len(rows):,} rows to split have the same time"
            )
            notes = (note,)
    return HeldOut(rows[:start], rows[start:], notes)


def folds(
    data: FitData, rows: Array, n_folds: int, plan: SplitPlan
) -> list[tuple[Array, Array]]:
    """Return folds that test a block of rows and train on all earlier rows.

    The blocks are those of scikit-learn's TimeSeriesSplit. Training rows with the same time
    as the first test row are left out.
    """
    rows, times = _sort_by_time(data, rows)
    n_rows = len(rows)
    if n_rows < n_folds + 1:
        raise InputError(
            f"cv={n_folds}: expected at least {n_folds + 1} rows for {n_folds} folds in time "
            f"order, got {n_rows}. Use fewer folds."
        )
    size = n_rows // (n_folds + 1)
    parts = []
    for start in range(n_rows - n_folds * size, n_rows, size):
        train_end = start if times is None else _equal_time_range(times, start)[0]
        if train_end == 0:
            raise InputError(
                f"cv={n_folds}: expected rows with an earlier time before each test fold, but "
                f"the first {start + 1:,} rows all have the same time. Use fewer folds, or a "
                "finer time column."
            )
        parts.append((rows[:train_end], rows[start : start + size]))
    return parts


def _sort_by_time(data: FitData, rows: Array) -> tuple[Array, Array | None]:
    """Return rows and times in time order, or rows in row order without a time column."""
    rows = np.sort(rows)
    if data.time is None:
        return rows, None
    times = np.asarray(data.time)[rows]
    order = np.argsort(times, kind="stable")
    return rows[order], times[order]


def _equal_time_range(times: Array, position: int) -> tuple[int, int]:
    """Return the start and the end (exclusive) of the run of equal times at a position."""
    value = times[position]
    first = int(np.searchsorted(times, value, side="left"))
    return first, int(np.searchsorted(times, value, side="right"))
