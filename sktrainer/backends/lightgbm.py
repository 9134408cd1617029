"""The way to LightGBM's scikit-learn estimators."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, softmax

from sktrainer.backends._base import Backend, FitRequest, Traits
from sktrainer.backends._boosting import (
    MetricTable,
    Names,
    Recorder,
    complement,
    granted_threads,
    library_metric,
    negative,
    refuse_unsupported,
    same,
    score_outputs,
    train_curve_rows,
)
from sktrainer.types import Array, ModelFit, Rows, Task

_BINARY: MetricTable = {
    "roc_auc": ("auc", same),
    "average_precision": ("average_precision", same),
    "accuracy": ("binary_error", complement),
    "neg_log_loss": ("binary_logloss", negative),
}
# multi_error is not among them: it counts a tie of two classes as an error.
_MULTICLASS: MetricTable = {"neg_log_loss": ("multi_logloss", negative)}
_REGRESSION: MetricTable = {
    "neg_root_mean_squared_error": ("rmse", negative),
    "neg_mean_squared_error": ("l2", negative),
    "neg_mean_absolute_error": ("l1", negative),
}
_PYTHON_METRIC = "scorer"
_LAST = 40  # after LightGBM's own callbacks, whose highest order is 30


class LightGBMBackend:
    """Trains LGBMClassifier, LGBMRegressor, and what derives from them.

    `best_iteration_` is set on the model as LightGBM's own early stopping sets it, and
    predictions use it. DART changes earlier trees in later rounds: such a model is fitted
    once more, to the best number of rounds.
    """

    name = "lightgbm"

    def traits(self, model: Any, task: Task) -> Traits:
        refuse_unsupported(model, "LGBMModel")
        given = model.get_params()
        linear = bool(_first(given, _LINEAR, False))
        return Traits(
            native_categorical=True,
            native_missing=True,
            # Linear models in the leaves are fitted to the values, not to their order.
            scale_sensitive=linear,
            max_iter=_rounds(given),
            stops_by_default=_boosting(given) not in ("rf", "random_forest", "dart"),
            iteration="round",
            releases_gil=True,
        )

    def fit(self, request: FitRequest) -> ModelFit:
        refuse_unsupported(request.model, "LGBMModel")
        model = request.model
        _set_open_parameters(model, request)
        given = model.get_params()
        max_iter = request.n_iter or _rounds(given)
        names, metric = _metric(request, given)
        recorder = Recorder(request, names)
        with _overridden(model, _changes(given), drop=_dropped(request)):
            model.set_params(n_estimators=max_iter)
            live = _Live(request, recorder, max_iter, final=_boosting(given) != "dart")
            _train(request, live, metric)
            if _boosting(given) == "dart" and recorder.best_iteration < recorder.n_iter:
                model.set_params(n_estimators=recorder.best_iteration)
                _train(request, None, None)
        return recorder.outcome(model, max_iter)


class _Live:
    """LightGBM callback: tells the recorder each round and ends training on its answer."""

    order = _LAST
    before_iteration = False

    def __init__(
        self, request: FitRequest, recorder: Recorder, max_iter: int, *, final: bool
    ) -> None:
        self._monitor = request.monitor
        self._recorder = recorder
        self._max_iter = max_iter
        self._cuts = final and recorder.obeys
        self._best: list[Any] = []

    def __call__(self, env: Any) -> None:
        values: dict[str, dict[str, float]] = {}
        for part, metric, value, *_ in env.evaluation_result_list:
            values.setdefault(part, {})[metric] = float(value)
        iteration = env.iteration + 1
        if iteration == 1:
            self._watch_own(env.evaluation_result_list)
        stop = self._recorder.record(iteration, values)
        if self._recorder.improved:
            self._best = env.evaluation_result_list
        if stop or (self._cuts and iteration == self._max_iter):
            self._end(env)

    def _watch_own(self, results: list[Any]) -> None:
        if not self._recorder.keeps_names:
            return
        for part, metric, _, maximize in results:
            if part == "validation":
                self._monitor.watch(metric, greater_is_better=bool(maximize))
                return

    def _end(self, env: Any) -> None:
        # The exception is LightGBM's own word for "stop": it sets best_iteration_.
        from lightgbm.callback import EarlyStopException

        best = self._recorder.best_iteration if self._cuts else env.iteration + 1
        raise EarlyStopException(best - 1, self._best or env.evaluation_result_list)


def _train(request: FitRequest, live: _Live | None, metric: Any) -> None:
    model, train = request.model, request.train
    parts = {"train": train_curve_rows(request)} if live is not None else {}
    if live is not None and request.validation is not None:
        parts["validation"] = request.validation
    arguments: dict[str, Any] = {}
    if parts:
        arguments |= _evaluation(request, parts)
        arguments |= {"eval_metric": metric, "callbacks": [live]}
    if request.categorical:
        arguments["categorical_feature"] = list(request.categorical)
    model.fit(train.X, train.y, sample_weight=train.sample_weight, **arguments)


def _evaluation(request: FitRequest, parts: Mapping[str, Rows]) -> dict[str, Any]:
    rows = list(parts.values())
    arguments: dict[str, Any] = {
        "eval_names": list(parts),
        "eval_sample_weight": [part.sample_weight for part in rows],
    }
    if getattr(request.model, "class_weight", None) is not None:
        # The train curve is that of the weighted loss that training minimises.
        arguments["eval_class_weight"] = [request.model.class_weight, *[None] * len(rows[1:])]
    if not _takes_eval_X():
        arguments["eval_set"] = [(part.X, part.y) for part in rows]
        return arguments
    targets = [part.y for part in rows]
    if request.task == "classification" and not _encodes_eval_y():
        classes = np.unique(request.train.y)
        targets = [np.searchsorted(classes, y) for y in targets]
    arguments["eval_X"] = tuple(part.X for part in rows)
    arguments["eval_y"] = tuple(targets)
    return arguments


@functools.cache
def _takes_eval_X() -> bool:
    """Whether eval_X and eval_y have replaced eval_set, which warns since LightGBM 4.7."""
    from lightgbm import LGBMModel

    return "eval_X" in inspect.signature(LGBMModel.fit).parameters


@functools.cache
def _encodes_eval_y() -> bool:
    """Whether `eval_y` is encoded as `y` is; LightGBM 4.7.0 takes its values as codes.

    With integer labels other than 0 to k - 1 it then scores the validation rows wrongly
    without a word. Four rows tell. To go when no supported version does so:
    https://github.com/lightgbm-org/LightGBM/issues/7400
    """
    from lightgbm import LGBMClassifier

    X, y = np.arange(4.0).reshape(-1, 1), np.array(["a", "b", "a", "b"])
    probe = LGBMClassifier(n_estimators=1, n_jobs=1, verbosity=-1)
    try:
        probe.fit(X, y, eval_X=(X,), eval_y=(y,))
    except ValueError:
        return False
    return True


def _metric(request: FitRequest, given: Mapping[str, Any]) -> tuple[Names, Any]:
    """Return the names that LightGBM will report, and the `eval_metric` to ask it for."""
    metric = request.monitor.metric
    if metric.scorer is None:
        own = _first(given, _METRIC, None) is not None
        return (Names(loss="", keep=True) if own else Names()), None
    found = (
        None if callable(given.get("objective")) else library_metric(metric, _table(request))
    )
    if found is None:
        return Names(metric.name, _PYTHON_METRIC), _python_metric(request)
    return Names(metric.name, *found), [found[0]]


def _table(request: FitRequest) -> MetricTable:
    if request.task == "regression":
        return _REGRESSION
    return _BINARY if len(np.unique(request.train.y)) == 2 else _MULTICLASS


def _python_metric(request: FitRequest) -> Callable[..., tuple[str, float, bool]]:
    scorer, task = request.monitor.metric.scorer, request.task
    assert scorer is not None
    classes = np.unique(request.train.y) if task == "classification" else None
    # LightGBM hands raw scores to the metric of a model with an objective of its own.
    raw = callable(request.model.objective) and task == "classification"

    def metric(y: Array, output: Array, weight: Array | None) -> tuple[str, float, bool]:
        if raw:
            output = expit(output) if output.ndim == 1 else softmax(output, axis=1)
        return _PYTHON_METRIC, score_outputs(scorer, task, classes, output, y, weight), True

    return metric


if TYPE_CHECKING:
    _: Backend = LightGBMBackend()
