"""XGBoost callbacks that run in each round."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from sktrainer.backends._boosting.recorder import RoundRecorder
from sktrainer.backends._boosting.segments import SegmentHistory
from sktrainer.backends.base import FitRequest
from sktrainer.backends.xgboost.metrics import PYTHON_METRIC, ScorerMetric
from sktrainer.backends.xgboost.parameters import is_truncatable
from sktrainer.callbacks.early_stopping import Monitor

if TYPE_CHECKING:
    import xgboost

EvalsLog = Mapping[str, Mapping[str, Any]]

# Metrics that XGBoost's early stopping maximizes; it minimizes all others.
_MAXIMIZED = ("auc", "aucpr", "pre", "map", "ndcg")


def make_round_callback(
    request: FitRequest, recorder: RoundRecorder, history: SegmentHistory | None = None
) -> Any:
    """Return the callback that records every round and stops training.

    With `history`, which is for training in segments, it does not cut the booster at the end.
    """
    from xgboost.callback import TrainingCallback

    eval_metric = request.model.eval_metric
    truncates = recorder.stops_early and is_truncatable(request.model) and history is None

    class RoundCallback(TrainingCallback):
        """Callback that records each round and cuts the booster at the end of training."""

        def after_iteration(self, model: Any, epoch: int, evals_log: EvalsLog) -> bool:
            values = {
                part: {metric: log[-1] for metric, log in logs.items()}
                for part, logs in zip(("train", "validation"), evals_log.values(), strict=False)
            }
            if isinstance(eval_metric, ScorerMetric):
                # XGBoost calls the metric once per evaluation set, in this order.
                for part, value in zip(values.values(), eval_metric.unrounded, strict=True):
                    part[PYTHON_METRIC] = value
                eval_metric.unrounded.clear()
            if values.get("validation"):
                # XGBoost's early stopping uses the last metric. "ndcg@5" has a suffix.
                last = list(values["validation"])[-1]
                maximized = last.split("@")[0] in _MAXIMIZED
                recorder.monitor_native_metric(last, greater_is_better=maximized)
            if request.monitor.reads_models:
                request.monitor.snapshot = partial(fitted_copy, request.model, model)
            stop = recorder.record(values)
            if history is not None:
                history.add(
                    [
                        (part, m, log[-1])
                        for part, logs in evals_log.items()
                        for m, log in logs.items()
                    ],
                    lambda: bytes(model.save_raw("ubj")),
                    improved=recorder.improved,
                )
            if request.checkpoint is not None:
                request.checkpoint.raise_if_interrupted()
            return stop

        def after_training(self, model: Any) -> Any:
            return truncate_to_best(model, recorder, request.monitor) if truncates else model

    return RoundCallback()


def fitted_copy(model: Any, booster: xgboost.Booster) -> Any:
    """Return a copy of the model that predicts with a copy of the booster."""
    copied = copy.copy(model)
    copied._Booster = booster.copy()
    return copied


def truncate_to_best(
    booster: xgboost.Booster, recorder: RoundRecorder, monitor: Monitor
) -> Any:
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

    class OffsetCallback(TrainingCallback):
        def before_training(self, model: Any) -> Any:
            return callback.before_training(model)

        def after_training(self, model: Any) -> Any:
            return callback.after_training(model)

        def before_iteration(self, model: Any, epoch: int, evals_log: EvalsLog) -> bool:
            return bool(callback.before_iteration(model, begin + epoch, evals_log))

        def after_iteration(self, model: Any, epoch: int, evals_log: EvalsLog) -> bool:
            return bool(callback.after_iteration(model, begin + epoch, evals_log))

    return OffsetCallback()


def non_stopping_callbacks(model: Any) -> list[Any]:
    """Return the model's callbacks without early stopping."""
    from xgboost.callback import EarlyStopping

    return [c for c in model.callbacks or () if not isinstance(c, EarlyStopping)]
