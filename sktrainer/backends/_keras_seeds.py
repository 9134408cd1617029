"""Random state of Keras and of its backend during a fit.

Neither Keras nor TensorFlow has a public way to read a seed that was set. All use of their
private attributes for this purpose is in this module.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np

__all__ = ["preserve_seeds", "set_epoch_seeds", "set_seeds", "silence_retracing_warnings"]


@contextmanager
def preserve_seeds() -> Iterator[None]:
    """Restore the seeds of Keras and of TensorFlow on exit.

    `sktrainer.running.caller_state.kept` restores those of Python, NumPy and torch.
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
