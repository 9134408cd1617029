"""SKT205: the target is distributed differently in training and held-out rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sktrainer.data.audit.comparison import (
    MIN_HELD_ROWS,
    category_distance,
    comparison_fix,
    comparison_severity,
    critical_distance,
    number_distances,
)
from sktrainer.data.audit.table import AuditTable
from sktrainer.types import Finding

MIN_DISTANCE = 0.15
CHANCE = 1e-4  # a fit has one comparison of this kind, not one per column


def find(table: AuditTable) -> Iterator[Finding]:
    """Find a target whose distributions differ by more than chance."""
    train, held = (np.atleast_2d(y.T).astype(float) for y in (table.y_train, table.y_held))
    if not table.held_name or held.shape[1] < MIN_HELD_ROWS:
        return
    if table.data.task == "classification":
        distance = category_distance(train[0], held[0])
        what, effect = "classes have other frequencies", "predicts these frequencies wrongly"
    else:
        distance = float(number_distances(train, held).max())
        what, effect = "target has other values", "rarely predicts values outside of them"
    size = train.shape[1], held.shape[1], len(train), table.data.n_classes
    least = critical_distance(*size, chance=CHANCE)
    if distance >= max(MIN_DISTANCE, least):
        yield Finding(
            comparison_severity(table),
            (),
            f"the {what} in {table.held_name} rows than in training rows",
            f"A model that fits the training rows {effect}",
            comparison_fix(table),
            f"distance {distance:.2f}",
        )
