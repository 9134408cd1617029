"""Where Keras computes, which depends on the library below it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sktrainer.running.devices import Gpus

__all__ = ["gpus", "on_device"]


def gpus() -> Gpus:
    """Return the GPUs that Keras's backend sees.

    Keras goes to one by itself, and so does "auto", although not all of TensorFlow's
    kernels there give the same bits each time.
    """
    import keras

    backend = keras.backend.backend()
    if backend == "torch":
        from sktrainer.backends._torch_devices import gpus as gpus_of_torch

        return gpus_of_torch()
    if backend == "tensorflow":
        names = _gpus_of_tensorflow()
        return Gpus(names, "" if names else "TensorFlow sees no GPU")
    return Gpus(why_none=f"the way to a GPU of Keras on {backend} is not known here")


def _gpus_of_tensorflow() -> tuple[str, ...]:
    from sktrainer.backends._cuda import driver

    if not driver()[0]:  # TensorFlow writes to the terminal where there is none
        return ()
    import tensorflow as tf

    return tuple(f"cuda:{i}" for i in range(len(tf.config.list_physical_devices("GPU"))))


@contextmanager
def on_device(device: str | None) -> Iterator[None]:
    """Let Keras compute on a device for a time; None: where it goes by itself.

    Examples
    --------
    >>> with on_device(None):
    ...     pass
    """
    if device is None:
        yield
        return
    import keras

    # "cpu:0" would be another place than "cpu" to torch: parameters moved there are none.
    kind, _, index = device.partition(":")
    with keras.device(f"gpu:{index or 0}" if kind == "cuda" else kind):
        yield
