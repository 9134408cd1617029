"""Scores of validation rows during a fit."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from sktrainer.backends.base import FitRequest
from sktrainer.data.predictions import CachedPredictor
from sktrainer.runtime.signatures import accepts_parameter
from sktrainer.types import Array, Scorer, Task

__all__ = ["score_eval_metric", "score_outputs"]


def score_outputs(
    scorer: Scorer,
    task: Task,
    classes: Array | None,
    outputs: Array,
    y: Array,
    weight: Array | None,
) -> float:
    """Score the outputs that a library passes to a metric during the fit.

    Parameters
    ----------
    scorer : callable
    task : {"classification", "regression"}
    classes : ndarray of shape (n_classes,) or None
    outputs : ndarray of shape (n_samples,) or (n_samples, n_classes)
        Probabilities (of class 1 if 1-d), or predictions for regression.
    y : ndarray of shape (n_samples,)
        Positions into `classes`, or target values for regression.
    weight : ndarray of shape (n_samples,) or None
        Ignored if the scorer does not accept sample weights.
    """
    X = np.empty((len(y), 0))
    weights = {"sample_weight": weight} if weight is not None and _weighs(scorer) else {}
    if task == "regression" or classes is None:
        return float(scorer(CachedPredictor(task, None, lambda: outputs), X, y, **weights))
    proba = np.column_stack([1.0 - outputs, outputs]) if outputs.ndim == 1 else outputs
    # argmax returns the first maximum, as the libraries do: a probability of 0.5 is class 0.
    # Keep float32: converted to float64, the rows no longer sum to one exactly and
    # scikit-learn warns.
    predicted = CachedPredictor(
        task, classes, lambda: classes[proba.argmax(axis=1)], lambda: proba
    )
    return float(scorer(predicted, X, classes[y.astype(np.intp)], **weights))


def _weighs(scorer: Scorer) -> bool:
    function = getattr(scorer, "_score_func", None)
    if function is None:
        return False
    parameters = inspect.signature(function).parameters.values()
    return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)


def score_eval_metric(
    request: FitRequest,
    classes: Array | None,
    predict: Callable[[Any], Any],
    predict_proba: Callable[[Any], Any] | None,
) -> dict[str, float]:
    """Return the monitored scorer's value by its name; empty if the loss is monitored.

    Parameters
    ----------
    request : FitRequest
    classes : ndarray or None
        Classes of the training rows; None for a regression.
    predict, predict_proba : callable
        Called with the validation rows if the scorer needs them.
    """
    metric, rows = request.monitor.metric, request.validation
    scorer: Any = metric.scorer
    if scorer is None or rows is None:
        return {}
    predicted = CachedPredictor(
        request.task,
        classes,
        predict=lambda: predict(rows.X),
        predict_proba=None if predict_proba is None else lambda: predict_proba(rows.X),
    )
    weighs = rows.sample_weight is not None and accepts_parameter(
        getattr(scorer, "_score_func", scorer), "sample_weight"
    )
    options = {"sample_weight": rows.sample_weight} if weighs else {}
    return {metric.name: float(scorer(predicted, rows.X, rows.y, **options))}
