"""SKT102: one column alone predicts the target almost perfectly."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sktrainer.data.audit.table import AuditTable, describe_columns
from sktrainer.types import Finding

# The strongest columns of scikit-learn's tables reach 0.92 (iris, petal width).
MIN_SKILL = 0.97
MIN_PRESENT = 0.5
MAX_UNSEEN = 0.5


def find(table: AuditTable) -> Iterator[Finding]:
    """Find columns that explain almost all of the target's variance."""
    if not table.names or not table.decides:
        return
    # A target that changes slowly is not leaked by the time.
    strong = (table.skills >= MIN_SKILL) & (table.kinds != "datetime")
    strong &= table.n_present >= MIN_PRESENT * len(table.y)
    # Categories that held-out rows do not have are of no use for their scores.
    unseen = [
        (c.held >= len(c.levels)).mean() if c.levels and len(c.held) else 0.0
        for c in table.columns
    ]
    strong &= np.array(unseen) < MAX_UNSEEN
    found = [i for i in np.flatnonzero(strong).tolist() if not table.is_time(i)]
    if found:
        columns = tuple(table.names[i] for i in found)
        yield Finding(
            "warning",
            columns,
            f"{describe_columns(columns)} alone predict{'s' * (len(columns) == 1)} the target "
            "almost perfectly",
            "If such a column is only known after the target is, the scores are too good",
            f"Drop columns that are not known at prediction time: X.drop(columns="
            f"{list(columns[:10])!r})",
            f"share of the target's variance explained by one column: "
            f"{table.skills[found].max():.3f}",
        )
