"""Keras devices, device scopes and random generators."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from sktrainer.backends.registry import backend_for_package
from sktrainer.runtime.devices import AvailableGpus, cuda_driver
from sktrainer.runtime.native_output import drop_native_lines


def gpus() -> AvailableGpus:
    """Return the GPUs that the Keras backend sees.

    Keras uses a GPU by default. So does "auto", although some of TensorFlow's GPU kernels
    are not deterministic.
    """
    import keras

    backend = keras.backend.backend()
    below = backend_for_package(backend)  # torch; the others have no backend of their own
    if below is not None and below.devices is not None:
        return below.devices.available_gpus(None) or AvailableGpus()
    if backend == "tensorflow":
        names = _gpus_of_tensorflow()
        return AvailableGpus(names, "" if names else "TensorFlow sees no GPU")
    return AvailableGpus(
        reason_if_none=f"sktrainer does not support GPUs for Keras on {backend}"
    )


def _gpus_of_tensorflow() -> tuple[str, ...]:
    if not cuda_driver()[0]:  # without a CUDA driver, TensorFlow logs to the terminal
        return ()
    import tensorflow as tf

    return tuple(f"cuda:{i}" for i in range(len(tf.config.list_physical_devices("GPU"))))


@cache
def initialize_devices() -> None:
    """Let TensorFlow look for GPUs without its error message that there is no driver.

    Otherwise the first operation of a fit writes it into the display.
    """
    import keras

    if keras.backend.backend() != "tensorflow" or cuda_driver()[0]:
        return
    import tensorflow as tf

    with drop_native_lines(["failed call to cuInit"]):
        tf.config.list_physical_devices("GPU")


@contextmanager
def on_device(device: str | None) -> Iterator[None]:
    """Run Keras on a device within the context; None: on its default device.

    Examples
    --------
    >>> with on_device(None):
    ...     pass
    """
    if device is None:
        yield
        return
    import keras

    # On torch, "cpu:0" differs from "cpu": a moved nn.Parameter becomes a plain tensor.
    kind, _, index = device.partition(":")
    with keras.device(f"gpu:{index or 0}" if kind == "cuda" else kind):
        yield


def random_state() -> Any:
    """Return the seeds of Keras and of TensorFlow.

    The generators of Python and NumPy, and torch's, are not among them.
    """
    from keras.src.backend.common import global_state

    context = vars(_tensorflow_context())
    return (
        [global_state.get_global_attribute(name) for name in _KERAS_STATE],
        {name: context.get(name) for name in ("_seed", "_rng")},
    )


def set_random_state(state: Any) -> None:
    """Restore the result of `random_state`."""
    from keras.src.backend.common import global_state

    of_keras, of_context = state
    for name, value in zip(_KERAS_STATE, of_keras, strict=True):
        global_state.set_global_attribute(name, value)
    vars(_tensorflow_context()).update(of_context)


_KERAS_STATE = ("global_random_seed", "global_seed_generator")


def set_seeds(seed: int) -> None:
    """Seed all generators that Keras draws from.

    `keras.utils.set_random_seed` does the same, but imports TensorFlow with every backend.
    """
    import keras

    set_epoch_seeds(seed)
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        tf.random.set_seed(seed)
    elif backend == "torch":
        import torch

        torch.manual_seed(seed)


def set_epoch_seeds(seed: int) -> None:
    """Seed all generators but the backend's: seeding TensorFlow drops compiled functions."""
    from keras.src.backend.common import global_state

    global_state.set_global_attribute("global_random_seed", seed)
    global_state.set_global_attribute("global_seed_generator", None)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - layers may draw from the global one


@contextmanager
def silence_retracing_warnings() -> Iterator[None]:
    """Suppress TensorFlow's warning about functions that are retraced repeatedly.

    TensorFlow counts over all models of the process, and each fold and fit has a new one.
    """
    logger = logging.getLogger("tensorflow")
    logger.addFilter(_is_not_retracing_warning)
    try:
        yield
    finally:
        logger.removeFilter(_is_not_retracing_warning)


def _is_not_retracing_warning(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in record.getMessage()


def _tensorflow_context() -> Any:
    import keras

    if keras.backend.backend() != "tensorflow":
        return SimpleNamespace()
    from tensorflow.python.eager import context

    return context.context()
