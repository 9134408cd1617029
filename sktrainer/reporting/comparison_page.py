"""HTML page of a comparison of several reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sktrainer.reporting.content import ReportContent
from sktrainer.reporting.display_types import COLORS
from sktrainer.reporting.html import environment
from sktrainer.reporting.page_context import make_table
from sktrainer.reporting.page_plots import styled
from sktrainer.reporting.plots import (
    INK,
    figure_to_svg,
    new_axes,
    use_log_scale_if_needed,
)


def render_comparison(page: Mapping[str, Any], *, whole: bool) -> str:
    """Return the page, or an element for notebooks if it is not `whole`.

    Parameters
    ----------
    page : mapping
        "title", "warnings", "failed" (sentences on runs that failed), "note", "tables"
        (DataFrame by title) and "reports" by name.
    whole : bool
    """
    try:
        plots, note = _plots(page["reports"]), ""
    except ImportError as error:
        plots, note = [], f"Plots are not shown: {error}"
    tables = {
        title: make_table(table, numbers=title.startswith(("Scores", "Models by")))
        for title, table in page["tables"].items()
    }
    template = environment().get_template("comparison.html.jinja")
    return template.render(
        {**page, "tables": tables, "plots": plots, "plots_note": note, "whole": whole}
    )


def _plots(reports: Mapping[str, ReportContent]) -> list[tuple[str, str]]:
    """Return the curves of all runs in the same axes."""
    return [*_histories(reports), *_roc_curves(reports)]


def _histories(reports: Mapping[str, ReportContent]) -> list[tuple[str, str]]:
    """Return the validation curves of the metrics that at least two runs have."""
    plots = []
    metrics = [
        m for report in reports.values() for m in dict.fromkeys(report.history["metric"])
    ]
    for metric in dict.fromkeys(metrics):
        curves = {}
        for name, report in reports.items():
            history = report.history
            chosen = (history["metric"] == metric) & (history["set"] == "validation")
            if chosen.any():
                curves[name] = history[chosen]
        if len(curves) < 2:
            continue
        axes = new_axes(None, (5.2, 2.8))
        for color, (name, rows) in zip(_colors(), curves.items(), strict=False):
            axes.plot(rows["iteration"], rows["value"], color=color, lw=1.5, label=name)
        use_log_scale_if_needed(axes, np.concatenate([c["value"] for c in curves.values()]))
        axes.set_xlabel("iteration")
        axes.set_ylabel(metric, parse_math=False)
        axes.legend(frameon=False, labelcolor=INK)
        plots.append(("Validation curves", figure_to_svg(styled(axes))))
    return plots


def _roc_curves(reports: Mapping[str, ReportContent]) -> list[tuple[str, str]]:
    """Return the ROC curves of the positive class, which two classes have."""
    shown = {
        name: report.evaluation["curves"][0]
        for name, report in reports.items()
        if report.evaluation.get("thresholds")
    }
    if len({curve["label"] for curve in shown.values()}) != 1:
        return []
    axes = new_axes(None, (4.6, 3.5))
    for color, (name, curve) in zip(_colors(), shown.items(), strict=False):
        label = f"{name} (AUC = {curve['roc_auc']:.3f})"
        x, y = curve["false_positive_rate"], curve["true_positive_rate"]
        axes.plot(x, y, color=color, lw=1.5, label=label)
    axes.set_xlabel("false positive rate")
    axes.set_ylabel("true positive rate")
    axes.legend(frameon=False, labelcolor=INK, loc="lower right")
    return [("ROC curves", figure_to_svg(styled(axes)))]


def _colors() -> list[str]:
    return list(COLORS) * 10
