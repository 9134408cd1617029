"""What CatBoost is asked to report: the loss, its own metrics, and scikit-learn's scorers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from sktrainer.backends._base import FitRequest
from sktrainer.backends._boosting import (
    MetricTable,
    Names,
    curve_size,
    library_metric,
    negative,
    negative_square,
    same,
    score_outputs,
)
from sktrainer.types import Array, Scorer, Task

# PRAUC is not among them: it is no average precision, it interpolates. Nor is MAE, which
# leaves 1e-6 out of every error: much, where the target is small.
_BINARY: MetricTable = {
    "accuracy": ("Accuracy", same),
    "neg_log_loss": ("Logloss", negative),
}
_MULTICLASS: MetricTable = {
    "accuracy": ("Accuracy", same),
    "neg_log_loss": ("MultiClass", negative),
}
_REGRESSION: MetricTable = {
    "neg_root_mean_squared_error": ("RMSE", negative),
    "neg_mean_squared_error": ("RMSE", negative_square),
}
# The losses whose raw outputs those metrics, and the scorers here, read rightly.
_DEFAULT_LOSSES = ("Logloss", "CrossEntropy", "MultiClass", "RMSE", "MAE")


def requested_metric(request: FitRequest) -> tuple[Names, dict[str, Any]]:
    """Return the names that CatBoost will report, and the parameters that make it report."""
    metric = request.monitor.metric
    loss = _loss(request)
    if metric.scorer is None:
        return Names(loss=loss, keep=True), {}
    found = library_metric(metric, _table(request)) if loss in _DEFAULT_LOSSES else None
    if found is not None:
        return Names(metric.name, *found, loss=loss), {"eval_metric": found[0]}
    scorer_metric = ScorerMetric(request, loss)
    name = type(scorer_metric).__name__
    return Names(metric.name, name, loss=loss), {"eval_metric": scorer_metric}


def watch_own_metric(request: FitRequest, reported: Iterable[str]) -> None:
    """Watch the `eval_metric` that the user gave the model, where the trainer names none.

    Parameters
    ----------
    request : FitRequest
    reported : iterable of str
        The names that CatBoost reports, which may spell out more than the user wrote.
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
    request.monitor.watch("loss" if name == _loss(request) else name, greater_is_better=greater)


def skipped_for_training(model: Any) -> str | None:
    """Return the name of the metric whose training values are to be left out, if any."""
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
    # AUC leaves weights out unless told, and can be told where training rows have some.
    if request.train.sample_weight is not None:
        return {"roc_auc": ("AUC:use_weights=true", same)}
    validation = request.validation
    weighs = validation is not None and validation.sample_weight is not None
    return {} if weighs else {"roc_auc": ("AUC", same)}


def _n_classes(request: FitRequest) -> int:
    return len(np.unique(request.train.y))


class ScorerMetric:
    """A scikit-learn scorer as CatBoost calls metrics of one's own: with raw outputs."""

    no_jit = True  # CatBoost tries numba otherwise, and warns where it fails

    def __init__(self, request: FitRequest, loss: str) -> None:
        assert request.monitor.metric.scorer is not None
        self._scorer: Scorer = request.monitor.metric.scorer
        self._task: Task = request.task
        self._loss = loss
        is_classification = request.task == "classification"
        self._classes = np.unique(request.train.y) if is_classification else None
        n_train, n_validation = len(request.train), len(request.validation or ())
        # CatBoost would have every training row scored in every round; a part is known by
        # its length alone.
        self.skips_train = n_train > curve_size(n_train) and n_train != n_validation
        self._n_train = n_train

    def is_max_optimal(self) -> bool:
        return True

    def evaluate(self, approxes: Any, target: Any, weight: Any) -> tuple[float, float]:
        if self.skips_train and len(target) == self._n_train:
            return 0.0, 1.0  # CatBoost refuses NaN; left out of the history instead
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
    """Return what the fitted model would predict: probabilities, or numbers."""
    if task == "regression":
        outputs = np.exp(raw) if loss.split(":")[0] in ("Poisson", "Tweedie") else raw
        return outputs if outputs.ndim == 1 else outputs[:, 0]
    if raw.ndim == 1 or loss == "MultiClassOneVsAll":
        return np.asarray(expit(raw))
    return np.asarray(softmax(raw, axis=1))
