"""Training of a CatBoost model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sktrainer.backends._boosting.recorder import RoundRecorder
from sktrainer.backends.base import FitRequest
from sktrainer.backends.catboost.metrics import monitor_native_metric, skipped_for_training
from sktrainer.backends.catboost.parameters import VERBOSITY_PARAMS
from sktrainer.exceptions import InputError, ParameterError
from sktrainer.types import Rows

Logs = Mapping[str, Mapping[str, Sequence[float]]]
_SET_NAMES = {"learn": "train", "validation": "validation"}


def train_rounds(request: FitRequest, recorder: RoundRecorder) -> None:
    """Train the model and record every round."""
    model, train, monitor = request.model, request.train, request.monitor
    needs_callback = recorder.stops_early and monitor.tol > 0
    # CatBoost has no callbacks on a GPU.
    is_on_gpu = str(model.get_params().get("task_type")) == "GPU"
    # CatBoost has no model during the training, so that the rounds are recorded afterwards.
    replays = monitor.reads_models
    observes = monitor.is_observed and not is_on_gpu and not replays
    if needs_callback and is_on_gpu:
        raise ParameterError(
            f"tol={monitor.tol} needs a callback, which CatBoost supports only on the CPU; "
            "use tol=0 or device='cpu'"
        )
    needs_callback = needs_callback and not replays
    arguments: dict[str, Any] = {"use_best_model": recorder.stops_early}
    if request.validation is not None:
        arguments["eval_set"] = _validation_pool(request, request.validation)
    if needs_callback or observes:
        arguments["callbacks"] = [RoundCallback(request, recorder, decides=needs_callback)]
    if recorder.stops_early and not needs_callback:
        arguments["early_stopping_rounds"] = monitor.n_iter_no_change
    arguments |= _options(request)
    if request.task == "regression" and (train.y == train.y[0]).all():
        raise InputError(
            f"CatBoost cannot be trained on a constant target: y is {train.y[0]} in all "
            f"{len(train.y):,} training rows. Check that y is the right column."
        )
    model.fit(train.X, train.y, **arguments)
    if not needs_callback:
        logs: Logs = model.get_evals_result()
        n_iter = max(
            (len(values) for log in logs.values() for values in log.values()), default=0
        )
        if replays:
            models = _TruncatedModels(model, request, n_iter)
            monitor.snapshot = lambda: models.first_rounds(recorder.n_iter)
        _record_rounds(request, recorder, logs, n_iter, seconds=math.nan)
    if (needs_callback or replays) and recorder.best_iteration < model.tree_count_:
        # CatBoost has kept the best round without regard to the tolerance.
        model.shrink(recorder.best_iteration)
        # Recompute the importances, which CatBoost caches on the model.
        model.get_feature_importance(type="PredictionValuesChange")


def _options(request: FitRequest) -> dict[str, Any]:
    """Return the arguments of `fit` that each training on the training rows has."""
    options: dict[str, Any] = {"sample_weight": request.train.sample_weight}
    if not any(name in request.model.get_params() for name in VERBOSITY_PARAMS):
        options["verbose"] = False
    if request.categorical:
        options["cat_features"] = list(request.categorical)
    return options


def _validation_pool(request: FitRequest, rows: Rows) -> Any:
    from catboost import Pool

    categorical = list(request.categorical) or request.model.get_params().get("cat_features")
    return Pool(rows.X, rows.y, weight=rows.sample_weight, cat_features=categorical)


class RoundCallback:
    """CatBoost callback that records each round and returns whether to continue.

    With ``decides=False``, CatBoost itself stops early.
    """

    def __init__(
        self, request: FitRequest, recorder: RoundRecorder, *, decides: bool = True
    ) -> None:
        self._request = request
        self._recorder = recorder
        self._decides = decides

    def after_iteration(self, info: Any) -> bool:
        stop = _record_rounds(self._request, self._recorder, info.metrics, info.iteration)
        return not (stop and (self._decides or self._request.monitor.stopped_by_callback))


def _record_rounds(
    request: FitRequest,
    recorder: RoundRecorder,
    logs: Logs,
    n_iter: int,
    seconds: float | None = None,
) -> bool:
    """Record the rounds up to `n_iter` that are new; return whether to stop.

    After resuming from a snapshot, the first call also gets the rounds before it.
    """
    if recorder.n_iter == 0:
        monitor_native_metric(request, recorder, logs.get("validation", {}))
    skipped = skipped_for_training(request.model)
    stop = False
    for i in range(recorder.n_iter, n_iter):
        values = {
            part: {
                metric: history[i]
                for metric, history in logs[name].items()
                if part != "train" or metric != skipped
            }
            for name, part in _SET_NAMES.items()
            if name in logs
        }
        stop = recorder.record(values, seconds=seconds)
        if stop and request.monitor.reads_models:
            break
    return stop


class _TruncatedModels:
    """Models of the rounds before the last one, and of those after the best one.

    CatBoost drops the latter. Training again keeps them. The default learning rate depends on
    whether they are dropped, so that the one of the first training is used.
    """

    def __init__(self, model: Any, request: FitRequest, n_iter: int) -> None:
        self._model, self._request, self._n_iter = model, request, n_iter

    def first_rounds(self, n_rounds: int) -> Any:
        """Return a copy of the model with its first rounds."""
        if n_rounds > self._model.tree_count_:
            self._model = self._with_all_rounds()
        copied = self._model.copy()
        if n_rounds < copied.tree_count_:
            copied.shrink(n_rounds)
        return copied

    def _with_all_rounds(self) -> Any:
        train = self._request.train
        again = type(self._model)(**self._model.get_params())
        again.set_params(iterations=self._n_iter, learning_rate=self._model.learning_rate_)
        again.fit(train.X, train.y, use_best_model=False, **_options(self._request))
        return again
