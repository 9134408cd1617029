"""The random generators and the device of Keras, for the time of a fit.

Keras has no public way to read a seed that was set, nor TensorFlow; what is private of
either stands here and nowhere else.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np

__all__ = ["kept_seeds", "quiet_tracing", "set_epoch_seeds", "set_seeds"]


@contextmanager
def kept_seeds() -> Iterator[None]:
    """Put back, at the end, the seeds of Keras and of the library below it.

    The generators of Python, of NumPy and of torch are not among them: see
    `sktrainer.running.caller_state.kept`.
    """
    from keras.src.backend.common import global_state

    names = ("global_random_seed", "global_seed_generator")
    before = {name: global_state.get_global_attribute(name) for name in names}
    context = _tensorflow_context()
    of_context = {name: vars(context).get(name) for name in ("_seed", "_rng")}
    try:
        yield
    finally:
        for name, value in before.items():
            global_state.set_global_attribute(name, value)
        vars(context).update(of_context)


def set_seeds(seed: int) -> None:
    """Start all generators that Keras draws from.

    `keras.utils.set_random_seed` does the same, and imports TensorFlow under any backend.
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
    """Start those that cost nothing to start: TensorFlow would forget what it compiled."""
    from keras.src.backend.common import global_state

    global_state.set_global_attribute("global_random_seed", seed)
    global_state.set_global_attribute("global_seed_generator", None)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - layers may draw from the global one


@contextmanager
def quiet_tracing() -> Iterator[None]:
    """Hold back TensorFlow's advice on functions that are traced again and again.

    It counts those of all models together: each fold and each fit has one of its own.
    """
    logger = logging.getLogger("tensorflow")
    logger.addFilter(_is_no_advice_on_tracing)
    try:
        yield
    finally:
        logger.removeFilter(_is_no_advice_on_tracing)


def _is_no_advice_on_tracing(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in record.getMessage()


def _tensorflow_context() -> Any:
    import keras

    if keras.backend.backend() != "tensorflow":
        return SimpleNamespace()
    from tensorflow.python.eager import context

    return context.context()
