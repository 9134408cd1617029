"""Fit of a Keras model: seeds, device, construction and training."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from sktrainer.backends._networks.data import (
    check_network_rows,
    network_input,
    take_network_rows,
)
from sktrainer.backends._networks.embeddings import check_embedding_inputs
from sktrainer.backends._networks.target_scale import TargetScale
from sktrainer.backends.base import FitRequest, PartialFitRequest, watched_fit
from sktrainer.backends.keras.build import (
    BuildContext,
    TrainableEstimator,
    compile_if_needed,
    input_spec,
    probe_outputs,
    zeros_like_spec,
)
from sktrainer.backends.keras.data import embedding_inputs
from sktrainer.backends.keras.devices import (
    initialize_devices,
    on_device,
    set_epoch_seeds,
    set_seeds,
    silence_retracing_warnings,
)
from sktrainer.backends.keras.network import set_variables, variables_of
from sktrainer.backends.keras.outputs import read_outputs
from sktrainer.backends.keras.training_loop import TrainingLoop, classes_of
from sktrainer.runtime.global_state import exclusive_global_state
from sktrainer.runtime.seeds import derive_seed
from sktrainer.runtime.threads import limit_threads
from sktrainer.types import Array, ModelFit


def fit_network(request: FitRequest) -> ModelFit:
    """Train for all epochs and restore the weights of the best one.

    The estimator of the request then has the Keras model as `model_`.
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


def partial_fit_network(request: PartialFitRequest) -> ModelFit:
    """Train for one epoch on a chunk, with the weights and optimizer state so far.

    Callbacks are copied for each chunk; the chunk's number is their epoch.
    """
    check_network_rows(request)
    before: TrainableEstimator = request.model
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


def continue_training(before: TrainableEstimator, training: TrainingLoop, number: int) -> None:
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
    initialize_devices()
    with (
        limit_threads(1),
        exclusive_global_state(seed),
        silence_retracing_warnings(),
        on_device(request.device),
    ):
        yield


def model_seed(request: FitRequest) -> int:
    """Return the `random_state` of a scikeras estimator if set, else the request's seed."""
    given = getattr(request.model, "random_state", None)
    return int(given) if isinstance(given, (int, np.integer)) else request.seed


def build_and_compile(request: FitRequest) -> TrainableEstimator:
    """Build the model, compile it if necessary, and determine the format of its outputs."""
    net: TrainableEstimator = request.model
    y = np.asarray(request.train.y)
    classes = classes_of(request)
    context = BuildContext(network_input(request.train.X), y, request.task, classes)
    model = net.build_model(context)
    net.model_ = model
    inputs = net.encode_inputs(context.X)
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


def _target_scale(
    net: TrainableEstimator, raw: Array, request: FitRequest
) -> TargetScale | None:
    if request.task != "regression":
        return None
    scale = TargetScale.fit(np.asarray(request.train.y), request.train.sample_weight)
    return net.target_scale(scale, net.model_, raw)


def _build_optimizer(model: Any) -> None:
    """Create the optimizer's variables: otherwise TensorFlow traces the first step twice."""
    optimizer = model.optimizer
    if optimizer is not None and not optimizer.built:
        optimizer.build(model.trainable_variables)
