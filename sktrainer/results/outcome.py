"""Sections of the report page on the confusion matrix and the feature importances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sktrainer.results import elements
from sktrainer.results.confusion import has_many_classes, most_confused
from sktrainer.results.formats import format_column
from sktrainer.results.summary import top_importances

if TYPE_CHECKING:
    from sktrainer.results.report import TrainingReport

__all__ = ["predictions_section"]

_NARROW_CONFUSION = 4


def predictions_section(report: TrainingReport) -> str:
    """Return confusion matrix and feature importances, side by side if the matrix fits."""
    confusion = importances = ""
    if report.confusion is not None and not report.confusion.empty:
        confusion = _confusion(report.confusion, report.confusion_set)
    if report.importances is not None and len(report.importances):
        top = top_importances(report.importances)
        values = top.tolist()
        rows = zip(
            map(str, top.index), ([v] for v in values), format_column(values), strict=True
        )
        kind = elements.paragraph(_importance_kind(report.importance_kind, values), muted=True)
        importances = elements.section("Feature importances", elements.bars(rows), kind)
    both = confusion + importances
    if report.confusion is not None and len(report.confusion) > _NARROW_CONFUSION:
        return both
    return f'<div class="skt-pair">{both}</div>' if both else ""


def _confusion(confusion: pd.DataFrame, part: str) -> str:
    if not has_many_classes(confusion):
        legend = "Rows are true classes, columns are predicted classes."
        return elements.section(
            f"Confusion matrix ({part} rows)",
            elements.confusion_table(confusion),
            elements.paragraph(legend, muted=True),
        )
    wrong = most_confused(confusion)
    if wrong.empty:
        return ""
    return elements.section(
        f"Most frequent confusions ({part} rows)",
        elements.frame_table(wrong, index=False),
        elements.paragraph(
            f"{len(confusion):,} classes in total. Shares are relative to the true class.",
            muted=True,
        ),
    )


def _importance_kind(kind: str | None, values: Sequence[float]) -> str:
    signs = ". Negative values have a different color" if min(values) < 0 else ""
    return f"Source: {kind} of the model{signs}." if kind else ""
