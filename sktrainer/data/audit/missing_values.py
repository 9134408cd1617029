"""SKT107: missing values of a column give the target away."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sktrainer.data.audit.table import AuditTable, describe_columns
from sktrainer.types import Finding

MIN_SHARE_EXPLAINED = 0.5


def find(table: AuditTable) -> Iterator[Finding]:
    """Find columns for which "is missing" explains at least half of the target's variance."""
    if not table.names or not table.decides:
        return
    missing = np.isnan(table.values)
    share = missing.mean(axis=1)
    candidates = np.flatnonzero((share > 0) & (share < 1)).tolist()
    if not candidates:
        return
    y = table.y.astype(np.float64)[:, np.newaxis]
    if table.data.task == "classification":
        y = pd.get_dummies(table.y).to_numpy(dtype=np.float64)
    y = y - y.mean(axis=0)
    explained = {}
    for i in candidates:
        sums = missing[i] @ y  # of the rows with a missing value; the other rows' are -sums
        between = (sums**2).sum() / (len(y) * share[i] * (1.0 - share[i]))
        explained[i] = between / max((y**2).sum(), 1e-12)
    strong = [i for i, value in explained.items() if value >= MIN_SHARE_EXPLAINED]
    if strong:
        columns = tuple(table.names[i] for i in strong)
        yield Finding(
            "warning",
            columns,
            f"missing values in {describe_columns(columns)} reveal the target",
            "A value that is filled in after the target is known makes the scores too good",
            f"Drop the column unless it is missing in the same way at prediction time: "
            f"X.drop(columns={list(columns[:10])!r})",
            f'share of the target\'s variance explained by "is missing": '
            f"{max(explained[i] for i in strong):.2f}",
        )
