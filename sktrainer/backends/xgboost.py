"""The way to XGBoost's scikit-learn estimators."""

from __future__ import annotations

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
    negative_square,
    refuse_unsupported,
    same,
    score_outputs,
    train_curve_rows,
)
from sktrainer.backends._xgboost_segments import Rounds, train_in_segments
from sktrainer.running.early_stopping import Monitor
from sktrainer.types import Array, ModelFit, Scorer, Task

DEFAULT_ROUNDS = 100

# The metrics that each objective reports by itself, and those that equal a scorer. Any
# other objective, or scorer, is scored in Python: slower, and never wrong.
_LOSS_OF = {
    "binary:logistic": "logloss",
    "multi:softprob": "mlogloss",
    "reg:squarederror": "rmse",
    "reg:absoluteerror": "mae",
    "reg:pseudohubererror": "mphe",
}
_REGRESSION: MetricTable = {
    "neg_root_mean_squared_error": ("rmse", negative),
    "neg_mean_squared_error": ("rmse", negative_square),
    "neg_mean_absolute_error": ("mae", negative),
}
# average_precision is not among them: aucpr interpolates between points of the curve.
_SCORERS_OF: dict[str, MetricTable] = {
    "logloss": {
        "roc_auc": ("auc", same),
        "accuracy": ("error", complement),
        "neg_log_loss": ("logloss", negative),
    },
    "mlogloss": {
        "accuracy": ("merror", complement),
        "neg_log_loss": ("mlogloss", negative),
    },
    "rmse": _REGRESSION,
    "mae": _REGRESSION,
    "mphe": _REGRESSION,
}
# What XGBoost's own early stopping maximises; it minimises everything else.
_MAXIMISED = ("auc", "aucpr", "pre", "map", "ndcg")
_PYTHON_METRIC = "scorer"


class XGBoostBackend:
    """Trains XGBClassifier, XGBRegressor, their random forests, and what derives from them.

    The booster is cut to its best round as XGBoost's own `EarlyStopping(save_best=True)`
    does. The trees of DART and the coefficients of gblinear change in later rounds: such a
    model is fitted once more, to the best number of rounds.
    """

    name = "xgboost"

    def traits(self, model: Any, task: Task) -> Traits:
        refuse_unsupported(model, "XGBModel")
        linear = model.booster == "gblinear"
        exact = model.tree_method == "exact"
        return Traits(
            native_categorical=not linear and not exact,
            native_missing=not linear,
            scale_sensitive=linear,
            labels="codes",
            likeliest=model.objective in (None, "binary:logistic", "multi:softprob"),
            max_iter=None if _is_forest(model) else _rounds(model),
            stops_by_default=_is_cuttable(model) and not _is_forest(model),
            iteration="round",
            releases_gil=True,
            in_segments=not _is_forest(model),
        )

    def fit(self, request: FitRequest) -> ModelFit:
        refuse_unsupported(request.model, "XGBModel")
        model = request.model
        _set_open_parameters(request)
        own_stop, model.early_stopping_rounds = model.early_stopping_rounds, None
        try:
            if _is_forest(model):
                model.fit(
                    request.train.X,
                    request.train.y,
                    sample_weight=request.train.sample_weight,
                    verbose=False,
                )
                return ModelFit(model=model, stop_reason="single_fit")
            return _fit_rounds(request)
        finally:
            model.early_stopping_rounds = own_stop


def _fit_rounds(request: FitRequest) -> ModelFit:
    model = request.model
    before = {name: getattr(model, name) for name in ("callbacks", "eval_metric")}
    own_rounds = model.n_estimators
    max_iter = request.n_iter or _rounds(model)
    others = _callbacks_that_do_not_stop(model)
    recorder = Recorder(request, _set_metric(request))
    try:
        if request.checkpoint is not None:
            _train_in_segments(request, recorder, max_iter, others)
            return recorder.outcome(model, max_iter)
        model.n_estimators = max_iter
        model.callbacks = [*others, _live_callback(request, recorder)]
        _train(request, watched=True)
        if not _is_cuttable(model) and recorder.best_iteration < recorder.n_iter:
            model.n_estimators, model.callbacks = recorder.best_iteration, others or None
            _train(request, watched=False)
    finally:
        model.n_estimators = own_rounds
        for name, value in before.items():
            setattr(model, name, value)
    return recorder.outcome(model, max_iter)


def _train_in_segments(
    request: FitRequest, recorder: Recorder, max_iter: int, others: list[Any]
) -> None:
    model, cuttable = request.model, _is_cuttable(request.model)
    rounds = Rounds(keeps_best=recorder.obeys and not cuttable)

    def fit(begin: int, booster: Any) -> None:
        live = _live_callback(request, recorder, rounds, begin)
        model.callbacks = [*(_counted_on(callback, begin) for callback in others), live]
        _train(request, watched=True, booster=booster)

    train_in_segments(request, recorder, rounds, max_iter, fit)
    if recorder.obeys and cuttable:
        model._Booster = _cut(model.get_booster(), recorder, request.monitor)


def _train(request: FitRequest, *, watched: bool, booster: Any = None) -> None:
    parts = [train_curve_rows(request)] if watched else []
    if watched and request.validation is not None:
        parts.append(request.validation)
    train = request.train
    request.model.fit(
        train.X,
        train.y,
        sample_weight=train.sample_weight,
        # The same objects as above where the curve has all training rows: XGBoost then
        # evaluates on the matrix that it trains on, and builds no second one.
        eval_set=[(part.X, part.y) for part in parts] or None,
        sample_weight_eval_set=[part.sample_weight for part in parts] or None,
        verbose=False,
        xgb_model=booster,
    )


def _set_open_parameters(request: FitRequest) -> None:
    model, given = request.model, request.model.get_params()
    if given.get("random_state") is None and given.get("seed") is None:
        model.random_state = request.seed
    alias = "nthread" if given.get("nthread") is not None else "n_jobs"
    model.set_params(**{alias: granted_threads(given.get(alias), request.n_threads)})
    if request.categorical:
        codes = set(request.categorical)
        n_columns = request.train.X.shape[1]
        model.feature_types = ["c" if i in codes else "q" for i in range(n_columns)]
        model.enable_categorical = True


def _set_metric(request: FitRequest) -> Names:
    """Ask the model for what the monitor watches; the names that XGBoost will report."""
    model, metric = request.model, request.monitor.metric
    if metric.scorer is None:
        return Names() if model.eval_metric is None else Names(loss="", keep=True)
    loss = _LOSS_OF.get(_objective(request), "")
    found = library_metric(metric, _SCORERS_OF.get(loss, {}))
    if found is None:
        # A callable is evaluated beside the metric that the objective reports by itself.
        model.eval_metric = _ScorerMetric(request)
        return Names(scorer=metric.name, library=_PYTHON_METRIC)
    library, convert = found
    model.eval_metric = list(dict.fromkeys([loss, library]))
    return Names(metric.name, library, convert, loss=loss)


def _objective(request: FitRequest) -> str:
    objective = request.model.objective
    if callable(objective):
        return ""
    if request.task == "classification" and len(np.unique(request.train.y)) > 2:
        # XGBoost itself puts this one in the place of any other but softmax.
        return "multi:softmax" if objective == "multi:softmax" else "multi:softprob"
    return str(objective)


class _ScorerMetric:
    """A scikit-learn scorer as XGBoost calls metrics of one's own.

    XGBoost passes its values on as text with six decimals, which makes equals of small
    losses. The values as they are stay in `unrounded` until the round is recorded.
    """

    __name__ = _PYTHON_METRIC

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
        if callable(self._objective):  # raw margins, then
            return np.asarray(expit(output) if output.ndim == 1 else softmax(output, axis=1))
        assert self._classes is not None
        if self._objective == "multi:softmax" and output.ndim == 1:
            return np.eye(len(self._classes))[output.astype(np.intp)]  # class codes
        return output


def _live_callback(
    request: FitRequest, recorder: Recorder, rounds: Rounds | None = None, begin: int = 0
) -> Any:
    from xgboost.callback import TrainingCallback

    monitor, metric = request.monitor, request.model.eval_metric
    cut = recorder.obeys and _is_cuttable(request.model) and rounds is None

    class Live(TrainingCallback):
        """Tells the recorder each round, and cuts the booster when training ends."""

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            values = {
                part: {metric: history[-1] for metric, history in log.items()}
                for part, log in zip(("train", "validation"), evals_log.values(), strict=False)
            }
            if isinstance(metric, _ScorerMetric):
                for part, value in zip(values.values(), metric.unrounded, strict=True):
                    part[_PYTHON_METRIC] = value
                metric.unrounded.clear()
            if recorder.keeps_names and begin + epoch == 0 and values.get("validation"):
                last = list(values["validation"])[-1]
                monitor.watch(last, greater_is_better=last.split("@")[0] in _MAXIMISED)
            stop = recorder.record(begin + epoch + 1, values)
            if rounds is not None:
                rounds.add(model, evals_log, improved=recorder.improved)
            if request.checkpoint is not None:
                request.checkpoint.poll()
            return stop

        def after_training(self, model: Any) -> Any:
            return _cut(model, recorder, monitor) if cut else model

    return Live()


def _cut(booster: Any, recorder: Recorder, monitor: Monitor) -> Any:
    """Drop the rounds after the best."""
    best = recorder.best_iteration
    booster = booster[:best] if best < recorder.n_iter else booster
    booster.set_attr(best_iteration=str(best - 1), best_score=str(monitor.best_value))
    return booster


def _counted_on(callback: Any, begin: int) -> Any:
    """Let a callback of the caller's count rounds from the first one, not from a segment's."""
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


def _callbacks_that_do_not_stop(model: Any) -> list[Any]:
    from xgboost.callback import EarlyStopping

    return [c for c in model.callbacks or () if not isinstance(c, EarlyStopping)]


def _rounds(model: Any) -> int:
    return DEFAULT_ROUNDS if model.n_estimators is None else int(model.n_estimators)


def _is_forest(model: Any) -> bool:
    return any(base.__name__.startswith("XGBRF") for base in type(model).__mro__)


def _is_cuttable(model: Any) -> bool:
    return model.booster not in ("dart", "gblinear")


if TYPE_CHECKING:
    _: Backend = XGBoostBackend()
