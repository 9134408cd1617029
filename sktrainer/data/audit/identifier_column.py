"""SKT201: a column has a different value in every row, like an identifier."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sktrainer.data.audit.table import AuditTable, describe_columns
from sktrainer.types import Array, Finding

MIN_ROWS = 50
MIN_DISTINCT = 0.99


def find(table: AuditTable) -> Iterator[Finding]:
    """Find strings and row numbers that differ in almost every row."""
    if not table.names or len(table.train) < MIN_ROWS:
        return
    candidates = np.flatnonzero(table.n_levels >= MIN_DISTINCT * len(table.y)).tolist()
    columns = tuple(table.names[i] for i in candidates if _is_identifier(table, i))
    if columns:
        yield Finding(
            "note",
            columns,
            f"{describe_columns(columns)} ha{'s' if len(columns) == 1 else 've'} a different "
            "value in almost every row, like an identifier or free text",
            "A model can memorize such values, but learns nothing about new rows from them",
            f"Drop them with X.drop(columns={list(columns[:10])!r}), or extract features from "
            "them",
        )


def _is_identifier(table: AuditTable, position: int) -> bool:
    kind, sample = table.columns[position].kind, table.values[position]
    is_whole = kind == "numeric" and not np.isnan(sample).any() and _is_whole(sample)
    if kind != "category" and not is_whole:
        return False
    values = table.numbers(position)[table.train]
    if len(pd.unique(values)) < MIN_DISTINCT * len(values):
        return False
    if kind == "category":
        return True
    # Whole numbers may be quantities. Identifiers are numbered consecutively or in order.
    span = np.nanmax(values) - np.nanmin(values) + 1
    in_order = np.diff(values[np.argsort(table.train, kind="stable")])
    return bool(span <= 2 * len(values) or (in_order > 0).all())


def _is_whole(values: Array) -> bool:
    return bool((values == np.floor(values)).all())
