"""SKT204: columns are distributed differently in training and held-out rows."""

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
from sktrainer.data.audit.table import AuditTable, describe_columns
from sktrainer.types import Finding

MIN_DISTANCE = 0.2
MAX_LEVELS = 100


def find(table: AuditTable) -> Iterator[Finding]:
    """Find columns whose distributions differ by more than chance."""
    if not table.held_name or not table.names or len(table.y_held) < MIN_HELD_ROWS:
        return
    distances = {}
    is_number = np.isin(table.kinds, ("numeric", "boolean", "duration"))
    moved = np.zeros(len(table.names))
    moved[is_number] = number_distances(table.values[is_number], table.held_values[is_number])
    for i in np.flatnonzero(table.is_category).tolist():
        if len(table.columns[i].levels) <= MAX_LEVELS:
            moved[i] = category_distance(table.values[i], table.held_values[i])
    size = len(table.y), len(table.y_held), len(table.names)
    for i in np.flatnonzero(moved >= MIN_DISTANCE).tolist():
        if moved[i] >= critical_distance(*size, len(table.columns[i].levels)):
            distances[table.names[i]] = moved[i]
    if distances:
        yield Finding(
            comparison_severity(table),
            tuple(distances),
            f"{describe_columns(distances)} ha{'s' if len(distances) == 1 else 've'} another "
            f"distribution in {table.held_name} rows than in training rows",
            "Scores on rows of another kind say little about rows like the training rows",
            comparison_fix(table),
            ", ".join(f"{n!r}: distance {d:.2f}" for n, d in list(distances.items())[:10]),
        )
