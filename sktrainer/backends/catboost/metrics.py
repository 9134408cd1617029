"""Metrics that CatBoost reports: the loss, its own metrics, and scikit-learn scorers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from sktrainer.backends._boosting.metrics import (
    MetricNames,
    MetricTable,
    equivalent_metric,
    identity,
    negative,
    negative_square,
)
from sktrainer.backends._boosting.recorder import train_curve_size
from sktrainer.backends.base import FitRequest
from sktrainer.backends.eval_metric import score_outputs
from sktrainer.types import Array, Scorer, Task

__all__ = ["requested_metric", "skipped_for_training", "watch_native_metric"]

# PRAUC is missing because it interpolates, unlike average precision. MAE is missing because
# CatBoost subtracts 1e-6 from each error, which matters for small targets.
_BINARY: MetricTable = {
    "accuracy": ("Accuracy", identity),
    "neg_log_loss": ("Logloss", negative),
}

_MULTICLASS: MetricTable = {
    "accuracy": ("Accuracy", identity),
    "neg_log_loss": ("MultiClass", negative),
}

_REGRESSION: MetricTable = {
    "neg_root_mean_squared_error": ("RMSE", negative),
    "neg_mean_squared_error": ("RMSE", negative_square),
}

# Losses whose raw outputs these metrics interpret correctly.
_DEFAULT_LOSSES = ("Logloss", "CrossEntropy", "MultiClass", "RMSE", "MAE")


def requested_metric(request: FitRequest) -> tuple[MetricNames, dict[str, Any]]:
    """Return the metric names that CatBoost reports, and the parameters that request them."""
    metric = request.monitor.metric
    loss = _loss(request)
    if metric.scorer is None:
        return MetricNames(loss=loss, keep=True), {}
    found = equivalent_metric(metric, _table(request)) if loss in _DEFAULT_LOSSES else None
    if found is not None:
        return MetricNames(metric.name, *found, loss=loss), {"eval_metric": found[0]}
    scorer_metric = ScorerMetric(request, loss)
    name = type(scorer_metric).__name__
    return MetricNames(metric.name, name, loss=loss), {"eval_metric": scorer_metric}


def watch_native_metric(request: FitRequest, reported: Iterable[str]) -> None:
    """Monitor the `eval_metric` of the model, if the trainer does not monitor a scorer.

    Parameters
    ----------
    request : FitRequest
    reported : iterable of str
        The names that CatBoost reports; it may append default arguments to the user's name.
    """
    own = request.model.get_params().get("eval_metric")
    if own is None or request.monitor.metric.scorer is not None:
        return
    if isinstance(own, str):
        from catboost.core import is_maximizable_metric

        greater = bool(is_maximizable_metric(own))
    else:
        greater = bool(own.is_max_optimal())
    wanted = own if isinstance(own, str) else type(own).__name__
    near = [name for name in reported if name.partition(":")[0] == wanted.partition(":")[0]]
    name = wanted if wanted in near or not near else near[0]
    request.monitor.set_native_metric(
        "loss" if name == _loss(request) else name, greater_is_better=greater
    )


def skipped_for_training(model: Any) -> str | None:
    """Return the name of the metric without training values, or None."""
    metric = model.get_params().get("eval_metric")
    skips = isinstance(metric, ScorerMetric) and metric.skips_train
    return type(metric).__name__ if skips else None


def _loss(request: FitRequest) -> str:
    given = request.model.get_params()
    own = given.get("loss_function") or given.get("objective")
    if own is not None:
        return own if isinstance(own, str) else type(own).__name__
    if request.task == "regression":
        return "RMSE"
    return "Logloss" if _n_classes(request) == 2 else "MultiClass"


def _table(request: FitRequest) -> MetricTable:
    if request.task == "regression":
        return _REGRESSION
    return {**_BINARY, **_auc(request)} if _n_classes(request) == 2 else _MULTICLASS


def _auc(request: FitRequest) -> MetricTable:
    # AUC ignores weights by default. CatBoost accepts use_weights only if the training rows
    # have weights.
    if request.train.sample_weight is not None:
        return {"roc_auc": ("AUC:use_weights=true", identity)}
    validation = request.validation
    weighs = validation is not None and validation.sample_weight is not None
    return {} if weighs else {"roc_auc": ("AUC", identity)}


def _n_classes(request: FitRequest) -> int:
    return len(np.unique(request.train.y))


class ScorerMetric:
    """A scikit-learn scorer with the interface of a custom CatBoost metric (raw outputs)."""

    no_jit = True  # otherwise CatBoost tries to compile it with numba, and warns on failure

    def __init__(self, request: FitRequest, loss: str) -> None:
        assert request.monitor.metric.scorer is not None
        self._scorer: Scorer = request.monitor.metric.scorer
        self._task: Task = request.task
        self._loss = loss
        is_classification = request.task == "classification"
        self._classes = np.unique(request.train.y) if is_classification else None
        n_train, n_validation = len(request.train), len(request.validation or ())
        # CatBoost would score all training rows in each round. `evaluate` can recognize the
        # training set only by its length.
        self.skips_train = n_train > train_curve_size(n_train) and n_train != n_validation
        self._n_train = n_train

    def is_max_optimal(self) -> bool:
        return True

    def evaluate(self, approxes: Any, target: Any, weight: Any) -> tuple[float, float]:
        if self.skips_train and len(target) == self._n_train:
            return 0.0, 1.0  # placeholder, removed from the history; CatBoost rejects NaN
        raw = np.column_stack([np.asarray(approx) for approx in approxes])
        outputs = _outputs(raw[:, 0] if raw.shape[1] == 1 else raw, self._task, self._loss)
        weights = None if weight is None or len(weight) == 0 else np.asarray(weight)
        value = score_outputs(
            self._scorer, self._task, self._classes, outputs, np.asarray(target), weights
        )
        return value, 1.0

    def get_final_error(self, error: float, weight: float) -> float:
        return error


def _outputs(raw: Array, task: Task, loss: str) -> Array:
    """Convert raw outputs to probabilities or to predictions of a regression."""
    if task == "regression":
        outputs = np.exp(raw) if loss.split(":")[0] in ("Poisson", "Tweedie") else raw
        return outputs if outputs.ndim == 1 else outputs[:, 0]
    if raw.ndim == 1 or loss == "MultiClassOneVsAll":
        return np.asarray(expit(raw))
    return np.asarray(softmax(raw, axis=1))
