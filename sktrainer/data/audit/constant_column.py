"""SKT202: a column has the same value in every training row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sktrainer.data.audit.table import AuditTable, describe_columns
from sktrainer.types import Finding

MIN_ROWS = 10


def find(table: AuditTable) -> Iterator[Finding]:
    """Find constant and empty columns."""
    if not table.names or len(table.train) < MIN_ROWS:
        return
    candidates = np.flatnonzero(table.n_levels == 1).tolist()
    if len(table.y) < len(table.train):  # the sample may have missed other values
        candidates = [i for i in candidates if _is_constant(table, i)]
    if candidates:
        columns = tuple(table.names[i] for i in candidates)
        yield Finding(
            "note",
            columns,
            f"{describe_columns(columns)} ha{'s' if len(columns) == 1 else 've'} the same "
            "value in every training row",
            "A constant column has no information",
            f"Drop it with X.drop(columns={list(columns[:10])!r}), or check how it was created",
        )


def _is_constant(table: AuditTable, position: int) -> bool:
    values = pd.Series(table.full_column(position)[table.train])
    return len(values.unique()) == 1
