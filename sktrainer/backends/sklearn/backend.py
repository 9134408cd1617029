"""Backend for scikit-learn and for all models with the scikit-learn API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from joblib import parallel_config

from sktrainer.backends.base import Backend, Capabilities, FitRequest, PartialFitRequest
from sktrainer.backends.estimators import apply_nested_defaults, limit_nested_threads
from sktrainer.backends.sklearn import SPEC
from sktrainer.backends.sklearn.capabilities import (
    accepts_category_columns,
    capabilities_of,
    is_semi_supervised,
)
from sktrainer.backends.sklearn.nested_networks import one_network_at_a_time
from sktrainer.backends.sklearn.parameters import (
    check_parameters,
    fit_rows,
    override_params,
)
from sktrainer.backends.sklearn.serialize import ALLOWED_TYPES, SklearnSerializer
from sktrainer.backends.sklearn.snapshots import first_iterations, has_iterations
from sktrainer.backends.sklearn.train.base import IterationStrategy
from sktrainer.backends.sklearn.train.boosting import loss_scale, train_loss
from sktrainer.backends.sklearn.train.epochs import partial_fit_epoch
from sktrainer.backends.sklearn.train.strategies import iteration_strategy
from sktrainer.backends.sklearn.train.validation import SECONDS_UNKNOWN, ValidationScorer
from sktrainer.backends.support import (
    CLASS_WEIGHT,
    DECREASE,
    ClassParameter,
    ColumnParameter,
    ParameterSpec,
    SafeSetting,
)
from sktrainer.runtime.devices import AvailableGpus
from sktrainer.runtime.seeds import set_unset_seeds
from sktrainer.types import ModelFit, StopReason, Task


class SklearnDevices:
    """GPUs of scikit-learn models, which have no device parameter."""

    def configured_device(self, model: Any) -> None:
        return None

    def available_gpus(self, model: Any) -> AvailableGpus | None:
        """Return no GPUs for scikit-learn's own models, and None (unknown) for all others.

        Meta-estimators are unknown too: an XGBClassifier in a VotingClassifier may use a GPU.
        """
        holds_others = {"estimator", "estimators"} & vars(model).keys()
        own = type(model).__module__.startswith("sklearn.") and not holds_others
        return AvailableGpus() if own else None


def fit_chunk(request: PartialFitRequest) -> ModelFit:
    """Train a copy of the model on one chunk with one call of its own `partial_fit`."""
    with parallel_config(backend="threading", n_jobs=request.n_threads):
        return partial_fit_epoch(request)


class SklearnBackend(Backend):
    """Backend for scikit-learn compatible classifiers and regressors.

    Models that use joblib and do not set `n_jobs` get `n_threads` threads during the fit; no
    parameter is changed. Nested models run sequentially; those of other libraries get a share
    of the threads, and networks run one at a time. The calling code must limit native thread
    pools (OpenMP, BLAS).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sktrainer.callbacks.early_stopping import EvalMetric, Monitor
    >>> from sktrainer.types import Rows
    >>> X, y = load_iris(return_X_y=True)
    >>> outcome = SklearnBackend().fit(
    ...     FitRequest(
    ...         model=RandomForestClassifier(n_estimators=100),
    ...         task="classification",
    ...         train=Rows(X[::2], y[::2]),
    ...         validation=Rows(X[1::2], y[1::2]),
    ...         monitor=Monitor(EvalMetric(), n_iter_no_change=10),
    ...         seed=0,
    ...     )
    ... )
    >>> outcome.stop_reason
    'early_stopping'
    >>> len(outcome.model.estimators_) == outcome.best_iteration
    True
    """

    spec = SPEC
    allowed_types = ALLOWED_TYPES
    serializer = SklearnSerializer()
    # Also names that other libraries with the scikit-learn interface use.
    parameters = ParameterSpec(
        seeds=("random_state", "random_seed", "seed"),
        losses=("loss", "objective", "loss_function"),
        threads=("n_jobs", "nthread", "num_threads", "thread_count"),
        # `priors` is of discriminant analysis, `class_prior` of naive Bayes, and
        # `sampling_strategy` of imblearn's ensembles.
        classes={
            "class_weight": CLASS_WEIGHT,
            "sampling_strategy": ClassParameter("labels", weights="other"),
            "constant": ClassParameter("label"),
            "pos_label": ClassParameter("label"),
            "scoring": ClassParameter("scorer"),
            **dict.fromkeys(("priors", "class_prior"), ClassParameter(weights="other")),
        },
        divergence_fixes=dict.fromkeys(
            ("learning_rate", "learning_rate_init", "lr", "eta0"), DECREASE
        ),
        # HistGradientBoosting diverges on rare classes without regularization.
        safe_settings={"l2_regularization": SafeSetting(10.0)},
        columns={
            "monotonic_cst": ColumnParameter("each"),
            "interaction_cst": ColumnParameter("groups"),
            "categorical_features": ColumnParameter("categories", lambda _: "from_dtype"),
        },
    )
    devices = SklearnDevices()
    fit_chunk = staticmethod(fit_chunk)

    def capabilities(self, model: Any, task: Task) -> Capabilities:
        """Return the capabilities and requirements of a model with its current parameters."""
        check_parameters(model)
        return capabilities_of(model)

    def fit(self, request: FitRequest) -> ModelFit:
        """Fit the model, iteration by iteration if it is requested and supported.

        The returned model is at its best iteration. Its parameters are unchanged, except for
        seeds, `categorical_features`, `n_estimators` of Bagging, and the parameters that the
        backends of nested models set.
        """
        unlabeled = unlabeled_code(request)
        if unlabeled is not None:
            return _fit_semi_supervised(self, request, unlabeled)
        with one_network_at_a_time(request.model, request.seed) as has_networks:
            if has_networks:
                # The state of the generators between two members is in no checkpoint.
                request = replace(request, n_threads=1, checkpoint=None)
            return self._fit(request)

    def _fit(self, request: FitRequest) -> ModelFit:
        model = request.model
        set_unset_seeds(model, request.seed)
        apply_nested_defaults(model)
        limit_nested_threads(model, request.n_threads)
        _set_category_columns(request)
        way = iteration_strategy(model)
        with parallel_config(backend="threading", n_jobs=request.n_threads):
            if way is not None and request.n_iter is not None:
                way.fit_n_iterations(request, request.n_iter)
                return _unwatched_fit(request, way, limit=request.n_iter)
            if way is not None and request.monitor.stops and request.validation is not None:
                return way.fit_with_monitor(request, ValidationScorer(request))
            with override_params(model, **_disable_own_early_stopping(model)):
                in_steps = request.checkpoint is not None or request.monitor.is_observed
                if in_steps and way is not None and way.equals_plain_fit:
                    way.fit_n_iterations(request, getattr(model, way.count_parameter))
                else:
                    fit_rows(model, request.train)
        limit = (
            getattr(model, "max_iter", None)
            if way is None
            else getattr(model, way.count_parameter)
        )
        return _unwatched_fit(request, way, limit=limit)


def unlabeled_code(request: FitRequest) -> int | None:
    """Return the code of the label -1 if it marks unlabeled rows for this model, else None."""
    if request.labels is None or not is_semi_supervised(request.model):
        return None
    found = [code for code, label in enumerate(request.labels.tolist()) if label == -1]
    return found[0] if found else None


def _fit_semi_supervised(
    backend: SklearnBackend, request: FitRequest, unlabeled: int
) -> ModelFit:
    """Fit with -1 in place of the code of unlabeled rows; the model has no class for them."""
    y = request.train.y
    codes = np.where(y == unlabeled, -1, y - (y > unlabeled))
    train = replace(request.train, y=codes)
    fit = backend.fit(replace(request, train=train, labels=None))
    order = [code for code in range(len(request.labels)) if code != unlabeled]  # type: ignore[arg-type]
    return replace(fit, class_order=order)


def _set_category_columns(request: FitRequest) -> None:
    """Set `categorical_features` of HistGradientBoosting, except for high cardinality.

    The model raises an error for more than `max_bins` categories. It treats the codes of such
    a column as numbers instead.
    """
    if not request.categorical or not accepts_category_columns(request.model):
        return
    X = request.train.X
    columns = X.iloc if hasattr(X, "iloc") else X
    # The appended 0 keeps nanmax from warning about a column with only missing values.
    few = [
        position
        for position in request.categorical
        if np.nanmax(np.append(columns[:, position], 0)) < request.model.max_bins
    ]
    request.model.set_params(categorical_features=few or None)


def _unwatched_fit(
    request: FitRequest, way: IterationStrategy | None, *, limit: int | None
) -> ModelFit:
    """Return the result of a fit without early stopping."""
    n_iter = _iterations(request.model)
    for iteration, parts in enumerate(_model_history(request.model), start=1):
        if has_iterations(request.model):
            request.monitor.snapshot = partial(first_iterations, request.model, iteration)
        request.monitor.record(iteration, parts, seconds=SECONDS_UNKNOWN)
    monitor = request.monitor
    if (
        monitor.reads_models
        and not monitor.stopped_by_callback
        and has_iterations(request.model)
    ):
        n_iter = _observe_iterations(request, n_iter or 0)
    reason: StopReason
    if request.monitor.stopped_by_callback:
        reason = "callback"
    elif n_iter is None or not isinstance(limit, int) or limit < 1:
        n_iter, reason = n_iter if way else None, "single_fit"
    elif n_iter >= limit:
        reason = "max_iter"
    else:
        reason = "converged"
    return ModelFit(
        request.model, reason, n_iter, n_iter if way else None, request.monitor.evaluations
    )


def _observe_iterations(request: FitRequest, n_iter: int) -> int:
    """Pass the iterations to callbacks that the model did not report; return their number."""
    model, monitor = request.model, request.monitor
    for iteration in range(1, n_iter + 1):
        monitor.snapshot = partial(first_iterations, model, iteration)
        if monitor.observe(iteration, {}):
            request.model.__dict__.update(vars(first_iterations(model, iteration)))
            return iteration
    return n_iter


def _iterations(model: Any) -> int | None:
    """Return the number of iterations of a fitted model, or None if it has no such count."""
    for name in ("n_iter_", "n_estimators_"):
        count = getattr(model, name, None)
        if count is not None and np.size(count):
            return int(np.max(count))
    if hasattr(model, "n_estimators") and hasattr(model, "estimators_"):
        return len(model.estimators_)
    return None


def _disable_own_early_stopping(model: Any) -> dict[str, Any]:
    """Return the parameters that disable the early stopping of the model itself.

    The trainer decides which rows are held out. HistGradientBoosting would otherwise hold
    out rows of its own when it has more than 10,000 samples.
    """
    parameters = model.get_params(deep=False)
    if "early_stopping" in parameters:
        return {"early_stopping": False}
    if "validation_fraction" in parameters and "n_iter_no_change" in parameters:
        return {"n_iter_no_change": None}
    return {}


def _model_history(model: Any) -> Iterator[dict[str, dict[str, float]]]:
    """Yield the training losses that a fitted model stores, iteration by iteration."""
    if accepts_category_columns(model):
        if model.scoring == "loss" and len(model.train_score_):
            scale = -loss_scale(model)
            for train in model.train_score_[1:]:
                yield {"train": {"loss": scale * train}}
    elif hasattr(model, "train_score_") and hasattr(model, "n_estimators_"):
        for i in range(model.n_estimators_):
            loss = train_loss(model, i)
            yield {} if loss is None else {"train": {"loss": loss}}
    else:
        scale = loss_scale(model)
        for loss in getattr(model, "loss_curve_", ()):
            yield {"train": {"loss": scale * loss}}
