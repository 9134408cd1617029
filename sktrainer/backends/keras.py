"""Keras: models, functions that build them, and the wrappers of scikeras and keras.wrappers.

The epochs are driven from here, batch by batch: the stopper answers with a reason, the rows
come in another order in each epoch (Keras on TensorFlow shuffles all alike under a seed),
and no adapter of data is set up, which for small batches takes longer than to train.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from sklearn.utils.class_weight import compute_class_weight

from sktrainer.backends._base import DeviceBackend, FitRequest, Traits
from sktrainer.backends._keras_building import Sight
from sktrainer.backends._keras_devices import gpus, on_device
from sktrainer.backends._keras_nets import FALLBACK_BATCH, Trainee
from sktrainer.backends._keras_outputs import default_loss, gives_logits, read_outputs
from sktrainer.backends._keras_state import kept_seeds, set_epoch_seeds, set_seeds
from sktrainer.backends._network_rows import (
    MOST_BATCH,
    auto_batch_size,
    mean_one,
    network_input,
    take,
)
from sktrainer.backends._network_scores import watched_score
from sktrainer.backends._sklearn.watching import finished
from sktrainer.exceptions import InputError, ParameterError
from sktrainer.running.caller_state import kept
from sktrainer.running.devices import Gpus
from sktrainer.running.resources import limited_threads
from sktrainer.running.seeding import derive_seed
from sktrainer.types import Array, ModelFit, Rows, Task

__all__ = ["KerasBackend"]

KERAS_BATCH = 32
"""Keras's own default."""


class KerasBackend:
    """Trains Keras models."""

    name = "keras"

    def traits(self, model: Any, task: Task) -> Traits:
        """Say what this model needs and can do."""
        return Traits(
            sparse=False,
            any_shape=True,
            likeliest=True,
            max_iter=model.training_options().epochs,
            stops_by_default=True,
            iteration="epoch",
        )

    def own_device(self, model: Any) -> None:
        """A Keras model names none; `keras.device` is a scope."""

    def gpus(self, model: Any) -> Gpus:
        """Return the GPUs that Keras's backend sees."""
        return gpus()

    def fit(self, request: FitRequest) -> ModelFit:
        """Fit epoch by epoch and put back the weights of the best one.

        Parameters
        ----------
        request : FitRequest

        Returns
        -------
        ModelFit
            The estimator that came, with `model_`, the Keras model, beside its parameters.
        """
        if sparse.issparse(request.train.X):
            raise InputError(
                "Sparse data was passed, but a network takes dense data; convert it with "
                "X.toarray(), or reduce it by a step such as TruncatedSVD in a Pipeline"
            )
        seed = _seed(request)
        with limited_threads(1), kept(seed), kept_seeds(), on_device(request.device):
            set_seeds(seed)
            net = _prepare(request)
            n_iter, ended = Training(net, request, seed).run()
        if ended:
            best = request.monitor.best_iteration or n_iter
            return ModelFit(net, "converged", n_iter, best, request.monitor.evaluations)
        return finished(request, n_iter, stopped=request.monitor.stopped)


def _seed(request: FitRequest) -> int:
    """Return the seed that scikeras's estimator was given, else the fit's own."""
    given = getattr(request.model, "random_state", None)
    return int(given) if isinstance(given, (int, np.integer)) else request.seed


def _prepare(request: FitRequest) -> Trainee:
    """Build the model, compile it where it is not, and say how its outputs are read."""
    net: Trainee = request.model
    y = np.asarray(request.train.y)
    classes = np.unique(y) if request.task == "classification" else None
    sight = Sight(network_input(request.train.X), y, request.task, classes)
    model = net.build_model(sight)
    net.model_ = model
    raw = _first_outputs(model, net.encode_inputs(sight.X))
    if not model.compiled:
        logits = classes is not None and gives_logits(model, raw)
        loss = default_loss(request.task, raw.shape[1:], logits=logits)
        model.compile(**{"loss": loss, **net.compile_options()})
    if not net.reads_targets:
        net.outputs_ = read_outputs(model, raw, request.task, classes, y.shape[1:])
    return net


def _first_outputs(model: Any, X: Any) -> Array:
    """Return the outputs for two rows; a model that is not built yet is built by them."""
    import keras

    rows = take(X, slice(0, 2))
    try:
        found = model(rows, training=False)
    except (ValueError, TypeError) as error:
        if isinstance(X, dict) or getattr(model, "input_shape", None) is None:
            raise
        raise ParameterError(
            f"{type(model).__name__} {model.name!r} takes inputs of shape {model.input_shape}, "
            f"and the rows that reach it have the shape {(None, *X.shape[1:])}; leave out "
            "keras.Input, or let the function that builds the model take n_features or meta, "
            "which are filled in"
        ) from error
    if isinstance(found, (list, tuple, Mapping)):
        raise ParameterError(
            f"expected a model with one output, got {type(model).__name__} {model.name!r} "
            f"with {len(found)}; give one of them to keras.Model(inputs, output)"
        )
    return np.asarray(keras.ops.convert_to_numpy(found))


class Training:
    """The epochs of one fit.

    Parameters
    ----------
    net : Trainee
        With its compiled model.
    request : FitRequest
    seed : int
        From which each epoch's is derived.
    """

    def __init__(self, net: Trainee, request: FitRequest, seed: int) -> None:
        self.net, self.model, self.request, self.seed = net, net.model_, request, seed
        self.monitor = request.monitor
        self.options = net.training_options()
        self.epochs = request.n_iter or self.options.epochs
        self.weights = _class_weights(self.options.class_weight, request)
        self.train = self._encoded(request.train)
        self.batch_size = _batch_size(self.options.batch_size, len(self.train.y))
        whole = self.options.batch_size == -1
        net.predict_batch_ = FALLBACK_BATCH if whole else min(self.batch_size, MOST_BATCH)
        # Where nothing stops early, a schedule must not learn from rows that are scored.
        watched = request.validation if self.monitor.stops else None
        self.validation = None if watched is None else self._encoded(watched)

    def run(self) -> tuple[int, bool]:
        """Go through the epochs; return how many, and whether a callback ended them."""
        import keras

        self.model.stop_training = False
        callbacks = keras.callbacks.CallbackList(
            list(self.options.callbacks),
            add_history=True,
            model=self.model,
            verbose=0,
            epochs=self.epochs,
            steps=len(self._starts()),
        )
        best, epoch = None, 0
        callbacks.on_train_begin()
        for epoch in range(1, self.epochs + 1):
            self._epoch(epoch, callbacks)
            if self.monitor.improved:
                best = self.model.get_weights()
            if self.monitor.stopped or self.model.stop_training:
                break
        callbacks.on_train_end()
        if best is not None:
            self.model.set_weights(best)
        return epoch, epoch < self.epochs and not self.monitor.stopped

    def _epoch(self, epoch: int, callbacks: Any) -> None:
        seed = derive_seed(self.seed, "epoch", epoch)
        set_epoch_seeds(seed)
        order = np.arange(len(self.train.y))
        if self.options.shuffle:
            np.random.default_rng(seed).shuffle(order)
        callbacks.on_epoch_begin(epoch - 1)
        with _metrics_of_an_epoch(self.model):
            logs = self._train(order, callbacks)
        values = {"train": {"loss": logs["loss"]}}
        if self.validation is not None:
            found = self._evaluate(self.validation)
            logs |= {f"val_{name}": value for name, value in found.items()}
            values["validation"] = {"loss": found["loss"], **self._score()}
        self.monitor.record(epoch, values)
        callbacks.on_epoch_end(epoch - 1, logs)

    def _train(self, order: Array, callbacks: Any) -> dict[str, float]:
        logs: dict[str, float] = {}
        for step, start in enumerate(self._starts()):
            batch = order[start : start + self.batch_size]
            callbacks.on_train_batch_begin(step)
            logs = self._on_batch(self.model.train_on_batch, self.train, batch)
            callbacks.on_train_batch_end(step, logs)
            if self.model.stop_training:
                break
        return logs

    def _evaluate(self, rows: Rows) -> dict[str, float]:
        logs: dict[str, float] = {}
        with _metrics_of_an_epoch(self.model):
            for start in range(0, len(rows.y), self.batch_size):
                batch = slice(start, start + self.batch_size)
                logs = self._on_batch(self.model.test_on_batch, rows, batch)
        return logs

    def _on_batch(self, step: Any, rows: Rows, batch: Any) -> dict[str, float]:
        weight = None if rows.sample_weight is None else rows.sample_weight[batch]
        logs: dict[str, float] = step(
            take(rows.X, batch), rows.y[batch], sample_weight=weight, return_dict=True
        )
        return dict(logs)

    def _starts(self) -> range:
        return range(0, len(self.train.y), self.batch_size)

    def _score(self) -> dict[str, float]:
        classes = None if self.request.task == "regression" else self._classes()
        proba = None if classes is None else self.net.predict_proba
        return watched_score(self.request, classes, self.net.predict, proba)

    def _classes(self) -> Array:
        return np.unique(self.request.train.y)

    def _encoded(self, rows: Rows) -> Rows:
        weight = rows.sample_weight
        if self.weights is not None:
            of_class = np.array([self.weights.get(label, 1.0) for label in rows.y])
            weight = of_class if weight is None else weight * of_class
        return Rows(
            self.net.encode_inputs(rows.X),
            self.net.encode_targets(np.asarray(rows.y)),
            None if weight is None else mean_one(weight),
        )


@contextmanager
def _metrics_of_an_epoch(model: Any) -> Iterator[None]:
    """Let metrics run on from batch to batch: `train_on_batch` starts them anew."""
    model.reset_metrics()
    vars(model)["reset_metrics"] = lambda: None
    try:
        yield
    finally:
        del vars(model)["reset_metrics"]


def _class_weights(given: Any, request: FitRequest) -> dict[Any, float] | None:
    """Return the weight of each class, of which "balanced" counts the training rows."""
    if given is None or request.task == "regression":
        return None
    if not isinstance(given, str):
        return dict(given)
    classes = np.unique(request.train.y)
    weights = compute_class_weight(given, classes=classes, y=request.train.y)
    return dict(zip(classes.tolist(), weights.tolist(), strict=True))


def _batch_size(given: Any, n_samples: int) -> int:
    if given == "auto":
        return auto_batch_size(n_samples)
    if given == -1:
        return n_samples
    return KERAS_BATCH if given is None else int(given)


if TYPE_CHECKING:
    _: DeviceBackend = KerasBackend()
