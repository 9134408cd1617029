"""Splits and folds in time order."""

from __future__ import annotations

import numpy as np
import pandas as pd

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
    end = _end_before_gap(times, start, plan)
    if end < 1:
        raise InputError(
            f"gap={_gap_text(plan)}: expected training rows before the gap, got none: the "
            f"{part} set starts at row {start:,} of {len(rows):,} in time order. Use a smaller "
            f"gap or a smaller {part}_size."
        )
    return HeldOut(rows[:end], rows[start:], notes)


def folds(
    data: FitData, rows: Array, n_folds: int, plan: SplitPlan
) -> list[tuple[Array, Array]]:
    """Return folds that test a block of rows and train on all rows before the gap.

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
        end = start if times is None else _equal_time_range(times, start)[0]
        if end == 0:
            raise InputError(
                f"cv={n_folds}: expected rows with an earlier time before each test fold, but "
                f"the first {start + 1:,} rows all have the same time. Use fewer folds, or a "
                "finer time column."
            )
        end = min(end, _end_before_gap(times, start, plan))
        if end < 1:
            raise InputError(
                f"gap={_gap_text(plan)}: expected training rows before the gap in each of "
                f"{n_folds} folds, got none before the test rows from row {start:,} of "
                f"{n_rows:,} in time order on. Use a smaller gap or fewer folds."
            )
        parts.append((rows[:end], rows[start : start + size]))
    return parts


def order_rows(data: FitData, rows: Array) -> Array:
    """Return rows in time order if the table has times, otherwise in the order of X."""
    return _sort_by_time(data, rows)[0]


def _sort_by_time(data: FitData, rows: Array) -> tuple[Array, Array | None]:
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


def _end_before_gap(times: Array | None, start: int, plan: SplitPlan) -> int:
    """Return the number of rows before the gap that precedes the held-out rows."""
    if not isinstance(plan.gap, np.timedelta64):
        return start - plan.gap
    assert times is not None
    return min(start, int(np.searchsorted(times, times[start] - plan.gap, side="left")))


def _gap_text(plan: SplitPlan) -> str:
    is_duration = isinstance(plan.gap, np.timedelta64)
    return repr(str(pd.Timedelta(plan.gap))) if is_duration else str(plan.gap)
