"""SKT206: a classifier gets hundreds of numeric labels, which look like quantities."""

from __future__ import annotations

from collections.abc import Iterator

from sktrainer.data.audit.table import AuditTable
from sktrainer.types import Finding

MIN_CLASSES = 100
MAX_ROWS_PER_CLASS = 20


def find(table: AuditTable) -> Iterator[Finding]:
    """Find targets with at least 100 numeric classes of few rows each."""
    classes = table.data.classes
    if classes is None or classes.dtype.kind not in "iuf" or len(classes) < MIN_CLASSES:
        return
    if len(table.train) <= MAX_ROWS_PER_CLASS * len(classes):
        yield Finding(
            "warning",
            (),
            f"the target has {len(classes):,} numeric classes with few rows each, which look "
            "like quantities",
            "A classifier ignores that 10 is closer to 11 than to 90",
            "Use a regressor, or pass y.astype(str) if the numbers are labels",
            f"{len(table.train) / len(classes):.1f} training rows per class",
        )
