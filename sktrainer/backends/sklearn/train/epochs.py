"""Training in epochs with `partial_fit`: stochastic gradient descent and networks."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import numpy as np
from joblib import parallel_config

from sktrainer.backends.base import FitRequest, PartialFitRequest, watched_fit
from sktrainer.backends.sklearn.checkpoint import (
    fitted_attributes,
    resume,
    save_if_due,
    set_fitted_attributes,
)
from sktrainer.backends.sklearn.parameters import balanced_class_weight, override_params
from sktrainer.backends.sklearn.train.base import IterationStrategy
from sktrainer.backends.sklearn.train.validation import ValidationScorer
from sktrainer.exceptions import ParameterError
from sktrainer.runtime.seeds import derive_seed, root_seed, set_unset_seeds
from sktrainer.runtime.signatures import accepts_parameter
from sktrainer.types import ModelFit, Rows

# Smaller tables are trained with one thread; see `_limit_threads_for_small_tables`.
_MIN_VALUES_FOR_THREADS = 10_000_000


def is_epoch_model(model: Any) -> bool:
    """Return whether one call of `partial_fit` is one of the model's `max_iter` epochs.

    Models without `max_iter`, such as naive Bayes, accumulate counts: a second pass would
    count all rows twice. Models whose `fit` accepts sample weights but whose `partial_fit`
    does not are excluded, because the weights would be lost.
    """
    if not hasattr(model, "partial_fit") or "max_iter" not in model.get_params(deep=False):
        return False
    takes_weights = accepts_parameter(model.partial_fit, "sample_weight")
    return takes_weights or not accepts_parameter(model.fit, "sample_weight")


class EpochStrategy(IterationStrategy):
    """One call of `partial_fit` per epoch; the state of the best epoch is restored at the end.

    Each call of `partial_fit` shuffles the rows with the model's seed, so that all epochs
    would use the same order. Each epoch therefore gets its own seed. Learning rate schedules
    based on the number of steps, and the "adaptive" schedule of networks, continue across
    epochs. The "adaptive" schedule of SGD works only within one call of `fit`; here it stays
    at `eta0`.
    """

    iteration = "epoch"
    count_parameter = "max_iter"

    def __init__(self, *, stops_by_default: bool) -> None:
        self.stops_by_default = stops_by_default

    def fit_with_monitor(self, request: FitRequest, validation: ValidationScorer) -> ModelFit:
        """Train until the monitor stops and restore the best epoch."""
        model, monitor = request.model, request.monitor
        runner = _EpochRunner(request)
        begin, values = resume(request, model)
        best_state: dict[str, Any] | None = values[0] if values else None
        epoch = begin
        with runner.params_set():
            for epoch in range(begin + 1, model.max_iter + 1):
                runner.train_epoch(epoch)
                loss = _train_loss(model)
                monitor.snapshot = partial(copy.deepcopy, model)
                stop = validation.record(epoch, validation.predicted_by(model), train_loss=loss)
                if monitor.improved:
                    best_state = copy.deepcopy(fitted_attributes(model))
                if stop:
                    break
                if epoch < model.max_iter:
                    save_if_due(request, epoch, model, best_state)
        outcome = watched_fit(request, epoch, stopped=monitor.stopped)
        if best_state is not None:
            set_fitted_attributes(model, best_state)
        _set_n_iter(model, outcome.best_iteration or epoch)
        return outcome

    def fit_n_iterations(self, request: FitRequest, n_iter: int) -> None:
        """Train exactly `n_iter` epochs."""
        model, runner, monitor = request.model, _EpochRunner(request), request.monitor
        begin, _ = resume(request, model)
        epoch = begin
        with runner.params_set():
            for epoch in range(begin + 1, n_iter + 1):
                runner.train_epoch(epoch)
                loss = _train_loss(model)
                monitor.snapshot = partial(copy.deepcopy, model)
                if monitor.observe(epoch, {} if loss is None else {"train": {"loss": loss}}):
                    break
                if epoch < n_iter:
                    save_if_due(request, epoch, model, None)
        _set_n_iter(model, epoch)


def partial_fit_epoch(request: PartialFitRequest) -> ModelFit:
    """Train a copy of the model on one chunk with one call of its `partial_fit`.

    If the model has a random state, each chunk gets its own seed, as each epoch does.

    Raises
    ------
    ParameterError
        If `partial_fit` of the model does not support the request.
    """
    model, rows = copy.deepcopy(request.model), request.train
    options: dict[str, Any] = {}
    if accepts_parameter(model.partial_fit, "classes"):
        options["classes"] = request.classes
    if rows.sample_weight is not None:
        options["sample_weight"] = rows.sample_weight
    _check_partial_fit(model, options)
    set_unset_seeds(model, request.seed)
    params = model.get_params(deep=False)
    # The trainer decides which rows are held out.
    overrides: dict[str, Any] = {"early_stopping": False} if "early_stopping" in params else {}
    if "random_state" in params:
        root = root_seed(params["random_state"])
        overrides["random_state"] = derive_seed(root, "chunk", request.number)
    with override_params(model, **overrides), _limit_threads_for_small_tables(rows.X):
        model.partial_fit(rows.X, rows.y, **options)
    loss = _train_loss(model)
    if loss is not None:
        request.monitor.record(request.number, {"train": {"loss": loss}})
    number = request.number
    return ModelFit(model, "partial_fit", number, number, request.monitor.evaluations)


def _check_partial_fit(model: Any, options: dict[str, Any]) -> None:
    """Raise an error if `partial_fit` of this model does not support the request."""
    name, problems = type(model).__name__, []
    if "sample_weight" in options and not accepts_parameter(model.partial_fit, "sample_weight"):
        problems.append(
            f"{name}.partial_fit does not accept sample weights, but sample_weight or "
            "handle_imbalance is set; remove it, or use another model"
        )
    if getattr(model, "class_weight", None) == "balanced":
        problems.append(
            "class_weight='balanced' needs the class counts of all rows, which are unknown in "
            "partial_fit; pass a weight for each class, or set "
            "handle_imbalance='class_weight' to compute the weights from the first chunk"
        )
    if problems:
        raise ParameterError(problems)


class _EpochRunner:
    """The epochs of one fit: the same rows in each epoch, with a different seed."""

    def __init__(self, request: FitRequest) -> None:
        model, rows = request.model, _convert_once(request.train)
        self._request, self._model, self._rows = request, model, rows
        self._options: dict[str, Any] = {}
        if rows.sample_weight is not None:
            self._options["sample_weight"] = rows.sample_weight
        if accepts_parameter(model.partial_fit, "classes"):
            self._options["classes"] = np.unique(rows.y)
        params = model.get_params(deep=False)
        self._overrides = balanced_class_weight(model, rows.y)
        if "early_stopping" in params:
            self._overrides["early_stopping"] = False
        self._root: int | None = None
        if "random_state" in params:
            self._root = root_seed(params["random_state"])
            self._overrides["random_state"] = params["random_state"]

    @contextmanager
    def params_set(self) -> Iterator[None]:
        """Set the parameters and threads needed for the epochs, and restore them at the end."""
        with (
            override_params(self._model, **self._overrides),
            _limit_threads_for_small_tables(self._rows.X),
            self._request.defer_signals(),
        ):
            yield

    def train_epoch(self, epoch: int) -> None:
        """Train one epoch."""
        if self._root is not None:
            self._model.set_params(random_state=derive_seed(self._root, "epoch", epoch))
        self._model.partial_fit(self._rows.X, self._rows.y, **self._options)


def _limit_threads_for_small_tables(X: Any) -> AbstractContextManager[Any]:
    """Use one thread for small tables.

    SGD trains the classes in parallel and starts its threads anew in each epoch. That takes
    about 10 ms on two cores, in which one thread processes about 3 million values.
    """
    n_values = X.nnz if hasattr(X, "nnz") else np.size(X)
    return nullcontext() if n_values >= _MIN_VALUES_FOR_THREADS else parallel_config(n_jobs=1)


def _convert_once(rows: Rows) -> Rows:
    """Convert X once to the dtype and layout that each `partial_fit` would convert it to."""
    X = rows.X
    if not isinstance(X, np.ndarray) or X.ndim != 2 or X.dtype.kind not in "biuf":
        return rows
    dtype = X.dtype if X.dtype in (np.float32, np.float64) else np.dtype(np.float64)
    return Rows(np.ascontiguousarray(X, dtype=dtype), rows.y, rows.sample_weight)


def _train_loss(model: Any) -> float | None:
    """Return the mean training loss of the epoch if the model stores it (networks).

    It is measured while the weights change and includes the penalty term. scikit-learn's
    regression networks store half the squared error; the history has the full squared error.
    """
    curve = getattr(model, "loss_curve_", None)
    if not curve:
        return None
    return float(curve[-1]) * (2.0 if getattr(model, "loss", None) == "squared_error" else 1.0)


def _set_n_iter(model: Any, n_iter: int) -> None:
    """Set `n_iter_` to the number of epochs; each call of `partial_fit` resets it to one."""
    if hasattr(model, "n_iter_"):
        model.n_iter_ = n_iter
