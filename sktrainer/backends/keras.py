"""Keras backend: models, model-building functions, wrappers of scikeras and keras.wrappers.

sktrainer runs the training loop instead of `Model.fit`. Early stopping can then return a
reason, and each epoch has a different row order (with a seed, Keras on TensorFlow repeats the
same order). It also avoids Keras's data adapters, whose setup can take longer than training.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sktrainer.backends._base import (
    Capabilities,
    DeviceSupport,
    FitRequest,
    IncrementalTraining,
    NetworkSupport,
    PartialFitRequest,
)
from sktrainer.backends._keras_building import (
    BuildContext,
    compile_if_needed,
    input_spec,
    is_instance,
    probe_outputs,
    zeros_like_spec,
)
from sktrainer.backends._keras_devices import gpus, on_device
from sktrainer.backends._keras_lookups import embedding_inputs
from sktrainer.backends._keras_outputs import read_outputs
from sktrainer.backends._keras_pickle import set_variables, variables_of
from sktrainer.backends._keras_seeds import (
    preserve_seeds,
    set_epoch_seeds,
    set_seeds,
    silence_retracing_warnings,
)
from sktrainer.backends._keras_trainee import KerasEstimatorBase
from sktrainer.backends._keras_training import TrainingLoop, classes_of
from sktrainer.backends._lookups import check_embedding_inputs
from sktrainer.backends._network_parameters import epochs_or_none
from sktrainer.backends._networks import check_network_rows, network_input, take_network_rows
from sktrainer.backends._sklearn.watching import watched_fit
from sktrainer.backends._target_scale import TargetScale
from sktrainer.running.caller_state import preserve_global_state
from sktrainer.running.devices import AvailableGpus
from sktrainer.running.resources import limit_threads
from sktrainer.running.seeding import derive_seed
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


def continue_training(before: KerasEstimatorBase, training: TrainingLoop, number: int) -> None:
    """Train the existing model, and restore the estimator it comes from to its old state.

    The model is not copied before training because TensorFlow would trace and compile the
    copy again for every chunk.
    """
    model, state = training.model, before.__getstate__()
    variables = variables_of(model)
    try:
        training.chunk(number)
    except BaseException:
        set_variables(model, variables)
        raise
    before.__setstate__(state)


@contextmanager
def training_context(request: FitRequest, seed: int) -> Iterator[None]:
    """Use one thread and the requested device, and restore global state on exit."""
    with (
        limit_threads(1),
        preserve_global_state(seed),
        preserve_seeds(),
        silence_retracing_warnings(),
        on_device(request.device),
    ):
        yield


def model_seed(request: FitRequest) -> int:
    """Return the `random_state` of a scikeras estimator if set, else the request's seed."""
    given = getattr(request.model, "random_state", None)
    return int(given) if isinstance(given, (int, np.integer)) else request.seed


def build_and_compile(request: FitRequest) -> KerasEstimatorBase:
    """Build the model, compile it if necessary, and determine the format of its outputs."""
    net: KerasEstimatorBase = request.model
    y = np.asarray(request.train.y)
    classes = classes_of(request)
    sight = BuildContext(network_input(request.train.X), y, request.task, classes)
    model = net.build_model(sight)
    net.model_ = model
    inputs = net.encode_inputs(sight.X)
    net.input_spec_ = input_spec(inputs)
    if not model.built:
        probe_outputs(model, zeros_like_spec(net.input_spec_))
    if lookups := embedding_inputs(model, inputs):
        held = [] if request.validation is None else [network_input(request.validation.X)]
        check_embedding_inputs(lookups, [inputs, *map(net.encode_inputs, held)])
    raw = probe_outputs(model, take_network_rows(inputs, slice(0, 2)))
    scale = _target_scale(net, raw, request)
    compile_if_needed(model, net, raw, classes)
    _build_optimizer(model)
    if not net.has_target_encoder:
        outputs = read_outputs(model, raw, request.task, classes, y.shape[1:])
        net.outputs_ = replace(outputs, scale=scale)
    return net


def _target_scale(net: KerasEstimatorBase, raw: Any, request: FitRequest) -> TargetScale | None:
    if request.task != "regression":
        return None
    scale = TargetScale.fit(np.asarray(request.train.y), request.train.sample_weight)
    return net.target_scale(scale, net.model_, raw)


def _build_optimizer(model: Any) -> None:
    """Create the optimizer's variables: otherwise TensorFlow traces the first step twice."""
    optimizer = model.optimizer
    if optimizer is not None and not optimizer.built:
        optimizer.build(model.trainable_variables)


if TYPE_CHECKING:
    _: IncrementalTraining = KerasBackend()
    _on_devices: DeviceSupport = KerasBackend()
    _of_networks: NetworkSupport = KerasBackend()
