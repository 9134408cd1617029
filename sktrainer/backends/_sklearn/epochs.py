"""Models that learn by passes over the rows: stochastic gradient descent and networks."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import numpy as np
from joblib import parallel_config

from sktrainer.backends._base import ChunkRequest, FitRequest
from sktrainer.backends._sklearn.resuming import dumped, fitted_part, loaded, put_back
from sktrainer.backends._sklearn.watching import (
    Watch,
    accepts,
    finished,
    labelled_weights,
    lent_parameters,
)
from sktrainer.exceptions import ParameterError
from sktrainer.running.seeding import derive_seed, root_seed, set_open_seeds
from sktrainer.types import ModelFit, Rows

__all__ = ["Epochs", "goes_in_epochs", "learn_chunk"]

_CELLS_FOR_THREADS = 10_000_000


def goes_in_epochs(model: Any) -> bool:
    """Whether one call of `partial_fit` is one of the model's `max_iter` passes.

    A model without `max_iter` (naive Bayes, say) counts rows: passing them again would
    count them twice. One whose `partial_fit` cannot take the weights that its `fit` takes
    would lose them.
    """
    if not hasattr(model, "partial_fit") or "max_iter" not in model.get_params(deep=False):
        return False
    takes_weights = accepts(model.partial_fit, "sample_weight")
    return takes_weights or not accepts(model.fit, "sample_weight")


class Epochs:
    """One call of `partial_fit` an epoch; the state of the best epoch is put back.

    `partial_fit` shuffles anew from the model's seed in each call, which would make every
    epoch go through the rows in the same order: each epoch gets a seed of its own.
    Schedules that depend on the number of steps so far go on from epoch to epoch, and so
    does a network's "adaptive" one; that of SGD lives within one call of `fit` and stays
    at `eta0` here.
    """

    iteration = "epoch"
    count = "max_iter"
    in_segments = False
    exact_is_plain = False

    def __init__(self, *, stops_by_default: bool) -> None:
        self.stops_by_default = stops_by_default

    def fit_watched(self, request: FitRequest, watch: Watch) -> ModelFit:
        """Go on until the monitor stops, put back the best epoch."""
        model, monitor = request.model, request.monitor
        epochs, checkpoint = _Passes(request), request.checkpoint
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
                    best_state = copy.deepcopy(fitted_part(model))
                if stop:
                    break
                if checkpoint is not None and epoch < model.max_iter:
                    checkpoint.reached(epoch, partial(_state, model, best_state))
        outcome = finished(request, epoch, stopped=monitor.stopped)
        if best_state is not None:
            put_back(model, best_state)
        _set_count(model, outcome.best_iteration or epoch)
        return outcome

    def fit_exactly(self, request: FitRequest, n_iter: int) -> None:
        """Go through `n_iter` epochs."""
        epochs, checkpoint = _Passes(request), request.checkpoint
        begin, _ = _resumed(request)
        with epochs.under_way():
            for epoch in range(begin + 1, n_iter + 1):
                epochs.run(epoch)
                if checkpoint is not None and epoch < n_iter:
                    checkpoint.reached(epoch, partial(_state, request.model, None))
        _set_count(request.model, n_iter)


def _state(model: Any, best_state: dict[str, Any] | None) -> dict[str, bytes]:
    return dumped(fitted_part(model), best_state)


def _resumed(request: FitRequest) -> tuple[int, Any]:
    """Put the model where the checkpoint's newest state is; return its epoch, and the state."""
    found = None if request.checkpoint is None else request.checkpoint.found()
    if found is None:
        return 0, None
    state = loaded(found.state)
    put_back(request.model, state[0])
    return found.iteration, state


def learn_chunk(request: ChunkRequest) -> ModelFit:
    """Train a copy of the model on one chunk, by one call of its `partial_fit`.

    Where the model shuffles, each chunk has a seed of its own, as an epoch has.

    Raises
    ------
    ParameterError
        The model's `partial_fit` cannot do what was asked for.
    """
    model, rows = copy.deepcopy(request.model), request.train
    options: dict[str, Any] = {}
    if accepts(model.partial_fit, "classes"):
        options["classes"] = request.classes
    if rows.sample_weight is not None:
        options["sample_weight"] = rows.sample_weight
    _check_step(model, options)
    set_open_seeds(model, request.seed)
    params = model.get_params(deep=False)
    # What is held out, and whether anything is, is decided outside.
    lent: dict[str, Any] = {"early_stopping": False} if "early_stopping" in params else {}
    if "random_state" in params:
        root = root_seed(params["random_state"])
        lent["random_state"] = derive_seed(root, "chunk", request.number)
    with lent_parameters(model, **lent), _few_threads(rows.X):
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
    """Refuse what `partial_fit` of this model cannot do, before anything is trained."""
    name, problems = type(model).__name__, []
    if "sample_weight" in options and not accepts(model.partial_fit, "sample_weight"):
        problems.append(
            f"{name}.partial_fit takes no sample weights, got some (from sample_weight or from "
            "handle_imbalance); leave them out, or use another model"
        )
    if getattr(model, "class_weight", None) == "balanced":
        problems.append(
            "class_weight='balanced' needs the counts of all rows, which a chunk cannot "
            "tell; pass a weight for each class, or let the trainer's "
            "handle_imbalance='class_weight' take them from the first chunk"
        )
    if problems:
        raise ParameterError(problems)


class _Passes:
    """The passes of one fit: the same rows each time, a seed for each."""

    def __init__(self, request: FitRequest) -> None:
        model, rows = request.model, _laid_out(request.train)
        self._model, self._rows, self._checkpoint = model, rows, request.checkpoint
        self._options: dict[str, Any] = {}
        if rows.sample_weight is not None:
            self._options["sample_weight"] = rows.sample_weight
        if accepts(model.partial_fit, "classes"):
            self._options["classes"] = np.unique(rows.y)
        params = model.get_params(deep=False)
        self.lent = labelled_weights(model, rows.y)
        if "early_stopping" in params:
            self.lent["early_stopping"] = False
        self._root: int | None = None
        if "random_state" in params:
            self._root = root_seed(params["random_state"])
            self.lent["random_state"] = params["random_state"]

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Lend the model what its passes need."""
        checkpoint = self._checkpoint
        waits = nullcontext() if checkpoint is None else checkpoint.polled()
        with lent_parameters(self._model, **self.lent), _few_threads(self._rows.X), waits:
            yield

    def run(self, epoch: int) -> None:
        """Go through the rows once."""
        if self._root is not None:
            self._model.set_params(random_state=derive_seed(self._root, "epoch", epoch))
        self._model.partial_fit(self._rows.X, self._rows.y, **self._options)


def _few_threads(X: Any) -> AbstractContextManager[Any]:
    """Keep small tables to one thread.

    SGD fits its classes side by side, and starts and ends the threads with each epoch: some
    10 ms on two cores, in which one thread goes through 3 million cells.
    """
    cells = X.nnz if hasattr(X, "nnz") else np.size(X)
    return nullcontext() if cells >= _CELLS_FOR_THREADS else parallel_config(n_jobs=1)


def _laid_out(rows: Rows) -> Rows:
    """Convert once what each call of `partial_fit` would convert."""
    X = rows.X
    if not isinstance(X, np.ndarray) or X.ndim != 2 or X.dtype.kind not in "biuf":
        return rows
    dtype = X.dtype if X.dtype in (np.float32, np.float64) else np.dtype(np.float64)
    return Rows(np.ascontiguousarray(X, dtype=dtype), rows.y, rows.sample_weight)


def _train_loss(model: Any) -> float | None:
    """Return the mean training loss of the epoch, where the model keeps it (networks).

    It is taken while the weights move and holds the penalty. That of a network for
    regression is half of the squared error; the history holds the whole.
    """
    curve = getattr(model, "loss_curve_", None)
    if not curve:
        return None
    return float(curve[-1]) * (2.0 if getattr(model, "loss", None) == "squared_error" else 1.0)


def _set_count(model: Any, n_iter: int) -> None:
    """Let `n_iter_` count all epochs; each call of `partial_fit` sets it to one."""
    if hasattr(model, "n_iter_"):
        model.n_iter_ = n_iter
