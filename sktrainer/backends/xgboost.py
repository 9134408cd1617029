"""Backend for the scikit-learn estimators of XGBoost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sktrainer.backends._base import (
    Capabilities,
    ColumnBackend,
    ColumnParameter,
    DeviceSupport,
    FitRequest,
)
from sktrainer.backends._boosting import (
    MetricNames,
    MetricTable,
    RoundRecorder,
    complement,
    equivalent_metric,
    identity,
    negative,
    negative_square,
    refuse_unsupported,
    resolve_n_threads,
    train_curve_rows,
)
from sktrainer.backends._cuda import check_no_cpu_fallback, gpus_of_xgboost
from sktrainer.backends._xgboost_rounds import (
    PYTHON_METRIC,
    ScorerMetric,
    is_truncatable,
    make_round_callback,
    non_stopping_callbacks,
    offset_callback,
    truncate_to_best,
)
from sktrainer.backends._xgboost_segments import RoundHistory, train_in_segments
from sktrainer.running.devices import AvailableGpus
from sktrainer.types import ModelFit, Task

DEFAULT_ROUNDS = 100

# Default metric of each objective, and the metrics that equal a scikit-learn scorer. All
# other objectives and scorers are computed in Python, which is slower but exact.
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
# average_precision is missing because XGBoost's aucpr interpolates between curve points.
_SCORERS_OF: dict[str, MetricTable] = {
    "logloss": {
        "roc_auc": ("auc", identity),
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


class XGBoostBackend:
    """Backend for XGBClassifier, XGBRegressor, their random forests, and subclasses.

    The booster is cut to its best round, as `xgboost.callback.EarlyStopping(save_best=True)`
    does. DART and gblinear change earlier trees or coefficients in later rounds. These models
    are fitted again with the best number of rounds. A booster trained on a GPU is set to
    predict on the CPU: it then works on machines without a GPU, and XGBoost does not warn
    that the rows are on a different device.
    """

    name = "xgboost"
    column_parameters: ClassVar[Mapping[str, ColumnParameter]] = {
        "monotone_constraints": ColumnParameter("each", tuple),
        "interaction_constraints": ColumnParameter("groups", str),
        "feature_weights": ColumnParameter("weights"),
        "feature_types": ColumnParameter("types"),
    }

    def capabilities(self, model: Any, task: Task) -> Capabilities:
        refuse_unsupported(model, "XGBModel")
        linear = model.booster == "gblinear"
        # The exact algorithm and multi-output trees do not support categorical features.
        plain = model.tree_method != "exact" and model.multi_strategy != "multi_output_tree"
        return Capabilities(
            native_categorical=not linear and plain,
            native_missing=not linear,
            scale_sensitive=linear,
            labels="codes",
            predict_is_argmax=model.objective in (None, "binary:logistic", "multi:softprob"),
            max_iter=None if is_random_forest(model) else n_rounds(model),
            early_stopping_by_default=is_truncatable(model) and not is_random_forest(model),
            iteration_name="round",
            releases_gil=True,
            segmented_training=not is_random_forest(model),
        )

    def own_device(self, model: Any) -> str | None:
        """Return the device of the model; "gpu" is XGBoost's alias of "cuda"."""
        return None if model.device is None else str(model.device).replace("gpu", "cuda")

    def gpus(self, model: Any) -> AvailableGpus:
        """Return the GPUs, or none if the selected algorithm runs on the CPU only."""
        for name, value in (("booster", "gblinear"), ("tree_method", "exact")):
            if getattr(model, name) == value:
                return AvailableGpus(reason_if_none=f"{name}={value!r} trains on the CPU only")
        return gpus_of_xgboost()

    def fit(self, request: FitRequest) -> ModelFit:
        refuse_unsupported(request.model, "XGBModel")
        model = request.model
        if request.device is not None:
            model.set_params(device=request.device)
        on_gpu = str(self.own_device(model)).startswith("cuda")
        if on_gpu:
            check_no_cpu_fallback(str(model.device))
        set_unset_params(request)
        own_stop, model.early_stopping_rounds = model.early_stopping_rounds, None
        try:
            if is_random_forest(model):
                model.fit(
                    request.train.X,
                    request.train.y,
                    sample_weight=request.train.sample_weight,
                    verbose=False,
                )
                fit = ModelFit(model=model, stop_reason="single_fit")
            else:
                fit = fit_rounds(request)
            if on_gpu:
                model.get_booster().set_param({"device": "cpu"})
            return fit
        finally:
            model.early_stopping_rounds = own_stop


def fit_rounds(request: FitRequest) -> ModelFit:
    model = request.model
    before = {name: getattr(model, name) for name in ("callbacks", "eval_metric")}
    own_rounds = model.n_estimators
    max_iter = request.n_iter or n_rounds(model)
    others = non_stopping_callbacks(model)
    recorder = RoundRecorder(request, set_metric(request))
    try:
        if request.checkpoint is not None:
            _train_in_segments(request, recorder, max_iter, others)
            return recorder.outcome(model, max_iter)
        model.n_estimators = max_iter
        model.callbacks = [*others, make_round_callback(request, recorder)]
        _train(request, watched=True)
        if not is_truncatable(model) and recorder.best_iteration < recorder.n_iter:
            model.n_estimators, model.callbacks = recorder.best_iteration, others or None
            _train(request, watched=False)
    finally:
        model.n_estimators = own_rounds
        for name, value in before.items():
            setattr(model, name, value)
    return recorder.outcome(model, max_iter)


def _train_in_segments(
    request: FitRequest, recorder: RoundRecorder, max_iter: int, others: list[Any]
) -> None:
    model, cuttable = request.model, is_truncatable(request.model)
    rounds = RoundHistory(keeps_best=recorder.stops_early and not cuttable)

    def fit(begin: int, booster: Any) -> None:
        live = make_round_callback(request, recorder, rounds, begin)
        model.callbacks = [*(offset_callback(callback, begin) for callback in others), live]
        _train(request, watched=True, booster=booster)

    train_in_segments(request, recorder, rounds, max_iter, fit)
    if recorder.stops_early and cuttable:
        model._Booster = truncate_to_best(model.get_booster(), recorder, request.monitor)


def _train(request: FitRequest, *, watched: bool, booster: Any = None) -> None:
    parts = [train_curve_rows(request)] if watched else []
    if watched and request.validation is not None:
        parts.append(request.validation)
    train = request.train
    request.model.fit(
        train.X,
        train.y,
        sample_weight=train.sample_weight,
        # If the curve uses all training rows, pass the same objects as above: XGBoost then
        # evaluates on the training matrix instead of building a second one.
        eval_set=[(part.X, part.y) for part in parts] or None,
        sample_weight_eval_set=[part.sample_weight for part in parts] or None,
        verbose=False,
        xgb_model=booster,
    )


def set_unset_params(request: FitRequest) -> None:
    model, given = request.model, request.model.get_params()
    if given.get("random_state") is None and given.get("seed") is None:
        model.random_state = request.seed
    alias = "nthread" if given.get("nthread") is not None else "n_jobs"
    model.set_params(**{alias: resolve_n_threads(given.get(alias), request.n_threads)})
    if request.categorical:
        codes = set(request.categorical)
        n_columns = request.train.X.shape[1]
        model.feature_types = ["c" if i in codes else "q" for i in range(n_columns)]
        model.enable_categorical = True


def set_metric(request: FitRequest) -> MetricNames:
    """Set the monitored metric on the model; return the names that XGBoost reports."""
    model, metric = request.model, request.monitor.metric
    if metric.scorer is None:
        return MetricNames() if model.eval_metric is None else MetricNames(loss="", keep=True)
    loss = _LOSS_OF.get(_objective(request), "")
    found = equivalent_metric(metric, _SCORERS_OF.get(loss, {}))
    if found is None:
        # XGBoost evaluates a callable in addition to the default metric of the objective.
        model.eval_metric = ScorerMetric(request)
        return MetricNames(scorer=metric.name, library=PYTHON_METRIC)
    library, convert = found
    model.eval_metric = list(dict.fromkeys([loss, library]))
    return MetricNames(metric.name, library, convert, loss=loss)


def _objective(request: FitRequest) -> str:
    objective = request.model.objective
    if callable(objective):
        return ""
    if request.task == "classification" and len(np.unique(request.train.y)) > 2:
        # XGBoost replaces every multiclass objective other than softmax with softprob.
        return "multi:softmax" if objective == "multi:softmax" else "multi:softprob"
    return str(objective)


def n_rounds(model: Any) -> int:
    return DEFAULT_ROUNDS if model.n_estimators is None else int(model.n_estimators)


def is_random_forest(model: Any) -> bool:
    return any(base.__name__.startswith("XGBRF") for base in type(model).__mro__)


if TYPE_CHECKING:
    _: DeviceSupport = XGBoostBackend()
    _of_columns: ColumnBackend = XGBoostBackend()
