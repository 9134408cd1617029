"""Keras backend: models, model-building functions, wrappers of scikeras and keras.wrappers.

sktrainer runs the training loop instead of `Model.fit`. Early stopping can then return a
reason, and each epoch has a different row order (with a seed, Keras on TensorFlow repeats the
same order). It also avoids Keras's data adapters, whose setup can take longer than training.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sktrainer.backends._networks.data import check_network_rows
from sktrainer.backends._networks.parameters import epochs_or_none
from sktrainer.backends.base import (
    Capabilities,
    DeviceSupport,
    FitRequest,
    IncrementalTraining,
    NetworkSupport,
    PartialFitRequest,
    watched_fit,
)
from sktrainer.backends.keras.devices import gpus, set_epoch_seeds, set_seeds
from sktrainer.backends.keras.mixin import KerasEstimatorBase
from sktrainer.backends.keras.recognize import is_instance
from sktrainer.backends.keras.train import (
    TrainingLoop,
    build_and_compile,
    continue_training,
    model_seed,
    training_context,
)
from sktrainer.runtime.devices import AvailableGpus
from sktrainer.runtime.seeds import derive_seed
from sktrainer.types import ModelFit, Task

__all__ = ["KerasBackend"]


class KerasBackend:
    """Backend for Keras models."""

    name = "keras"

    def capabilities(self, model: Any, task: Task) -> Capabilities:
        """Return the requirements and capabilities of this model."""
        return Capabilities(
            accepts_sparse=False,
            accepts_nd=True,
            multi_output=True,
            predict_is_argmax=True,
            max_iter=epochs_or_none(model.training_options().epochs),
            early_stopping_by_default=True,
            iteration_name="epoch",
        )

    def problems(self, model: Any) -> list[str]:
        """Return a message for each parameter that the model cannot be trained with."""
        found: list[str] = model.problems()
        return found

    def was_trained(self, model: Any) -> bool:
        """Return whether the optimizer of a model instance has made any steps."""
        inner = getattr(model, "model", None)
        optimizer = getattr(inner, "optimizer", None) if is_instance(inner) else None
        return optimizer is not None and int(optimizer.iterations) > 0

    def own_device(self, model: Any) -> None:
        """Return None: a Keras model has no device parameter."""

    def gpus(self, model: Any) -> AvailableGpus:
        """Return the GPUs that the Keras backend sees."""
        return gpus()

    def fit(self, request: FitRequest) -> ModelFit:
        """Train for all epochs and restore the weights of the best one.

        Parameters
        ----------
        request : FitRequest

        Returns
        -------
        ModelFit
            With the estimator of the request, which has the Keras model as `model_`.
        """
        check_network_rows(request)
        seed = model_seed(request)
        with training_context(request, seed):
            set_seeds(seed)
            net = build_and_compile(request)
            training = TrainingLoop(net, request, seed)
            n_iter, ended = training.run()
        fit = watched_fit(request, n_iter, stopped=request.monitor.stopped)
        reason = "converged" if ended else fit.stop_reason
        return replace(fit, stop_reason=reason, batch_size=training.batch_size)

    def partial_fit(self, request: PartialFitRequest) -> ModelFit:
        """Train for one epoch on a chunk, with the weights and optimizer state so far.

        Callbacks are copied for each chunk; the chunk's number is their epoch.

        Parameters
        ----------
        request : ChunkRequest

        Returns
        -------
        ModelFit
        """
        check_network_rows(request)
        before: KerasEstimatorBase = request.model
        net, number = copy.copy(before), request.number
        seed = derive_seed(model_seed(request), "chunk", number)
        with training_context(request, seed):
            request = replace(request, model=net)
            if not before.__sklearn_is_fitted__():
                set_seeds(seed)
                TrainingLoop(build_and_compile(request), request, seed).chunk(number)
            else:
                set_epoch_seeds(seed)
                continue_training(before, TrainingLoop(net, request, seed), number)
        return ModelFit(net, "partial_fit", number, number, request.monitor.evaluations)


if TYPE_CHECKING:
    _: IncrementalTraining = KerasBackend()
    _on_devices: DeviceSupport = KerasBackend()
    _of_networks: NetworkSupport = KerasBackend()
