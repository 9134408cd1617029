"""Backend for the estimators of CatBoost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from sktrainer.backends._base import (
    Capabilities,
    ColumnBackend,
    ColumnParameter,
    DeviceSupport,
    FitRequest,
    GuestBackend,
)
from sktrainer.backends._boosting import RoundRecorder, refuse_unsupported, resolve_n_threads
from sktrainer.backends._catboost_metrics import (
    requested_metric,
    skipped_for_training,
    watch_native_metric,
)
from sktrainer.backends._catboost_snapshots import snapshot_params
from sktrainer.backends._cuda import gpus_of_catboost
from sktrainer.exceptions import ParameterError
from sktrainer.running.devices import AvailableGpus
from sktrainer.types import ModelFit, Task

DEFAULT_ROUNDS = 1000

ROUNDS_PARAMS = ("iterations", "n_estimators", "num_boost_round", "num_trees")
SEED_PARAMS = ("random_seed", "random_state")
VERBOSITY_PARAMS = ("verbose", "silent", "logging_level", "verbose_eval")
# Removed during training: CatBoost's own early stopping, validation split and choice of the
# best model, and the option to compute metrics only every few rounds.
OVERRIDDEN_PARAMS = (
    "od_type",
    "od_wait",
    "od_pval",
    "early_stopping_rounds",
    "use_best_model",
    "best_model_min_trees",
    "eval_fraction",
    "metric_period",
)
_SET_NAMES = {"learn": "train", "validation": "validation"}


class CatBoostBackend:
    """Backend for CatBoostClassifier, CatBoostRegressor, and subclasses.

    With ``tol=0``, CatBoost's own overfitting detector, which applies the same rule, stops
    the fit. The history is then replayed from `get_evals_result`, without times. A Python
    callback receives the complete history in each round, which makes a fit 1.3 times as long;
    it is used only with ``tol > 0``, which CatBoost does not support.
    """

    name = "catboost"
    column_parameters: ClassVar[Mapping[str, ColumnParameter]] = {
        "monotone_constraints": ColumnParameter("each"),
        "feature_weights": ColumnParameter("weights"),
        "ignored_features": ColumnParameter("listed"),
        "cat_features": ColumnParameter("categories", lambda _: None),
        "text_features": ColumnParameter("texts"),
        "embedding_features": ColumnParameter("texts"),
    }
    as_guest: ClassVar[Mapping[str, Any]] = {"allow_writing_files": False}

    def capabilities(self, model: Any, task: Task) -> Capabilities:
        refuse_unsupported(model, "CatBoost")
        return Capabilities(
            native_categorical=True,
            category_codes="frame",
            native_missing=True,
            scale_sensitive=False,
            predict_is_argmax=isinstance(
                model.get_params().get("loss_function", "Logloss"), str
            ),
            max_iter=n_rounds(model.get_params()),
            early_stopping_by_default=True,
            iteration_name="round",
            releases_gil=True,
        )

    def own_device(self, model: Any) -> str | None:
        """Return the device set by `task_type` and `devices`; "cuda" if there are several."""
        given = model.get_params()
        if str(given.get("task_type")) != "GPU":
            return "cpu" if given.get("task_type") else None
        devices = given.get("devices")
        index = str(devices[0] if isinstance(devices, list) and len(devices) == 1 else devices)
        return f"cuda:{index}" if index.isdecimal() else "cuda"

    def gpus(self, model: Any) -> AvailableGpus:
        return gpus_of_catboost()

    def fit(self, request: FitRequest) -> ModelFit:
        refuse_unsupported(request.model, "CatBoost")
        model = request.model
        if request.device is not None:
            set_device(model, request.device)
        set_unset_params(request)
        given = model.get_params()
        max_iter = request.n_iter or n_rounds(given)
        names, changes = requested_metric(request)
        recorder = RoundRecorder(request, names)
        changes |= {name: v for name, v in self.as_guest.items() if given.get(name) is None}
        dropped = (
            *OVERRIDDEN_PARAMS,
            *ROUNDS_PARAMS,
            *(["cat_features"] if request.categorical else []),
        )
        with (
            snapshot_params(request.checkpoint) as more,
            override_params(model, {**changes, **more, "iterations": max_iter}, dropped),
        ):
            train_rounds(request, recorder)
        return recorder.outcome(model, max_iter)


def train_rounds(request: FitRequest, recorder: RoundRecorder) -> None:
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


def set_device(model: Any, device: str) -> None:
    kind, _, index = device.partition(":")
    model.set_params(task_type="CPU" if kind == "cpu" else "GPU")
    if index:
        model.set_params(devices=index)


def set_unset_params(request: FitRequest) -> None:
    model = request.model
    given = model.get_params()
    if not any(given.get(name) is not None for name in SEED_PARAMS):
        model.set_params(random_seed=request.seed)
    threads = resolve_n_threads(given.get("thread_count"), request.n_threads)
    model.set_params(thread_count=threads)


@contextmanager
def override_params(
    model: Any, changes: Mapping[str, Any], drop: tuple[str, ...]
) -> Iterator[None]:
    """Change parameters during training and restore them afterwards.

    A fitted CatBoost model does not support `set_params`, and a parameter cannot be unset.
    The private attributes that store the constructor arguments are therefore restored.
    """
    before = model._init_params
    model._init_params = {name: v for name, v in before.items() if name not in drop}
    model.set_params(**changes)
    try:
        yield
    finally:
        model._init_params, model._canonized_params = before, None


def n_rounds(given: Mapping[str, Any]) -> int:
    return int(
        next((given[n] for n in ROUNDS_PARAMS if given.get(n) is not None), DEFAULT_ROUNDS)
    )


if TYPE_CHECKING:
    _: DeviceSupport = CatBoostBackend()
    _of_columns: ColumnBackend = CatBoostBackend()
    _as_guest: GuestBackend = CatBoostBackend()
