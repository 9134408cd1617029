"""Backend for the scikit-learn estimators of LightGBM."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.special import expit, softmax

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
    refuse_unsupported,
    score_outputs,
    train_curve_rows,
)
from sktrainer.backends._cuda import gpus_of_lightgbm
from sktrainer.backends._lightgbm_parameters import (
    BOOSTING,
    LINEAR,
    METRIC,
    configured_device,
    first_set,
    n_rounds,
    override_params,
    set_device,
    set_unset_params,
)
from sktrainer.backends._lightgbm_rounds import RoundCallback, RoundHistory
from sktrainer.backends._lightgbm_segments import SegmentedTraining
from sktrainer.exceptions import ParameterError
from sktrainer.running.devices import AvailableGpus
from sktrainer.types import Array, ModelFit, Rows, Task

_BINARY: MetricTable = {
    "roc_auc": ("auc", identity),
    "average_precision": ("average_precision", identity),
    "accuracy": ("binary_error", complement),
    "neg_log_loss": ("binary_logloss", negative),
}
# multi_error is missing because it counts a tie between two classes as an error.
_MULTICLASS: MetricTable = {"neg_log_loss": ("multi_logloss", negative)}
_REGRESSION: MetricTable = {
    "neg_root_mean_squared_error": ("rmse", negative),
    "neg_mean_squared_error": ("l2", negative),
    "neg_mean_absolute_error": ("l1", negative),
}
_PYTHON_METRIC = "scorer"


class LightGBMBackend:
    """Backend for LGBMClassifier, LGBMRegressor, and subclasses.

    The backend sets `best_iteration_`, which predictions use, as LightGBM's early stopping
    does. DART changes earlier trees in later rounds, so that these models are fitted again
    with the best number of rounds.
    """

    name = "lightgbm"
    column_parameters: ClassVar[Mapping[str, ColumnParameter]] = {
        **dict.fromkeys(
            ("monotone_constraints", "monotone_constraint", "monotonic_cst", "mc"),
            ColumnParameter("each"),
        ),
        **dict.fromkeys(
            ("feature_contri", "feature_contrib", "feature_penalty", "fc", "fp"),
            ColumnParameter("weights"),
        ),
        **dict.fromkeys(
            (
                "categorical_feature",
                "categorical_column",
                "categorical_features",
                "cat_feature",
            ),
            ColumnParameter("types"),
        ),
        "interaction_constraints": ColumnParameter("groups"),
    }

    def capabilities(self, model: Any, task: Task) -> Capabilities:
        refuse_unsupported(model, "LGBMModel")
        if task == "classification":
            check_predicts_labels(model)
        given = model.get_params()
        return Capabilities(
            native_categorical=True,
            native_missing=True,
            # Linear leaves depend on the values of a column, not only on their order.
            scale_sensitive=bool(first_set(given, LINEAR)),
            predict_is_argmax=not callable(model.objective),
            max_iter=n_rounds(given),
            early_stopping_by_default=not is_random_forest(given) and not is_dart(given),
            iteration_name="round",
            releases_gil=True,
            # LightGBM cannot continue the training of a random forest.
            segmented_training=not is_random_forest(given),
        )

    def own_device(self, model: Any) -> str | None:
        return configured_device(vars(model))  # faster than get_params, which takes 0.25 ms

    def gpus(self, model: Any) -> AvailableGpus:
        return gpus_of_lightgbm()

    def fit(self, request: FitRequest) -> ModelFit:
        refuse_unsupported(request.model, "LGBMModel")
        model = request.model
        if request.device is not None:
            set_device(model, request.device)
        set_unset_params(request)
        given = model.get_params()
        max_iter = request.n_iter or n_rounds(given)
        names, metric = resolve_metric(request, given)
        recorder = RoundRecorder(request, names)
        cuts = recorder.stops_early and not is_dart(given)
        with override_params(request, max_iter):
            if request.checkpoint is not None and not is_random_forest(given):
                train_in_segments(request, recorder, max_iter, metric, cuts=cuts)
                return recorder.outcome(model, max_iter)
            train_rounds(
                request, RoundCallback(request, recorder, max_iter if cuts else None), metric
            )
            if recorder.stops_early and not cuts and recorder.best_iteration < recorder.n_iter:
                model.set_params(n_estimators=recorder.best_iteration)
                train_rounds(request)
        return recorder.outcome(model, max_iter)


def train_in_segments(
    request: FitRequest, recorder: RoundRecorder, max_iter: int, metric: Any, *, cuts: bool
) -> None:
    rounds = RoundHistory(keeps_best=recorder.stops_early and not cuts)
    live = RoundCallback(request, recorder, None, rounds)

    def fit(rows: Rows, booster: Any, callbacks: list[Any]) -> None:
        watched = next(iter(callbacks), None)
        train_rounds(replace(request, train=rows), watched, metric, booster)

    SegmentedTraining(request, recorder, rounds, live, fit, metric).train(max_iter)


def train_rounds(
    request: FitRequest,
    live: RoundCallback | None = None,
    metric: Any = None,
    booster: Any = None,
) -> None:
    model, train = request.model, request.train
    arguments: dict[str, Any] = {} if booster is None else {"init_model": booster}
    if live is not None:
        parts = {"train": train_curve_rows(request)}
        if request.validation is not None:
            parts["validation"] = request.validation
        arguments |= {"eval_metric": metric, "callbacks": [live]}
        arguments |= _eval_arguments(request, parts)
    if request.categorical:
        arguments["categorical_feature"] = list(request.categorical)
    model.fit(train.X, train.y, sample_weight=train.sample_weight, **arguments)


def _eval_arguments(request: FitRequest, parts: Mapping[str, Rows]) -> dict[str, Any]:
    rows = list(parts.values())
    arguments: dict[str, Any] = {
        "eval_names": list(parts),
        "eval_sample_weight": [part.sample_weight for part in rows],
    }
    if getattr(request.model, "class_weight", None) is not None:
        # Use the class weights for the training curve, as the training objective does.
        arguments["eval_class_weight"] = [request.model.class_weight, *[None] * len(rows[1:])]
    if not _takes_eval_sets_apart():
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
def _takes_eval_sets_apart() -> bool:
    """Return whether `fit` has eval_X and eval_y; LightGBM 4.7 deprecates eval_set."""
    from lightgbm import LGBMModel

    return "eval_X" in inspect.signature(LGBMModel.fit).parameters


@functools.cache
def _encodes_eval_y() -> bool:
    """Return whether LightGBM encodes the labels in `eval_y`, tested with a fit on four rows.

    LightGBM 4.7.0 interprets them as class codes: integer labels other than 0 to k - 1
    silently give wrong validation scores. Remove this function when no supported version has
    the bug: https://github.com/lightgbm-org/LightGBM/issues/7400
    """
    from lightgbm import LGBMClassifier

    X, y = np.arange(4.0).reshape(-1, 1), np.array(["a", "b", "a", "b"])
    probe = LGBMClassifier(n_estimators=1, n_jobs=1, verbosity=-1)
    try:
        probe.fit(X, y, eval_X=(X,), eval_y=(y,))
    except ValueError:
        return False
    return True


def resolve_metric(request: FitRequest, given: Mapping[str, Any]) -> tuple[MetricNames, Any]:
    """Return the metric names that LightGBM reports, and the `eval_metric` to pass to it."""
    metric = request.monitor.metric
    if metric.scorer is None:
        own = first_set(given, METRIC) is not None
        return (MetricNames(loss="", keep=True) if own else MetricNames()), None
    found = (
        None if callable(given.get("objective")) else equivalent_metric(metric, _table(request))
    )
    if found is None:
        return MetricNames(metric.name, _PYTHON_METRIC), _python_metric(request)
    return MetricNames(metric.name, *found), [found[0]]


def _table(request: FitRequest) -> MetricTable:
    if request.task == "regression":
        return _REGRESSION
    return _BINARY if len(np.unique(request.train.y)) == 2 else _MULTICLASS


def _python_metric(request: FitRequest) -> Callable[..., tuple[str, float, bool]]:
    scorer, task = request.monitor.metric.scorer, request.task
    assert scorer is not None
    classes = np.unique(request.train.y) if task == "classification" else None
    # LightGBM passes raw scores to the metric if the objective is user-defined.
    raw = callable(request.model.objective) and task == "classification"

    def metric(y: Array, output: Array, weight: Array | None) -> tuple[str, float, bool]:
        if raw:
            output = expit(output) if output.ndim == 1 else softmax(output, axis=1)
        return _PYTHON_METRIC, score_outputs(scorer, task, classes, output, y, weight), True

    return metric


def check_predicts_labels(model: Any) -> None:
    """Raise an error if a classifier with a callable objective uses LightGBM's predict_proba.

    LightGBM then returns raw scores instead of labels and probabilities. Subclasses that
    define their own `predict_proba` are allowed.
    """
    own = next((b for b in type(model).__mro__ if "predict_proba" in vars(b)), object)
    if callable(model.objective) and own.__module__.partition(".")[0] == "lightgbm":
        raise ParameterError(
            f"objective is a function; {type(model).__name__} would then predict raw scores "
            "instead of labels and probabilities; use objective='binary', 'multiclass' or "
            "'cross_entropy', or a subclass that defines predict and predict_proba"
        )


def is_random_forest(given: Mapping[str, Any]) -> bool:
    return first_set(given, BOOSTING) in ("rf", "random_forest")


def is_dart(given: Mapping[str, Any]) -> bool:
    return first_set(given, BOOSTING) == "dart"


if TYPE_CHECKING:
    _: DeviceSupport = LightGBMBackend()
    _of_columns: ColumnBackend = LightGBMBackend()
