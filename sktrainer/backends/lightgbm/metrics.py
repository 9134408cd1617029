"""LightGBM metrics that equal a scorer, and scorers as LightGBM metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from sktrainer.backends._boosting.metrics import (
    MetricNames,
    MetricTable,
    complement,
    equivalent_metric,
    identity,
    negative,
)
from sktrainer.backends.base import FitRequest
from sktrainer.backends.eval_metric import score_outputs
from sktrainer.backends.lightgbm.parameters import METRIC, first_set
from sktrainer.types import Array

__all__ = ["resolve_metric"]

_BINARY: MetricTable = {
    "roc_auc": ("auc", identity),
    "average_precision": ("average_precision", identity),
    "accuracy": ("binary_error", complement),
    "neg_log_loss": ("binary_logloss", negative),
}

# multi_error is missing because it counts a tie between two classes as an error.
_MULTICLASS: MetricTable = {"neg_log_loss": ("multi_logloss", negative)}

_REGRESSION: MetricTable = {
    "neg_root_mean_squared_error": ("rmse", negative),
    "neg_mean_squared_error": ("l2", negative),
    "neg_mean_absolute_error": ("l1", negative),
}

_PYTHON_METRIC = "scorer"


def resolve_metric(request: FitRequest, given: Mapping[str, Any]) -> tuple[MetricNames, Any]:
    """Return the metric names that LightGBM reports, and the `eval_metric` to pass to it."""
    metric = request.monitor.metric
    if metric.scorer is None:
        own = first_set(given, METRIC) is not None
        return (MetricNames(loss="", keep=True) if own else MetricNames()), None
    found = (
        None if callable(given.get("objective")) else equivalent_metric(metric, _table(request))
    )
    if found is None:
        return MetricNames(metric.name, _PYTHON_METRIC), _python_metric(request)
    return MetricNames(metric.name, *found), [found[0]]


def _table(request: FitRequest) -> MetricTable:
    if request.task == "regression":
        return _REGRESSION
    return _BINARY if len(np.unique(request.train.y)) == 2 else _MULTICLASS


def _python_metric(request: FitRequest) -> Callable[..., tuple[str, float, bool]]:
    scorer, task = request.monitor.metric.scorer, request.task
    assert scorer is not None
    classes = np.unique(request.train.y) if task == "classification" else None
    # LightGBM passes raw scores to the metric if the objective is user-defined.
    raw = callable(request.model.objective) and task == "classification"

    def metric(y: Array, output: Array, weight: Array | None) -> tuple[str, float, bool]:
        if raw:
            output = expit(output) if output.ndim == 1 else softmax(output, axis=1)
        return _PYTHON_METRIC, score_outputs(scorer, task, classes, output, y, weight), True

    return metric
