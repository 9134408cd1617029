"""XGBoost callbacks and metrics that run in each round."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit, softmax

from sktrainer.backends._base import FitRequest
from sktrainer.backends._boosting import RoundRecorder, score_outputs
from sktrainer.backends._xgboost_segments import RoundHistory
from sktrainer.running.early_stopping import Monitor
from sktrainer.types import Array, Scorer, Task

__all__ = [
    "PYTHON_METRIC",
    "ScorerMetric",
    "is_truncatable",
    "make_round_callback",
    "non_stopping_callbacks",
    "offset_callback",
    "truncate_to_best",
]

PYTHON_METRIC = "scorer"
# Metrics that XGBoost's early stopping maximizes; it minimizes all others.
_MAXIMISED = ("auc", "aucpr", "pre", "map", "ndcg")


class ScorerMetric:
    """A scikit-learn scorer with the interface of a custom XGBoost metric.

    XGBoost passes metric values on as text with six decimals, so that small losses become
    equal. The exact values are kept in `unrounded` until the round is recorded.
    """

    __name__ = PYTHON_METRIC

    def __init__(self, request: FitRequest) -> None:
        assert request.monitor.metric.scorer is not None
        self._scorer: Scorer = request.monitor.metric.scorer
        self._task: Task = request.task
        is_classification = request.task == "classification"
        self._classes = np.unique(request.train.y) if is_classification else None
        self._objective = request.model.objective
        self.unrounded: list[float] = []

    def __call__(
        self, y_true: Array, output: Array, sample_weight: Array | None = None
    ) -> float:
        if self._classes is not None:
            output = self._probabilities(output)
        value = score_outputs(
            self._scorer, self._task, self._classes, output, y_true, sample_weight
        )
        self.unrounded.append(value)
        return value

    def _probabilities(self, output: Array) -> Array:
        if callable(self._objective):  # XGBoost then passes raw margins
            return np.asarray(expit(output) if output.ndim == 1 else softmax(output, axis=1))
        assert self._classes is not None
        if self._objective == "multi:softmax" and output.ndim == 1:
            return np.eye(len(self._classes))[output.astype(np.intp)]  # class codes
        return output


def make_round_callback(
    request: FitRequest,
    recorder: RoundRecorder,
    rounds: RoundHistory | None = None,
    begin: int = 0,
) -> Any:
    from xgboost.callback import TrainingCallback

    monitor, metric = request.monitor, request.model.eval_metric
    cut = recorder.stops_early and is_truncatable(request.model) and rounds is None

    class Live(TrainingCallback):
        """Callback that records each round and cuts the booster at the end of training."""

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            values = {
                part: {metric: history[-1] for metric, history in log.items()}
                for part, log in zip(("train", "validation"), evals_log.values(), strict=False)
            }
            if isinstance(metric, ScorerMetric):
                # XGBoost calls the metric once per evaluation set, in this order.
                for part, value in zip(values.values(), metric.unrounded, strict=True):
                    part[PYTHON_METRIC] = value
                metric.unrounded.clear()
            if (
                recorder.records_native_metrics
                and begin + epoch == 0
                and values.get("validation")
            ):
                # XGBoost's early stopping uses the last metric. "ndcg@5" has a suffix.
                last = list(values["validation"])[-1]
                monitor.set_native_metric(
                    last, greater_is_better=last.split("@")[0] in _MAXIMISED
                )
            stop = recorder.record(begin + epoch + 1, values)
            if rounds is not None:
                rounds.add(model, evals_log, improved=recorder.improved)
            if request.checkpoint is not None:
                request.checkpoint.raise_if_interrupted()
            return stop

        def after_training(self, model: Any) -> Any:
            return truncate_to_best(model, recorder, monitor) if cut else model

    return Live()


def truncate_to_best(booster: Any, recorder: RoundRecorder, monitor: Monitor) -> Any:
    """Drop the rounds after the best round."""
    best = recorder.best_iteration
    booster = booster[:best] if best < recorder.n_iter else booster
    # As XGBoost's early stopping does; XGBoost counts rounds from 0.
    booster.set_attr(best_iteration=str(best - 1), best_score=str(monitor.best_value))
    return booster


def offset_callback(callback: Any, begin: int) -> Any:
    """Wrap a user-defined callback so that it counts rounds from the start of training.

    Without the wrapper, it would count from the start of each segment.
    """
    if begin == 0:
        return callback
    from xgboost.callback import TrainingCallback

    class CountedOn(TrainingCallback):
        def before_training(self, model: Any) -> Any:
            return callback.before_training(model)

        def after_training(self, model: Any) -> Any:
            return callback.after_training(model)

        def before_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            return bool(callback.before_iteration(model, begin + epoch, evals_log))

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            return bool(callback.after_iteration(model, begin + epoch, evals_log))

    return CountedOn()


def non_stopping_callbacks(model: Any) -> list[Any]:
    from xgboost.callback import EarlyStopping

    return [c for c in model.callbacks or () if not isinstance(c, EarlyStopping)]


def is_truncatable(model: Any) -> bool:
    # DART rescales earlier trees in later rounds, and gblinear has no trees.
    return model.booster not in ("dart", "gblinear")
