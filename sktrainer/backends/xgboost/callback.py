"""XGBoost callbacks and metrics that run in each round."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sktrainer.backends._boosting.recorder import RoundRecorder
from sktrainer.backends.base import FitRequest
from sktrainer.backends.xgboost.metrics import PYTHON_METRIC, ScorerMetric
from sktrainer.backends.xgboost.parameters import is_truncatable
from sktrainer.callbacks.early_stopping import Monitor

__all__ = [
    "MODEL_FILE",
    "RoundHistory",
    "make_round_callback",
    "non_stopping_callbacks",
    "offset_callback",
    "truncate_to_best",
]

# Metrics that XGBoost's early stopping maximizes; it minimizes all others.
_MAXIMISED = ("auc", "aucpr", "pre", "map", "ndcg")


def make_round_callback(
    request: FitRequest,
    recorder: RoundRecorder,
    rounds: RoundHistory | None = None,
    begin: int = 0,
) -> Any:
    """Return the callback that records every round and stops training."""
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
    """Return the model's callbacks without early stopping."""
    from xgboost.callback import EarlyStopping

    return [c for c in model.callbacks or () if not isinstance(c, EarlyStopping)]


MODEL_FILE, BEST_FILE, LOGS_FILE = "model.ubj", "best.ubj", "rounds.json"


class RoundHistory:
    """Metric logs of all rounds so far, and optionally the best model.

    Parameters
    ----------
    keeps_best : bool
        Keep a copy of the best model, for boosters whose later rounds change earlier ones.
    """

    def __init__(self, *, keeps_best: bool) -> None:
        self.logs: dict[str, dict[str, list[float]]] = {}
        self.best: bytes | None = None
        self._keeps_best = keeps_best

    def add(self, booster: Any, evals_log: Mapping[str, Any], *, improved: bool) -> None:
        """Append the last round of the log that a callback receives."""
        for part, of_part in evals_log.items():
            for metric, values in of_part.items():
                self.logs.setdefault(part, {}).setdefault(metric, []).append(float(values[-1]))
        if improved and self._keeps_best:
            self.best = bytes(booster.save_raw("ubj"))

    def state(self) -> dict[str, bytes]:
        """Return the state as files."""
        best = {} if self.best is None else {BEST_FILE: self.best}
        return {LOGS_FILE: json.dumps(self.logs).encode(), **best}

    def restore(self, state: Mapping[str, bytes]) -> None:
        """Restore the state returned by `state`."""
        self.logs, self.best = json.loads(state[LOGS_FILE]), state.get(BEST_FILE)
