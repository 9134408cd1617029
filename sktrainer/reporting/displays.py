"""Plots of a report as Display objects, as in scikit-learn.

Each function draws what the report holds, so that neither the data nor the model is needed. It
returns a display whose `ax_` and `figure_` are the axes and the figure. scikit-learn's own
displays draw single rows and other data:
`sklearn.metrics.PredictionErrorDisplay.from_estimator(trainer, X, y)`.

matplotlib is required: ``pip install "sktrainer[report]"``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sktrainer._optional import require
from sktrainer.exceptions import InputError
from sktrainer.reporting.content import ErrorSummary, EvaluationSection, ReportContent
from sktrainer.reporting.plots import INK, MUTED, TRAIN, VALIDATION, use_log_scale_if_needed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from sklearn.calibration import CalibrationDisplay
    from sklearn.metrics import ConfusionMatrixDisplay, PrecisionRecallDisplay, RocCurveDisplay

_COLORS = (VALIDATION, TRAIN, "#1a7f37", "#cf222e", "#8250df", "#1b7c83", "#bc4c00", MUTED)
_SHADES = (0.1, 0.22, 0.4, 0.65, 1.0)
_DASHED = (0, (3, 3))


def plot_roc_curve(report: ReportContent, ax: Axes | None = None) -> RocCurveDisplay:
    """Plot the ROC curve of the positive class, or of up to eight classes.

    Parameters
    ----------
    report : TrainingReport
    ax : Axes or None, default=None
        Axes to draw on. None creates a new figure.

    Returns
    -------
    sklearn.metrics.RocCurveDisplay

    Raises
    ------
    InputError
        If the report has no ROC curve: it needs test rows or `cv`, and a classifier with
        probabilities or decision values.
    ImportError
        If matplotlib is not installed.
    """
    from sklearn.metrics import RocCurveDisplay

    curves = _part(report, "curves")
    display = RocCurveDisplay(
        fpr=[np.array(curve["false_positive_rate"]) for curve in curves],
        tpr=[np.array(curve["true_positive_rate"]) for curve in curves],
        roc_auc=[curve["roc_auc"] for curve in curves],
        name=[str(curve["label"]) for curve in curves],
    )
    display.plot(
        ax,
        curve_kwargs=_styles(len(curves)),
        plot_chance_level=True,
        chance_level_kw={"color": MUTED, "linewidth": 1, "linestyle": _DASHED},
    )
    return display


def plot_precision_recall_curve(
    report: ReportContent, ax: Axes | None = None
) -> PrecisionRecallDisplay:
    """Plot the precision-recall curve of the positive class, or of up to eight classes.

    Parameters, returned display and errors are as in `plot_roc_curve`.

    Parameters
    ----------
    report : TrainingReport
    ax : Axes or None, default=None
        Axes to draw on. None creates a new figure.

    Returns
    -------
    sklearn.metrics.PrecisionRecallDisplay
    """
    from sklearn.metrics import PrecisionRecallDisplay

    curves = _part(report, "curves")
    n_rows = report.evaluation.get("n_used", report.evaluation["n_rows"])
    display = PrecisionRecallDisplay(
        precision=[np.array(curve["precision"][::-1]) for curve in curves],
        recall=[np.array(curve["recall"][::-1]) for curve in curves],
        average_precision=[curve["average_precision"] for curve in curves],
        name=[str(curve["label"]) for curve in curves],
        prevalence_pos_label=[curve["n_rows"] / n_rows for curve in curves],
    )
    display.plot(
        ax,
        curve_kwargs=_styles(len(curves)),
        plot_chance_level=len(curves) == 1,
        chance_level_kw={"color": MUTED, "linewidth": 1, "linestyle": _DASHED},
    )
    return display


def plot_calibration_curve(report: ReportContent, ax: Axes | None = None) -> CalibrationDisplay:
    """Plot observed shares against predicted probabilities, in bins of equally many rows.

    For more than two classes, it is the probability of the predicted class and the share of
    correct predictions.

    Parameters
    ----------
    report : TrainingReport
    ax : Axes or None, default=None
        Axes to draw on. None creates a new figure.

    Returns
    -------
    sklearn.calibration.CalibrationDisplay

    Raises
    ------
    InputError
        If the report has no probabilities of test or out-of-fold rows.
    """
    from sklearn.calibration import CalibrationDisplay

    bins = _part(report, "calibration")
    predicted, observed = np.array(bins["predicted"]), np.array(bins["observed"])
    display = CalibrationDisplay(observed, predicted, None)
    display.plot(ax=ax, name=_of_class(report.evaluation), color=VALIDATION, markersize=4)
    return display


def plot_confusion_matrix(
    report: ReportContent, ax: Axes | None = None
) -> ConfusionMatrixDisplay:
    """Plot the confusion matrix of the report.

    Parameters
    ----------
    report : TrainingReport
    ax : Axes or None, default=None
        Axes to draw on. None creates a new figure.

    Returns
    -------
    sklearn.metrics.ConfusionMatrixDisplay

    Raises
    ------
    InputError
        If the report has no confusion matrix.
    """
    from sklearn.metrics import ConfusionMatrixDisplay

    if report.confusion is None:
        raise InputError("this report has no confusion matrix: it is of a regression")
    labels = [str(label) for label in report.confusion.index]
    display = ConfusionMatrixDisplay(report.confusion.to_numpy(), display_labels=labels)
    rotation = "horizontal" if max(map(len, labels)) * len(labels) < 30 else "vertical"
    return display.plot(
        ax=ax, cmap="Blues", include_values=len(labels) <= 15, xticks_rotation=rotation
    )


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
        axes.plot(x, cost, color=MUTED, lw=1.2, ls=_DASHED, label="cost / highest cost")
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
        axes.plot(limits, limits, color=MUTED, lw=1, ls=_DASHED, label="perfect prediction")
        # Shades by the logarithm of the count: a few rows must be visible, too.
        shade = np.log1p(counts) / np.log1p(counts.max())
        lower = 0.0
        for upper in _SHADES:
            cells = np.argwhere((shade > lower) & (shade <= upper))
            if len(cells):
                axes.add_patch(_rectangles(cells, edges, upper))
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
        axes.axhline(0, color=MUTED, lw=1, ls=_DASHED)
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
            color = _COLORS[(int(str(number)) - 1) % len(_COLORS)]
            axes.plot(rows["iteration"], rows["value"], color=color, lw=1.2, label=f"{number}")
        use_log_scale_if_needed(axes, self.curves["value"].to_numpy())
        axes.set_xlabel(self.iteration)
        axes.set_ylabel(self.metric, parse_math=False)
        if self.curves["fold"].nunique() <= 10:
            axes.legend(frameon=False, labelcolor=INK, title="fold", ncols=2)
        return self


def plot_thresholds(
    report: ReportContent,
    ax: Axes | None = None,
    *,
    false_positive_cost: float = 1.0,
    false_negative_cost: float = 1.0,
) -> ThresholdDisplay:
    """Plot precision, recall, F1 and the cost of errors by threshold.

    Parameters
    ----------
    report : TrainingReport
        Report of a classifier of two classes.
    ax : Axes or None, default=None
        Axes to draw on. None creates a new figure.
    false_positive_cost, false_negative_cost : float, default=1
        Cost of one error of each kind.

    Returns
    -------
    ThresholdDisplay

    Raises
    ------
    InputError
        If the report has no scores by threshold.
    """
    display = ThresholdDisplay(
        _part(report, "thresholds"),
        false_positive_cost=false_positive_cost,
        false_negative_cost=false_negative_cost,
        name=_of_class(report.evaluation),
    )
    return display.plot(ax)


def plot_prediction_errors(
    report: ReportContent, ax: Axes | None = None, *, output: int = 0
) -> PredictionErrorHistogramDisplay:
    """Plot predicted against actual values of a regression as a two-dimensional histogram.

    Parameters
    ----------
    report : TrainingReport
    ax : Axes or None, default=None
        Axes to draw on. None creates a new figure.
    output : int, default=0
        Position of the output.

    Returns
    -------
    PredictionErrorHistogramDisplay

    Raises
    ------
    InputError
        If the report has no errors of a regression.
    """
    return PredictionErrorHistogramDisplay(_part(report, "errors")[output]).plot(ax)


def plot_residuals(
    report: ReportContent,
    ax: Axes | None = None,
    *,
    against: str = "prediction",
    output: int = 0,
) -> ResidualDisplay:
    """Plot quantiles of the residuals of a regression.

    Parameters
    ----------
    report : TrainingReport
    ax : Axes or None, default=None
        Axes to draw on. None creates a new figure.
    against : {"prediction", "time"}, default="prediction"
        "time" needs rows that have an order in time.
    output : int, default=0
        Position of the output.

    Returns
    -------
    ResidualDisplay

    Raises
    ------
    InputError
        If the report has no such residuals, or `against` has another value.
    """
    errors = _part(report, "errors")[output]
    if against not in ("prediction", "time"):
        raise InputError(f"against must be 'prediction' or 'time', got {against!r}")
    if against == "time" and not errors["by_time"]:
        raise InputError("the rows have no order in time; pass time_column to ManagedTrainer")
    return ResidualDisplay(errors, against).plot(ax)


def plot_fold_curves(report: ReportContent, ax: Axes | None = None) -> FoldCurveDisplay:
    """Plot the validation curve of every fold.

    Parameters
    ----------
    report : TrainingReport
    ax : Axes or None, default=None
        Axes to draw on. None creates a new figure.

    Returns
    -------
    FoldCurveDisplay

    Raises
    ------
    InputError
        If the report has no validation curves of folds.
    """
    return FoldCurveDisplay(report, report.fitting.get("iteration", "iteration")).plot(ax)


def _part(report: ReportContent, name: str) -> Any:
    """Return a part of the evaluation, or raise if the report does not have it."""
    found = report.evaluation.get(name)
    if not found:
        has = ", ".join(key for key in report.evaluation if key != "source") or "nothing"
        raise InputError(
            f"this report has no {name.replace('_', ' ')} (it has: {has}). Set test_size or cv "
            "on ManagedTrainer, and use a model and a task that has them"
        )
    return found


def _of_class(section: EvaluationSection) -> str:
    """Return the positive class, or what takes its place for more than two classes."""
    curves = section.get("curves", [])
    return str(curves[0]["label"]) if "thresholds" in section else "predicted class"


def _styles(n_curves: int) -> list[dict[str, Any]]:
    style = {"linewidth": 1.6, "linestyle": "-", "alpha": 1.0}
    return [{"color": color, **style} for color in _COLORS[:n_curves]]


def _rectangles(cells: Any, edges: Any, alpha: float) -> Any:
    """Return cells of the histogram as one shape, which keeps the SVG small."""
    path = require("matplotlib.path", "report").Path
    patch = require("matplotlib.patches", "report").PathPatch
    vertices, codes = [], []
    for row, column in cells:
        left, right, low, high = edges[row], edges[row + 1], edges[column], edges[column + 1]
        vertices += [(left, low), (right, low), (right, high), (left, high), (left, low)]
        codes += [path.MOVETO, path.LINETO, path.LINETO, path.LINETO, path.CLOSEPOLY]
    return patch(path(vertices, codes), facecolor=VALIDATION, edgecolor="none", alpha=alpha)
