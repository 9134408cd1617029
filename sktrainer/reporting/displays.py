"""Plots of a report as Display objects, as in scikit-learn.

Each function draws what the report holds, so that neither the data nor the model is needed. It
returns a display whose `ax_` and `figure_` are the axes and the figure. scikit-learn's own
displays draw single rows and other data:
`sklearn.metrics.PredictionErrorDisplay.from_estimator(trainer, X, y)`.

matplotlib is required: ``pip install "sktrainer[report]"``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sktrainer.exceptions import InputError
from sktrainer.reporting.content import EvaluationSection, ReportContent
from sktrainer.reporting.display_types import (
    COLORS,
    DASHED,
    FoldCurveDisplay,
    PredictionErrorHistogramDisplay,
    ResidualDisplay,
    ThresholdDisplay,
)
from sktrainer.reporting.plots import MUTED, VALIDATION

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from sklearn.calibration import CalibrationDisplay
    from sklearn.metrics import ConfusionMatrixDisplay, PrecisionRecallDisplay, RocCurveDisplay


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
    return _with_curves(display, ax, len(curves), has_chance_level=True)


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
    return _with_curves(display, ax, len(curves), has_chance_level=len(curves) == 1)


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


def _with_curves(
    display: Any, ax: Axes | None, n_curves: int, *, has_chance_level: bool
) -> Any:
    """Draw the curves of a display of scikit-learn, one per class."""
    style = {"linewidth": 1.6, "linestyle": "-", "alpha": 1.0}
    display.plot(
        ax,
        curve_kwargs=[{"color": color, **style} for color in COLORS[:n_curves]],
        plot_chance_level=has_chance_level,
        chance_level_kw={"color": MUTED, "linewidth": 1, "linestyle": DASHED},
    )
    display.ax_.set_ylim(-0.02, 1.02)
    return display
