"""Plots of the HTML report, as SVG elements that follow the theme of the page."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sktrainer.reporting import displays
from sktrainer.reporting.confusion import has_many_classes
from sktrainer.reporting.content import ReportContent
from sktrainer.reporting.display_types import SHADES, rectangles
from sktrainer.reporting.key_metrics import rank_metrics
from sktrainer.reporting.plots import (
    INK,
    LINE,
    MUTED,
    TRAIN,
    VALIDATION,
    figure_to_svg,
    new_axes,
    plot_folds,
    plot_history,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CURVES = 4
MOST_CLASSES_AS_TABLE = 12  # larger confusion matrices are drawn
_SIZE = (4.6, 3.5)


@dataclass
class PagePlots:
    """SVG elements by section of the page, each with its caption.

    `note` states that matplotlib is missing.
    """

    curves: list[tuple[str, str]] = field(default_factory=list)
    folds: list[tuple[str, str]] = field(default_factory=list)
    evaluation: list[tuple[str, str]] = field(default_factory=list)
    confusion: list[tuple[str, str]] = field(default_factory=list)
    note: str = ""


def draw_page_plots(report: ReportContent) -> PagePlots:
    """Draw all plots that the report has values for."""
    plots = PagePlots()
    try:
        plots.curves += [("", svg) for svg in _history(report)]
        plots.folds += [("", svg) for svg in _folds(report)]
        if report.confusion is not None and is_drawn(report.confusion):
            plots.confusion.append(("", figure_to_svg(_confusion(report.confusion))))
        for caption, axes in _evaluation(report):
            plots.evaluation.append((caption, figure_to_svg(styled(axes))))
    except ImportError as error:
        if len(report.history) or report.evaluation:
            plots.note = f"Plots are not shown: {error}"
    return plots


def _history(report: ReportContent) -> Iterator[str]:
    fitting = report.fitting
    best = None if fitting.get("from_folds") else fitting.get("best_iteration")
    unit = fitting.get("iteration") or "iteration"
    for metric in list(dict.fromkeys(report.history["metric"]))[:MOST_CURVES]:
        axes = plot_history(report.history, metric=metric, best_iteration=best, iteration=unit)
        axes.set_ylabel(report.shown(metric), parse_math=False)
        yield figure_to_svg(axes)


def _folds(report: ReportContent) -> Iterator[str]:
    if report.folds is None or report.cv_summary is None:
        return
    # Metrics that are computed on the rows of all folds together have no columns.
    metrics = [str(name) for name in report.cv_summary.index if name in report.folds]
    for metric in rank_metrics(metrics, 2, imbalanced=report.data.get("imbalanced", False)):
        axes = plot_folds(report.folds, metric=metric)
        axes.set_ylabel(report.shown(metric), parse_math=False)
        yield figure_to_svg(axes)
    if report.fold_history is not None:
        axes = new_axes(None, (5.2, 2.8))
        displays.plot_fold_curves(report, axes)
        yield figure_to_svg(styled(axes))


def _evaluation(report: ReportContent) -> Iterator[tuple[str, Axes]]:
    section = report.evaluation

    def axes() -> Axes:
        return new_axes(None, _SIZE)

    if section.get("curves"):
        yield "ROC curve", displays.plot_roc_curve(report, axes()).ax_
        yield "Precision and recall", displays.plot_precision_recall_curve(report, axes()).ax_
    if section.get("thresholds"):
        yield "Scores by threshold", displays.plot_thresholds(report, axes()).ax_
    if section.get("calibration"):
        yield "Calibration", displays.plot_calibration_curve(report, axes()).ax_
        yield "Predicted probabilities", _probabilities(report, axes())
    for number, errors in enumerate(section.get("errors", [])):
        of = f" of {errors['output']}" if errors["output"] else ""
        shown = displays.plot_prediction_errors(report, axes(), output=number)
        yield f"Predicted and actual values{of}", shown.ax_
        for against, caption in (("prediction", "Residuals"), ("time", "Residuals over time")):
            if against == "prediction" or errors["by_time"]:
                drawn = displays.plot_residuals(report, axes(), against=against, output=number)
                yield f"{caption}{of}", drawn.ax_


def is_drawn(confusion: pd.DataFrame) -> bool:
    """Return whether a confusion matrix has too many classes for a table, but few enough."""
    return len(confusion) > MOST_CLASSES_AS_TABLE and not has_many_classes(confusion)


def _confusion(confusion: pd.DataFrame) -> Axes:
    """Draw a confusion matrix, shaded by the share of each true class."""
    counts = confusion.to_numpy(dtype=float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    n_classes, lower = len(counts), 0.0
    axes = new_axes(None, (6.6, 6.2))
    for upper in SHADES:
        cells = np.argwhere((shares > lower) & (shares <= upper))[:, ::-1]
        if len(cells):
            # Dark text stays readable on the darkest cells of both themes.
            shade = 0.7 * upper
            axes.add_patch(rectangles(cells, np.arange(n_classes + 1) - 0.5, shade))
        lower = upper
    for row, column in np.argwhere(shares >= 0.05):
        text = f"{counts[row, column]:.0f}"
        axes.text(column, row, text, size=6, color=INK, ha="center", va="center")
    labels = [textwrap.shorten(str(label), 14, placeholder="…") for label in confusion.index]
    positions = np.arange(n_classes)
    rotation = 90 if max(map(len, labels)) > 2 else 0
    axes.set_xticks(positions, labels, rotation=rotation, size=7, parse_math=False)
    axes.set_yticks(positions, labels, size=7, parse_math=False)
    axes.set_xlim(-0.5, n_classes - 0.5)
    axes.set_ylim(n_classes - 0.5, -0.5)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    return axes


def _probabilities(report: ReportContent, axes: Axes) -> Axes:
    """Draw the histogram of probabilities, with a logarithmic axis of counts."""
    histogram = report.evaluation["score_histogram"]
    binary = "thresholds" in report.evaluation
    label = report.evaluation["curves"][0]["label"] if binary else ""
    names = (f"class {label}", "other class") if binary else ("correct", "wrong")
    edges = histogram["edges"]
    for key, name, color in (("no", names[1], TRAIN), ("yes", names[0], VALIDATION)):
        axes.stairs(histogram[key], edges, color=color, lw=1.4, label=name)
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("predicted probability")
    axes.set_ylabel("rows")
    axes.legend(frameon=False, labelcolor=INK)
    return axes


def styled(axes: Axes) -> Axes:
    """Give the axes of a display the colors of the page, which become CSS variables."""
    legend: Any = axes.get_legend()
    if legend is not None:
        legend.set_frame_on(False)
        for text in (*legend.get_texts(), legend.get_title()):
            text.set_color(INK)
            if len(legend.get_texts()) > 6:
                text.set_size(7)
    lines = [*axes.get_lines(), *(legend.get_lines() if legend is not None else [])]
    for line in lines:
        if line.get_color() in ("k", "black"):
            line.set_color(MUTED)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(MUTED)
    axes.tick_params(which="both", color=LINE, labelcolor=MUTED)
    return axes
