"""Curves of a classifier, from rows that were predicted once, with at most 200 points each."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import auc, confusion_matrix_at_thresholds

from sktrainer.reporting.content import ClassCurves, EvaluationSection
from sktrainer.types import Array

MOST_POINTS = 200
MOST_CURVES = 8
MOST_CLASSES = 30
CALIBRATION_BINS = 10
HISTOGRAM_BINS = 40


def classification_curves(
    y: Array,
    labels: list[str],
    probabilities: Array | None,
    decision: Array | None,
    positive: int | None,
) -> EvaluationSection:
    """Return ROC, precision-recall, threshold and calibration curves.

    `y` holds class codes. `decision` are the decision values of a model without probabilities;
    those of more than two classes are not comparable and have no curves. `positive` is the code
    of the positive class of two classes. Return an `EvaluationSection` without its `source`. A
    class that all rows or no row has is left out.
    """
    section = EvaluationSection(n_rows=len(y))
    if len(labels) == 2:
        code = 1 if positive is None else positive
        score = None if probabilities is None else probabilities[:, code]
        if score is None and decision is not None and decision.ndim == 1:
            score = decision if code == 1 else -decision
        if score is None or not 0 < np.count_nonzero(y == code) < len(y):
            return section
        curves, thresholds = _class_curves(y == code, score, labels[code])
        section["curves"], section["thresholds"] = [curves], thresholds
        if probabilities is not None:
            section |= _calibration(y == code, score)
    elif probabilities is not None and len(labels) <= MOST_CLASSES:
        present = [c for c in range(len(labels)) if 0 < np.count_nonzero(y == c) < len(y)]
        found = [_class_curves(y == c, probabilities[:, c], labels[c])[0] for c in present]
        found.sort(key=lambda curves: curves["roc_auc"])
        section["curves"] = found[:MOST_CURVES]
        section |= _calibration(probabilities.argmax(axis=1) == y, probabilities.max(axis=1))
    return section


def _class_curves(
    is_class: Array, score: Array, label: str
) -> tuple[ClassCurves, dict[str, list[float]]]:
    """Return the curves of one class, and precision, recall and F1 by threshold."""
    _, fp, fn, tp, thresholds = confusion_matrix_at_thresholds(is_class, score)
    n_class, n_other = tp[-1], fp[-1]
    recall, false_rate, precision = tp / n_class, fp / n_other, tp / (tp + fp)
    start = np.zeros(1)
    # The ROC curve starts at the origin: no row is predicted as the class.
    roc = _thin(np.concatenate([start, false_rate]), np.concatenate([start, recall]))
    kept = _thin_positions(recall, precision)
    average = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    curves = ClassCurves(
        label=label,
        n_rows=int(n_class),
        roc_auc=float(auc(*(np.concatenate([start, v]) for v in (false_rate, recall)))),
        average_precision=average,
        false_positive_rate=roc[0],
        true_positive_rate=roc[1],
        recall=recall[kept].tolist(),
        precision=precision[kept].tolist(),
    )
    f1 = 2 * tp / (2 * tp + fp + fn)
    by_threshold = {
        "threshold": thresholds,
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "false_positives": fp,
        "false_negatives": fn,
    }
    # The thresholds with the best F1 and the fewest errors are exact.
    kept = np.union1d(kept, [f1.argmax(), (fp + fn).argmin()])
    return curves, {name: values[kept].tolist() for name, values in by_threshold.items()}


def _thin(x: Array, y: Array) -> tuple[list[float], list[float]]:
    kept = _thin_positions(x, y)
    return x[kept].tolist(), y[kept].tolist()


def _thin_positions(x: Array, y: Array) -> Array:
    """Return at most MOST_POINTS positions at equal distances along a curve.

    The first and the last point are kept, so that a step is as exact as a slope.
    """
    if len(x) <= MOST_POINTS:
        return np.arange(len(x))
    length = np.cumsum(np.abs(np.diff(x, prepend=x[0])) + np.abs(np.diff(y, prepend=y[0])))
    wanted = np.linspace(0, length[-1], MOST_POINTS)
    kept = np.unique(np.searchsorted(length, wanted).clip(max=len(x) - 1))
    return np.union1d(kept[1:-1], [0, len(x) - 1])


def _calibration(is_class: Array, likely: Array) -> EvaluationSection:
    """Return the calibration curve and the histogram of probabilities."""
    inner = np.quantile(likely, np.linspace(0, 1, CALIBRATION_BINS + 1))[1:-1]
    bins = np.searchsorted(np.unique(inner), likely, side="left")
    n_rows = np.bincount(bins)
    used = n_rows > 0
    predicted = np.bincount(bins, weights=likely)[used] / n_rows[used]
    observed = np.bincount(bins, weights=is_class.astype(float))[used] / n_rows[used]
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    yes, no = (np.histogram(likely[mask], edges)[0] for mask in (is_class, ~is_class))
    return EvaluationSection(
        calibration={
            "predicted": predicted.tolist(),
            "observed": observed.tolist(),
            "rows": n_rows[used].tolist(),
        },
        score_histogram={"edges": edges.tolist(), "yes": yes.tolist(), "no": no.tolist()},
    )
