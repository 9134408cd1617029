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
    dump_state,
    fitted_attributes,
    load_state,
    set_fitted_attributes,
)
from sktrainer.backends.sklearn.parameters import balanced_class_weight, override_params
from sktrainer.backends.sklearn.train.validation import ValidationScorer
from sktrainer.exceptions import ParameterError
from sktrainer.runtime.seeds import derive_seed, root_seed, set_unset_seeds
from sktrainer.runtime.signatures import accepts_parameter
from sktrainer.types import ModelFit, Rows

__all__ = ["EpochStrategy", "is_epoch_model", "partial_fit_epoch"]

_CELLS_FOR_THREADS = 10_000_000


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


class EpochStrategy:
    """One call of `partial_fit` per epoch; the state of the best epoch is restored at the end.

    Each call of `partial_fit` shuffles the rows with the model's seed, so that all epochs
    would use the same order. Each epoch therefore gets its own seed. Learning rate schedules
    based on the number of steps, and the "adaptive" schedule of networks, continue across
    epochs. The "adaptive" schedule of SGD works only within one call of `fit`; here it stays
    at `eta0`.
    """

    iteration = "epoch"
    count_parameter = "max_iter"
    in_segments = False
    equals_plain_fit = False

    def __init__(self, *, stops_by_default: bool) -> None:
        self.stops_by_default = stops_by_default

    def fit_with_monitor(self, request: FitRequest, watch: ValidationScorer) -> ModelFit:
        """Train until the monitor stops and restore the best epoch."""
        model, monitor = request.model, request.monitor
        epochs, checkpoint = _EpochRunner(request), request.checkpoint
        best_state: dict[str, Any] | None = None
        begin, found = _resumed(request)
        if found is not None:
            _, best_state = found
        epoch = begin
        with epochs.under_way():
            for epoch in range(begin + 1, model.max_iter + 1):
                epochs.run(epoch)
                loss = _train_loss(model)
                stop = watch.record(epoch, watch.predicted_by(model), train_loss=loss)
                if monitor.improved:
                    best_state = copy.deepcopy(fitted_attributes(model))
                if stop:
                    break
                if checkpoint is not None and epoch < model.max_iter:
                    checkpoint.save_if_due(epoch, partial(_state, model, best_state))
        outcome = watched_fit(request, epoch, stopped=monitor.stopped)
        if best_state is not None:
            set_fitted_attributes(model, best_state)
        _set_count(model, outcome.best_iteration or epoch)
        return outcome

    def fit_n_iterations(self, request: FitRequest, n_iter: int) -> None:
        """Train exactly `n_iter` epochs."""
        epochs, checkpoint = _EpochRunner(request), request.checkpoint
        begin, _ = _resumed(request)
        with epochs.under_way():
            for epoch in range(begin + 1, n_iter + 1):
                epochs.run(epoch)
                if checkpoint is not None and epoch < n_iter:
                    checkpoint.save_if_due(epoch, partial(_state, request.model, None))
        _set_count(request.model, n_iter)


def _state(model: Any, best_state: dict[str, Any] | None) -> dict[str, bytes]:
    return dump_state(fitted_attributes(model), best_state)


def _resumed(request: FitRequest) -> tuple[int, Any]:
    """Load the latest checkpoint into the model; return its epoch and its state."""
    found = None if request.checkpoint is None else request.checkpoint.restore()
    if found is None:
        return 0, None
    state = load_state(found.state)
    set_fitted_attributes(request.model, state[0])
    return found.iteration, state


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
    _check_step(model, options)
    set_unset_seeds(model, request.seed)
    params = model.get_params(deep=False)
    # The trainer decides which rows are held out.
    lent: dict[str, Any] = {"early_stopping": False} if "early_stopping" in params else {}
    if "random_state" in params:
        root = root_seed(params["random_state"])
        lent["random_state"] = derive_seed(root, "chunk", request.number)
    with override_params(model, **lent), _limit_threads_for_small_tables(rows.X):
        model.partial_fit(rows.X, rows.y, **options)
    loss = _train_loss(model)
    if loss is not None:
        request.monitor.record(request.number, {"train": {"loss": loss}})
    return ModelFit(
        model,
        "partial_fit",
        request.number,
        request.number,
        request.monitor.evaluations,
    )


def _check_step(model: Any, options: dict[str, Any]) -> None:
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
        self._model, self._rows, self._checkpoint = model, rows, request.checkpoint
        self._options: dict[str, Any] = {}
        if rows.sample_weight is not None:
            self._options["sample_weight"] = rows.sample_weight
        if accepts_parameter(model.partial_fit, "classes"):
            self._options["classes"] = np.unique(rows.y)
        params = model.get_params(deep=False)
        self.lent = balanced_class_weight(model, rows.y)
        if "early_stopping" in params:
            self.lent["early_stopping"] = False
        self._root: int | None = None
        if "random_state" in params:
            self._root = root_seed(params["random_state"])
            self.lent["random_state"] = params["random_state"]

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Set the parameters and threads needed for the epochs, and restore them at the end."""
        checkpoint = self._checkpoint
        waits = nullcontext() if checkpoint is None else checkpoint.defer_signals()
        with (
            override_params(self._model, **self.lent),
            _limit_threads_for_small_tables(self._rows.X),
            waits,
        ):
            yield

    def run(self, epoch: int) -> None:
        """Train one epoch."""
        if self._root is not None:
            self._model.set_params(random_state=derive_seed(self._root, "epoch", epoch))
        self._model.partial_fit(self._rows.X, self._rows.y, **self._options)


def _limit_threads_for_small_tables(X: Any) -> AbstractContextManager[Any]:
    """Use one thread for small tables.

    SGD trains the classes in parallel and starts its threads anew in each epoch. That takes
    about 10 ms on two cores, in which one thread processes about 3 million values.
    """
    cells = X.nnz if hasattr(X, "nnz") else np.size(X)
    return nullcontext() if cells >= _CELLS_FOR_THREADS else parallel_config(n_jobs=1)


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


def _set_count(model: Any, n_iter: int) -> None:
    """Set `n_iter_` to the number of epochs; each call of `partial_fit` resets it to one."""
    if hasattr(model, "n_iter_"):
        model.n_iter_ = n_iter
