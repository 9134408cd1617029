"""Displays of what scikit-learn has no display for: thresholds, residuals, curves of folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sktrainer._optional import require
from sktrainer.exceptions import InputError
from sktrainer.reporting.content import ErrorSummary, ReportContent
from sktrainer.reporting.plots import INK, MUTED, TRAIN, VALIDATION, use_log_scale_if_needed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLORS = (VALIDATION, TRAIN, "#1a7f37", "#cf222e", "#8250df", "#1b7c83", "#bc4c00", MUTED)
DASHED = (0, (3, 3))
SHADES = (0.1, 0.22, 0.4, 0.65, 1.0)


class _Display:
    """Base of the displays that scikit-learn does not have."""

    ax_: Axes
    figure_: Any

    def _start(self, ax: Axes | None) -> Axes:
        if ax is None:
            ax = require("matplotlib.pyplot", "report").subplots()[1]
        self.ax_, self.figure_ = ax, ax.figure
        return ax


class ThresholdDisplay(_Display):
    """Precision, recall, F1 and cost of the positive class by threshold.

    Parameters
    ----------
    thresholds : dict of str to list
        `EvaluationSection` describes it.
    false_positive_cost, false_negative_cost : float, default=1
    name : str, default=""
        Name of the positive class.
    """

    def __init__(
        self,
        thresholds: Mapping[str, Sequence[float]],
        *,
        false_positive_cost: float = 1.0,
        false_negative_cost: float = 1.0,
        name: str = "",
    ) -> None:
        self.thresholds, self.name = thresholds, name
        self.cost = false_positive_cost * np.array(
            thresholds["false_positives"]
        ) + false_negative_cost * np.array(thresholds["false_negatives"])

    def plot(self, ax: Axes | None = None) -> ThresholdDisplay:
        """Draw the curves on `ax`, or on a new figure, and return the display."""
        axes = self._start(ax)
        x = np.array(self.thresholds["threshold"])
        for name, color in (("precision", VALIDATION), ("recall", TRAIN), ("f1", INK)):
            axes.plot(x, self.thresholds[name], color=color, lw=1.6, label=name)
        cost = self.cost / (self.cost.max() or 1)
        axes.plot(x, cost, color=MUTED, lw=1.2, ls=DASHED, label="cost / highest cost")
        axes.set_xlabel(f"threshold of class {self.name}".rstrip(), parse_math=False)
        axes.set_ylim(-0.03, 1.03)
        axes.legend(frameon=False, labelcolor=INK)
        return self


class PredictionErrorHistogramDisplay(_Display):
    """Predicted against actual values as a two-dimensional histogram.

    Parameters
    ----------
    errors : dict
        See `ErrorSummary`.
    """

    def __init__(self, errors: ErrorSummary) -> None:
        self.errors = errors

    def plot(self, ax: Axes | None = None) -> PredictionErrorHistogramDisplay:
        """Draw the histogram on `ax`, or on a new figure, and return the display."""
        axes = self._start(ax)
        edges, counts = np.array(self.errors["edges"]), np.array(self.errors["counts"])
        limits = [edges[0], edges[-1]]
        axes.plot(limits, limits, color=MUTED, lw=1, ls=DASHED, label="perfect prediction")
        # Shades by the logarithm of the count: a few rows must be visible, too.
        shade = np.log1p(counts) / np.log1p(counts.max())
        lower = 0.0
        for upper in SHADES:
            cells = np.argwhere((shade > lower) & (shade <= upper))
            if len(cells):
                axes.add_patch(rectangles(cells, edges, upper))
            lower = upper
        if np.isclose(edges[1] / edges[0], edges[-1] / edges[-2]) and edges[0] > 0:
            axes.set_xscale("log")
            axes.set_yscale("log")
        axes.set_xlim(*limits)
        axes.set_ylim(*limits)
        axes.set_xlabel("predicted")
        axes.set_ylabel(f"actual {self.errors['output']}".rstrip(), parse_math=False)
        axes.legend(frameon=False, labelcolor=INK, loc="upper left")
        return self


class ResidualDisplay(_Display):
    """Quantiles of actual minus predicted values, by prediction or in time order.

    Parameters
    ----------
    errors : dict
        See `ErrorSummary`.
    against : {"prediction", "time"}, default="prediction"
    """

    def __init__(self, errors: ErrorSummary, against: str = "prediction") -> None:
        self.errors, self.against = errors, against

    def plot(self, ax: Axes | None = None) -> ResidualDisplay:
        """Draw median and bands on `ax`, or on a new figure, and return the display."""
        axes = self._start(ax)
        by_time = self.against == "time"
        bins = self.errors["by_time" if by_time else "by_prediction"]
        x = bins["position" if by_time else "predicted"]
        marker = "o" if len(x) == 1 else ""
        for low, high, alpha in (("5%", "95%", 0.18), ("25%", "75%", 0.35)):
            axes.fill_between(
                x, bins[low], bins[high], color=VALIDATION, alpha=alpha, lw=0,
                label=f"{low} to {high}",
            )  # fmt: skip
        axes.plot(x, bins["50%"], color=VALIDATION, lw=1.6, marker=marker, label="median")
        axes.axhline(0, color=MUTED, lw=1, ls=DASHED)
        axes.set_xlabel("position in time" if by_time else "predicted")
        axes.set_ylabel("actual - predicted")
        axes.legend(frameon=False, labelcolor=INK)
        return self


class FoldCurveDisplay(_Display):
    """Validation curve of every fold.

    Parameters
    ----------
    report : TrainingReport
    iteration : str, default="iteration"
        Label of the x axis.
    """

    def __init__(self, report: ReportContent, iteration: str = "iteration") -> None:
        if report.fold_history is None:
            raise InputError(
                "this report has no validation curves of folds: they need cv and a model that "
                "stops early"
            )
        self.curves, self.iteration = report.fold_history, iteration
        self.metric = report.shown(str(self.curves["metric"].iloc[0]))

    def plot(self, ax: Axes | None = None) -> FoldCurveDisplay:
        """Draw one line per fold on `ax`, or on a new figure, and return the display."""
        axes = self._start(ax)
        for number, rows in self.curves.groupby("fold"):
            color = COLORS[(int(str(number)) - 1) % len(COLORS)]
            axes.plot(rows["iteration"], rows["value"], color=color, lw=1.2, label=f"{number}")
        use_log_scale_if_needed(axes, self.curves["value"].to_numpy())
        axes.set_xlabel(self.iteration)
        axes.set_ylabel(self.metric, parse_math=False)
        if self.curves["fold"].nunique() <= 10:
            axes.legend(frameon=False, labelcolor=INK, title="fold", ncols=2)
        return self


def rectangles(cells: Any, edges: Any, alpha: float) -> Any:
    """Return cells of the histogram as one shape, which keeps the SVG small."""
    path = require("matplotlib.path", "report").Path
    patch = require("matplotlib.patches", "report").PathPatch
    vertices, codes = [], []
    for row, column in cells:
        left, right, low, high = edges[row], edges[row + 1], edges[column], edges[column + 1]
        vertices += [(left, low), (right, low), (right, high), (left, high), (left, low)]
        codes += [path.MOVETO, path.LINETO, path.LINETO, path.LINETO, path.CLOSEPOLY]
    return patch(path(vertices, codes), facecolor=VALIDATION, edgecolor="none", alpha=alpha)
