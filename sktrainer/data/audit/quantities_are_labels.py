"""SKT207: a regressor gets a target with two values, which look like labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sktrainer.data.audit.table import FEW_ROWS, AuditTable
from sktrainer.types import Finding


def find(table: AuditTable) -> Iterator[Finding]:
    """Find regression targets with exactly two distinct values."""
    data = table.data
    if data.task != "regression" or data.y.ndim > 1 or len(table.train) < FEW_ROWS:
        return
    if len(np.unique(table.y_train)) > 2:
        return
    y = np.unique(data.y[table.train])
    if len(y) == 2:
        yield Finding(
            "warning",
            (),
            f"the target of the regression has only the values {y[0]:g} and {y[1]:g}, which "
            "look like labels",
            "A regressor predicts numbers in between and has no probabilities",
            "Use a classifier",
        )
