"""LightGBM metrics that equal a scorer, and scorers as LightGBM metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from sktrainer.backends._boosting.metrics import (
    MetricNames,
    MetricTable,
    OutputScorer,
    complement,
    equivalent_metric,
    identity,
    negative,
    to_probabilities,
)
from sktrainer.backends.base import FitRequest
from sktrainer.backends.lightgbm.parameters import METRIC, first_set
from sktrainer.types import Array

EvalMetricParam: TypeAlias = Callable[..., tuple[str, float, bool]] | list[str] | None
_PYTHON_METRIC = "scorer"

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


def resolve_metric(
    request: FitRequest, params: Mapping[str, Any]
) -> tuple[MetricNames, EvalMetricParam]:
    """Return the metric names that LightGBM reports, and the `eval_metric` to pass to it."""
    metric, has_custom_objective = request.monitor.metric, callable(params.get("objective"))
    default = MetricNames()
    if has_custom_objective:
        default = MetricNames(loss="", keep=True, unknown_loss=True)
    if metric.scorer is None:
        has_metric = first_set(params, METRIC) is not None
        return (MetricNames(loss="", keep=True) if has_metric else default), None
    if not has_custom_objective:
        table = _REGRESSION
        if request.task == "classification":
            table = _BINARY if len(np.unique(request.train.y)) == 2 else _MULTICLASS
        equivalent = equivalent_metric(metric, table)
        if equivalent is not None:
            return MetricNames(metric.name, *equivalent), [equivalent[0]]
    scorer = OutputScorer(request)

    def score(y: Array, output: Array, weight: Array | None) -> tuple[str, float, bool]:
        # LightGBM passes raw scores to the metric if the objective is user-defined.
        if has_custom_objective and request.task == "classification":
            output = to_probabilities(output)
        return _PYTHON_METRIC, scorer.score(output, y, weight), True

    return replace(default, scorer=metric.name, library=_PYTHON_METRIC), score
