"""Metrics that CatBoost reports: the loss, its own metrics, and scikit-learn scorers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from scipy.special import expit

from sktrainer.backends._boosting.metrics import (
    MetricNames,
    MetricTable,
    OutputScorer,
    equivalent_metric,
    identity,
    negative,
    negative_square,
    to_probabilities,
)
from sktrainer.backends._boosting.recorder import RoundRecorder, train_curve_size
from sktrainer.backends.base import FitRequest
from sktrainer.exceptions import ParameterError
from sktrainer.types import Array

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
    metric, loss = request.monitor.metric, _loss(request)
    if metric.scorer is None:
        params = request.model.get_params()
        given = params.get("loss_function") or params.get("objective")
        if not isinstance(given, str | None) and params.get("eval_metric") is None:
            raise ParameterError(
                f"the loss function of {type(request.model).__name__} is user-defined, so its "
                "values are unknown. Set eval_metric to the name of a scorer that matches it, "
                "or set eval_metric of the model"
            )
        return MetricNames(loss=loss, keep=True), {}
    equivalent = equivalent_metric(metric, _table(request)) if loss in _DEFAULT_LOSSES else None
    if equivalent is not None:
        return MetricNames(metric.name, *equivalent, loss=loss), {"eval_metric": equivalent[0]}
    scorer_metric = ScorerMetric(request, loss)
    name = type(scorer_metric).__name__
    return MetricNames(metric.name, name, loss=loss), {"eval_metric": scorer_metric}


def monitor_native_metric(
    request: FitRequest, recorder: RoundRecorder, reported: Iterable[str]
) -> None:
    """Monitor the `eval_metric` of the model, if the trainer does not monitor a scorer.

    CatBoost may append default arguments to the user's name in `reported`.
    """
    eval_metric = request.model.get_params().get("eval_metric")
    if eval_metric is None:
        return
    if isinstance(eval_metric, str):
        from catboost.core import is_maximizable_metric

        requested, maximized = eval_metric, bool(is_maximizable_metric(eval_metric))
    else:
        requested, maximized = type(eval_metric).__name__, bool(eval_metric.is_max_optimal())
    base = requested.partition(":")[0]
    same = [name for name in reported if name.partition(":")[0] == base]
    name = requested if requested in same or not same else same[0]
    recorder.monitor_native_metric(
        "loss" if name == _loss(request) else name, greater_is_better=maximized
    )


def skipped_for_training(model: Any) -> str | None:
    """Return the name of the metric without training values, or None."""
    metric = model.get_params().get("eval_metric")
    skips = isinstance(metric, ScorerMetric) and metric.skips_train
    return type(metric).__name__ if skips else None


def _loss(request: FitRequest) -> str:
    params = request.model.get_params()
    loss = params.get("loss_function") or params.get("objective")
    if loss is not None:
        return loss if isinstance(loss, str) else type(loss).__name__
    if request.task == "regression":
        return "RMSE"
    return "Logloss" if _is_binary(request) else "MultiClass"


def _table(request: FitRequest) -> MetricTable:
    if request.task == "regression":
        return _REGRESSION
    if not _is_binary(request):
        return _MULTICLASS
    # AUC ignores weights by default. CatBoost accepts use_weights only if the training rows
    # have weights.
    if request.train.sample_weight is not None:
        return {**_BINARY, "roc_auc": ("AUC:use_weights=true", identity)}
    validation = request.validation
    if validation is not None and validation.sample_weight is not None:
        return _BINARY
    return {**_BINARY, "roc_auc": ("AUC", identity)}


def _is_binary(request: FitRequest) -> bool:
    return len(np.unique(request.train.y)) == 2


class ScorerMetric(OutputScorer):
    """A scikit-learn scorer with the interface of a custom CatBoost metric (raw outputs)."""

    no_jit = True  # otherwise CatBoost tries to compile it with numba, and warns on failure

    def __init__(self, request: FitRequest, loss: str) -> None:
        super().__init__(request)
        self._loss = loss
        n_train, n_validation = len(request.train), len(request.validation or ())
        # CatBoost would score all training rows in each round. `evaluate` can recognize the
        # training set only by its length.
        self.skips_train = n_train > train_curve_size(n_train) and n_train != n_validation
        self._n_train = n_train

    def is_max_optimal(self) -> bool:
        return True

    def evaluate(
        self, approxes: Sequence[Array], target: Array, weight: Array | None
    ) -> tuple[float, float]:
        if self.skips_train and len(target) == self._n_train:
            return 0.0, 1.0  # placeholder, removed from the history; CatBoost rejects NaN
        raw = np.column_stack([np.asarray(approx) for approx in approxes])
        outputs = self._outputs(raw[:, 0] if raw.shape[1] == 1 else raw)
        weights = None if weight is None or len(weight) == 0 else np.asarray(weight)
        return self.score(outputs, np.asarray(target), weights), 1.0

    def get_final_error(self, error: float, weight: float) -> float:
        return error

    def _outputs(self, raw: Array) -> Array:
        """Convert raw outputs to probabilities or to predictions of a regression."""
        if self.task == "classification":
            one_vs_all = self._loss == "MultiClassOneVsAll"
            return np.asarray(expit(raw)) if one_vs_all else to_probabilities(raw)
        outputs = raw if raw.ndim == 1 else raw[:, 0]
        is_log = self._loss.partition(":")[0] in ("Poisson", "Tweedie")
        return np.exp(outputs) if is_log else outputs
