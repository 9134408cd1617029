"""SKT106: training rows are later than held-out rows, although rows are split by time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sktrainer.data.audit.table import AuditTable
from sktrainer.types import Array, Finding

MIN_SHARE = 0.01


def find(table: AuditTable) -> Iterator[Finding]:
    """Find training rows that are later than the first held-out row."""
    if not table.held_name or table.is_random_split or table.has_own_validation:
        return
    column, train, held = _times(table)
    if not len(held):
        return
    n_later = int((train > held.min()).sum())
    n_overlapping = int((held < train.max()).sum())
    if n_later < MIN_SHARE * len(train) or n_overlapping < MIN_SHARE * len(held):
        return
    yield Finding(
        "warning",
        (column,) if column else (),
        f"the time ranges of training and {table.held_name} rows overlap",
        "The model learns from rows that are later than those it is scored on, so the scores "
        "are too good",
        f"Pass time_column={column or '...'!r} with split='time'",
        f"{n_later:,} training rows are later than the first {table.held_name} row",
    )


def _times(table: AuditTable) -> tuple[str, Array, Array]:
    """Return the time column's name, and the times of training and held-out rows."""
    time = table.data.time
    if time is not None:
        return "", time[table.train], time[table.held]
    dates = np.flatnonzero(table.kinds == "datetime").tolist() if table.names else []
    if table.split_kind != "time" or len(dates) != 1:
        return "", np.empty(0), np.empty(0)
    column = table.columns[dates[0]]
    return table.names[dates[0]], column.train, column.held[~np.isnan(column.held)]
