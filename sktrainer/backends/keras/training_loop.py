"""Training loop of a Keras model: epochs and batches.

sktrainer runs the training loop instead of `Model.fit`. Early stopping can then return a
reason, and each epoch has a different row order (with a seed, Keras on TensorFlow repeats the
same order). It also avoids Keras's data adapters, whose setup can take longer than training.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from sktrainer.backends._networks.data import (
    MAX_BATCH_SIZE,
    PREDICT_BATCH_SIZE,
    auto_batch_size,
    normalize_weights,
    take_network_rows,
)
from sktrainer.backends.base import FitRequest, PartialFitRequest
from sktrainer.backends.eval_metric import score_eval_metric
from sktrainer.backends.keras.build import TrainableEstimator
from sktrainer.backends.keras.checkpoint import load_state_dict, state_dict
from sktrainer.backends.keras.devices import set_epoch_seeds
from sktrainer.backends.keras.network import plain_copy
from sktrainer.runtime.seeds import derive_seed
from sktrainer.types import Array, Rows

if TYPE_CHECKING:
    import keras

DEFAULT_BATCH_SIZE = 32


class TrainingLoop:
    """Training loop of one fit.

    The estimator has a compiled model. The seed of each epoch is derived from `seed`.
    """

    def __init__(self, net: TrainableEstimator, request: FitRequest, seed: int) -> None:
        self.net, self.model, self.request, self.seed = net, net.model_, request, seed
        self.monitor = request.monitor
        self.options = net.training_options()
        self.epochs = request.n_iter or int(self.options.epochs)
        self.weights = _class_weights(self.options.class_weight, request)
        self.train = self._encoded(request.train)
        self.batch_size = _batch_size(self.options.batch_size, len(self.train.y))
        all_rows = self.options.batch_size == -1
        net.predict_batch_ = (
            PREDICT_BATCH_SIZE if all_rows else min(self.batch_size, MAX_BATCH_SIZE)
        )
        # Without early stopping, a schedule must not see rows that are only scored.
        watched = request.validation if self.monitor.stops else None
        self.validation = None if watched is None else self._encoded(watched)

    def chunk(self, number: int) -> None:
        """Train for one epoch, the `number`-th."""
        callbacks = self._callbacks(1)
        callbacks.on_train_begin()
        self._epoch(number, callbacks)
        callbacks.on_train_end()

    def _callbacks(self, epochs: int) -> Any:
        import keras

        self.model.stop_training = False
        return keras.callbacks.CallbackList(
            list(self.options.callbacks),
            add_history=True,
            model=self.model,
            verbose=0,
            epochs=epochs,
            steps=len(self._starts()),
        )

    def run(self) -> tuple[int, bool]:
        """Train for all epochs; return their number and whether a callback ended training."""
        callbacks = self._callbacks(self.epochs)
        callbacks.on_train_begin()
        done, best, ended = self._resumed(callbacks)
        last = done if ended or self.monitor.stopped else self.epochs
        epoch = done
        with self.request.defer_signals():
            for epoch in range(done + 1, last + 1):
                self._epoch(epoch, callbacks)
                if self.monitor.improved:
                    best = self.model.get_weights()
                ended = bool(self.model.stop_training)
                if ended or self.monitor.stopped or epoch == last:
                    break
                self._reached(epoch, callbacks, best)
        ended = epoch < self.epochs and not self.monitor.stopped
        self._reached(epoch, callbacks, best, end=True, ended=ended)
        callbacks.on_train_end()
        if best is not None:
            self.model.set_weights(best)
        return epoch, ended

    def _resumed(
        self, callbacks: keras.callbacks.CallbackList
    ) -> tuple[int, list[Array] | None, bool]:
        """Restore the checkpoint's newest state; return 0 epochs if there is none."""
        checkpoint = self.request.checkpoint
        found = None if checkpoint is None else checkpoint.restore()
        if found is None:
            return 0, None, False
        return found.iteration, *load_state_dict(self.model, callbacks.callbacks, found.state)

    def _reached(
        self,
        epoch: int,
        callbacks: keras.callbacks.CallbackList,
        best: list[Array] | None,
        *,
        end: bool = False,
        ended: bool = False,
    ) -> None:
        """Report to the checkpoint, if any, that the fit can resume from this epoch."""
        if self.request.checkpoint is not None:
            state = partial(state_dict, self.model, callbacks.callbacks, best, ended=ended)
            self.request.checkpoint.save_if_due(epoch, state, end=end)

    def _epoch(self, epoch: int, callbacks: keras.callbacks.CallbackList) -> None:
        seed = derive_seed(self.seed, "epoch", epoch)
        set_epoch_seeds(seed)
        order = np.arange(len(self.train.y))
        if self.options.shuffle:
            np.random.default_rng(seed).shuffle(order)
        callbacks.on_epoch_begin(epoch - 1)  # Keras counts epochs from 0
        with _keep_metrics_per_epoch(self.model):
            logs = self._train(order, callbacks)
        values = {"train": {"loss": logs["loss"]}}
        if self.validation is not None:
            callbacks.on_test_begin()
            found = self._evaluate(self.validation)
            callbacks.on_test_end(found)
            logs |= {f"val_{name}": value for name, value in found.items()}
            values["validation"] = {"loss": found["loss"], **self._score()}
        self.monitor.snapshot = partial(trained_copy, self.net)
        self.monitor.record(epoch, values)
        callbacks.on_epoch_end(epoch - 1, logs)

    def _train(self, order: Array, callbacks: keras.callbacks.CallbackList) -> dict[str, float]:
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
        with _keep_metrics_per_epoch(self.model):
            for start in range(0, len(rows.y), self.batch_size):
                batch = slice(start, start + self.batch_size)
                logs = self._on_batch(self.model.test_on_batch, rows, batch)
        return logs

    def _on_batch(
        self, step: Callable[..., dict[str, float]], rows: Rows, batch: Array | slice
    ) -> dict[str, float]:
        weight = None if rows.sample_weight is None else rows.sample_weight[batch]
        logs: dict[str, float] = step(
            take_network_rows(rows.X, batch),
            rows.y[batch],
            sample_weight=weight,
            return_dict=True,
        )
        return dict(logs)

    def _starts(self) -> range:
        return range(0, len(self.train.y), self.batch_size)

    def _score(self) -> dict[str, float]:
        classes = classes_of(self.request)
        proba = None if classes is None else self.net.predict_proba
        return score_eval_metric(self.request, classes, self.net.predict, proba)

    def _encoded(self, rows: Rows) -> Rows:
        weight = rows.sample_weight
        if self.weights is not None:
            of_class = np.array([self.weights.get(label, 1.0) for label in rows.y])
            weight = of_class if weight is None else weight * of_class
        return Rows(
            self.net.encode_inputs(rows.X),
            self.net.encode_targets(np.asarray(rows.y)),
            None if weight is None else normalize_weights(weight),
        )


def trained_copy(net: TrainableEstimator) -> TrainableEstimator:
    """Return a copy of an estimator in training that predicts with a copy of its model."""
    copied = copy.copy(net)
    copied.model_ = plain_copy(net.model_)
    return copied


@contextmanager
def _keep_metrics_per_epoch(model: Any) -> Iterator[None]:
    """Accumulate metrics over an epoch: `train_on_batch` resets them for each batch."""
    model.reset_metrics()
    vars(model)["reset_metrics"] = lambda: None
    try:
        yield
    finally:
        del vars(model)["reset_metrics"]


def _class_weights(
    given: Mapping[Any, float] | str | None, request: FitRequest
) -> dict[Any, float] | None:
    """Return the weight of each class; "balanced" uses the counts of the training rows."""
    if given is None or request.task == "regression":
        return None
    if not isinstance(given, str):
        return dict(given)
    classes = np.unique(request.train.y)
    weights = compute_class_weight(given, classes=classes, y=request.train.y)
    return dict(zip(classes.tolist(), weights.tolist(), strict=True))


def _batch_size(given: int | str | None, n_samples: int) -> int:
    if given == "auto":
        return auto_batch_size(n_samples)
    if given == -1:
        return n_samples
    return DEFAULT_BATCH_SIZE if given is None else int(given)


def classes_of(request: FitRequest) -> Array | None:
    """Return the labels that the model distinguishes; None for a regression."""
    if request.task == "regression":
        return None
    if isinstance(request, PartialFitRequest) and request.classes is not None:
        return request.classes
    return np.unique(request.train.y)
