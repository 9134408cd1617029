"""SKT105: dated rows are split at random."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sktrainer.data.audit.table import FEW_ROWS, AuditTable, describe_columns
from sktrainer.types import Finding

MIN_SKILL, MIN_Z = 0.1, 5.0


def find(table: AuditTable) -> Iterator[Finding]:
    """Find date columns whose rows are on both sides of a random split.

    It is a warning if rows that are close in time have similar targets, otherwise a note.
    """
    if not table.is_random_split or table.data.time is not None:
        return
    dates = np.flatnonzero(table.kinds == "datetime").tolist() if table.names else []
    dates = [i for i in dates if _overlaps(table, i)]
    similar = [
        i
        for i in dates
        if len(table.y) >= FEW_ROWS
        and table.skills[i] >= MIN_SKILL
        and table.skills[i] * np.sqrt(len(table.y)) >= MIN_Z
    ]
    if not dates:
        return
    columns = tuple(table.names[i] for i in similar or dates)
    closeness = ", and rows close in time have similar targets" if similar else ""
    yield Finding(
        "warning" if similar else "note",
        columns,
        f"rows are split at random, although they are dated by {describe_columns(columns)}"
        f"{closeness}",
        "The model is scored on rows from between the training dates, so the scores are too "
        "good for later rows",
        f"To score on later rows, pass time_column={columns[0]!r}",
        f"share of the target's variance explained by the row before in time: "
        f"{table.skills[similar].max():.2f}"
        if similar
        else "",
    )


def _overlaps(table: AuditTable, position: int) -> bool:
    column = table.columns[position]
    if np.isnan(column.held).all():
        return False
    return bool((column.train > np.nanmedian(column.held)).mean() > 0.1)
