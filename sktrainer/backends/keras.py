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
    ChunkRequest,
    DeviceBackend,
    FitRequest,
    IncrementalBackend,
    NetworkBackend,
    Traits,
)
from sktrainer.backends._keras_building import (
    Sight,
    compile_open,
    first_outputs,
    is_instance,
    like,
    spec_of,
)
from sktrainer.backends._keras_devices import gpus, on_device
from sktrainer.backends._keras_lookups import lookups_of
from sktrainer.backends._keras_outputs import read_outputs
from sktrainer.backends._keras_pickle import set_variables, variables_of
from sktrainer.backends._keras_seeds import (
    kept_seeds,
    quiet_tracing,
    set_epoch_seeds,
    set_seeds,
)
from sktrainer.backends._keras_trainee import Trainee
from sktrainer.backends._keras_training import Training, classes_of
from sktrainer.backends._lookups import check_lookups
from sktrainer.backends._network_parameters import counted
from sktrainer.backends._networks import check_rows, network_input, take
from sktrainer.backends._sklearn.watching import finished
from sktrainer.backends._target_scale import TargetScale
from sktrainer.running.caller_state import kept
from sktrainer.running.devices import Gpus
from sktrainer.running.resources import limited_threads
from sktrainer.running.seeding import derive_seed
from sktrainer.types import ModelFit, Task

__all__ = ["KerasBackend"]


class KerasBackend:
    """Backend for Keras models."""

    name = "keras"

    def traits(self, model: Any, task: Task) -> Traits:
        """Return the requirements and capabilities of this model."""
        return Traits(
            sparse=False,
            any_shape=True,
            several_targets=True,
            likeliest=True,
            max_iter=counted(model.training_options().epochs),
            stops_by_default=True,
            iteration="epoch",
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

    def gpus(self, model: Any) -> Gpus:
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
        check_rows(request)
        seed = _seed(request)
        with _alone(request, seed):
            set_seeds(seed)
            net = _prepare(request)
            training = Training(net, request, seed)
            n_iter, ended = training.run()
        fit = finished(request, n_iter, stopped=request.monitor.stopped)
        reason = "converged" if ended else fit.stop_reason
        return replace(fit, stop_reason=reason, batch_size=training.batch_size)

    def partial_fit(self, request: ChunkRequest) -> ModelFit:
        """Train for one epoch on a chunk, with the weights and optimizer state so far.

        Callbacks are copied for each chunk; the chunk's number is their epoch.

        Parameters
        ----------
        request : ChunkRequest

        Returns
        -------
        ModelFit
        """
        check_rows(request)
        before: Trainee = request.model
        net, number = copy.copy(before), request.number
        seed = derive_seed(_seed(request), "chunk", number)
        with _alone(request, seed):
            request = replace(request, model=net)
            if not before.__sklearn_is_fitted__():
                set_seeds(seed)
                Training(_prepare(request), request, seed).chunk(number)
            else:
                set_epoch_seeds(seed)
                _go_on(before, Training(net, request, seed), number)
        return ModelFit(net, "partial_fit", number, number, request.monitor.evaluations)


def _go_on(before: Trainee, training: Training, number: int) -> None:
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
def _alone(request: FitRequest, seed: int) -> Iterator[None]:
    """Use one thread and the requested device, and restore global state on exit."""
    with (
        limited_threads(1),
        kept(seed),
        kept_seeds(),
        quiet_tracing(),
        on_device(request.device),
    ):
        yield


def _seed(request: FitRequest) -> int:
    """Return the `random_state` of a scikeras estimator if set, else the request's seed."""
    given = getattr(request.model, "random_state", None)
    return int(given) if isinstance(given, (int, np.integer)) else request.seed


def _prepare(request: FitRequest) -> Trainee:
    """Build the model, compile it if necessary, and determine the format of its outputs."""
    net: Trainee = request.model
    y = np.asarray(request.train.y)
    classes = classes_of(request)
    sight = Sight(network_input(request.train.X), y, request.task, classes)
    model = net.build_model(sight)
    net.model_ = model
    inputs = net.encode_inputs(sight.X)
    net.input_spec_ = spec_of(inputs)
    if not model.built:
        first_outputs(model, like(net.input_spec_))
    if lookups := lookups_of(model, inputs):
        held = [] if request.validation is None else [network_input(request.validation.X)]
        check_lookups(lookups, [inputs, *map(net.encode_inputs, held)])
    raw = first_outputs(model, take(inputs, slice(0, 2)))
    scale = _target_scale(net, raw, request)
    compile_open(model, net, raw, classes)
    _build_optimizer(model)
    if not net.reads_targets:
        outputs = read_outputs(model, raw, request.task, classes, y.shape[1:])
        net.outputs_ = replace(outputs, scale=scale)
    return net


def _target_scale(net: Trainee, raw: Any, request: FitRequest) -> TargetScale | None:
    if request.task != "regression":
        return None
    scale = TargetScale.of(np.asarray(request.train.y), request.train.sample_weight)
    return net.target_scale(scale, net.model_, raw)


def _build_optimizer(model: Any) -> None:
    """Create the optimizer's variables: otherwise TensorFlow traces the first step twice."""
    optimizer = model.optimizer
    if optimizer is not None and not optimizer.built:
        optimizer.build(model.trainable_variables)


if TYPE_CHECKING:
    _: IncrementalBackend = KerasBackend()
    _on_devices: DeviceBackend = KerasBackend()
    _of_networks: NetworkBackend = KerasBackend()
