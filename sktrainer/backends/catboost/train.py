"""Training of a CatBoost model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sktrainer.backends._boosting.recorder import RoundRecorder
from sktrainer.backends.base import FitRequest
from sktrainer.backends.catboost.metrics import skipped_for_training, watch_native_metric
from sktrainer.backends.catboost.parameters import VERBOSITY_PARAMS
from sktrainer.exceptions import ParameterError

__all__ = ["train_rounds"]

_SET_NAMES = {"learn": "train", "validation": "validation"}


def train_rounds(request: FitRequest, recorder: RoundRecorder) -> None:
    """Train the model and record every round."""
    model, train, monitor = request.model, request.train, request.monitor
    live = recorder.stops_early and monitor.tol > 0
    if live and str(model.get_params().get("task_type")) == "GPU":
        raise ParameterError(
            f"tol={monitor.tol} needs a callback, which CatBoost supports only on the CPU; "
            "use tol=0 or device='cpu'"
        )
    arguments: dict[str, Any] = {"use_best_model": recorder.stops_early}
    if request.validation is not None:
        arguments["eval_set"] = _pool(request)
    if live:
        arguments["callbacks"] = [RoundCallback(request, recorder)]
    elif recorder.stops_early:
        arguments["early_stopping_rounds"] = monitor.n_iter_no_change
    if not any(name in model.get_params() for name in VERBOSITY_PARAMS):
        arguments["verbose"] = False
    if request.categorical:
        arguments["cat_features"] = list(request.categorical)
    model.fit(train.X, train.y, sample_weight=train.sample_weight, **arguments)
    if not live:
        _record_history(request, recorder)
    elif recorder.best_iteration < model.tree_count_:
        # CatBoost has kept the best round without regard to the tolerance.
        model.shrink(recorder.best_iteration)
        # Recompute the importances, which CatBoost caches on the model.
        model.get_feature_importance(type="PredictionValuesChange")


def _pool(request: FitRequest) -> Any:
    from catboost import Pool

    rows = request.validation
    assert rows is not None
    categorical = list(request.categorical) or request.model.get_params().get("cat_features")
    return Pool(rows.X, rows.y, weight=rows.sample_weight, cat_features=categorical)


class RoundCallback:
    """CatBoost callback that records each round and returns whether to continue."""

    def __init__(self, request: FitRequest, recorder: RoundRecorder) -> None:
        self._request = request
        self._recorder = recorder
        self._skipped = skipped_for_training(request.model)

    def after_iteration(self, info: Any) -> bool:
        if self._recorder.n_iter == 0:
            watch_native_metric(self._request, info.metrics.get("validation", {}))
        stop = False
        # After resuming from a snapshot, the metrics also contain the rounds before it.
        for i in range(self._recorder.n_iter, info.iteration):
            stop = self._recorder.record(i + 1, _values(info.metrics, i, self._skipped))
        return not stop


def _record_history(request: FitRequest, recorder: RoundRecorder) -> None:
    logs = request.model.get_evals_result()
    watch_native_metric(request, logs.get("validation", {}))
    n_iter = max((len(history) for log in logs.values() for history in log.values()), default=0)
    skipped = skipped_for_training(request.model)
    for i in range(n_iter):
        recorder.record(i + 1, _values(logs, i, skipped), seconds=math.nan)


def _values(
    logs: Mapping[str, Any], i: int, skipped: str | None
) -> dict[str, dict[str, float]]:
    """Return the metrics of one round; `skipped` is not computed on the training rows."""
    return {
        part: {
            metric: history[i]
            for metric, history in logs[theirs].items()
            if part != "train" or metric != skipped
        }
        for theirs, part in _SET_NAMES.items()
        if theirs in logs
    }
