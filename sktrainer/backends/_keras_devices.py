"""Devices of Keras, which depend on its backend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sktrainer.running.devices import AvailableGpus

__all__ = ["gpus", "on_device"]


def gpus() -> AvailableGpus:
    """Return the GPUs that the Keras backend sees.

    Keras uses a GPU by default. So does "auto", although some of TensorFlow's GPU kernels
    are not deterministic.
    """
    import keras

    backend = keras.backend.backend()
    if backend == "torch":
        from sktrainer.backends._torch_devices import gpus as gpus_of_torch

        return gpus_of_torch()
    if backend == "tensorflow":
        names = _gpus_of_tensorflow()
        return AvailableGpus(names, "" if names else "TensorFlow sees no GPU")
    return AvailableGpus(
        reason_if_none=f"sktrainer does not support GPUs for Keras on {backend}"
    )


def _gpus_of_tensorflow() -> tuple[str, ...]:
    from sktrainer.backends._cuda import cuda_driver

    if not cuda_driver()[0]:  # without a CUDA driver, TensorFlow logs to the terminal
        return ()
    import tensorflow as tf

    return tuple(f"cuda:{i}" for i in range(len(tf.config.list_physical_devices("GPU"))))


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
