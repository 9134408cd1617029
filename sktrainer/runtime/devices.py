"""Device names, choice of the device and the CUDA driver."""

from __future__ import annotations

import ctypes
import functools
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sktrainer.exceptions import ParameterError

_NAME = re.compile(r"(cpu|cuda|mps)(?::(\d+))?")


@dataclass(frozen=True)
class AvailableGpus:
    """GPUs on which a library can train a given model on this machine.

    `names` are "cuda:0", "cuda:1", ..., or "mps"; `device="auto"` uses the first one.
    `reason_if_none` states why no GPU is available, as a clause; it is empty if the library
    does not support GPUs. `reproducible` states whether training on these GPUs is.
    """

    names: tuple[str, ...] = ()
    reason_if_none: str = ""
    reproducible: bool = True


class DeviceSupport(Protocol):
    """Devices of a library other than its default.

    Both methods are called before training. They must be fast, print nothing and allocate no
    GPU memory. The trainer chooses the device.
    """

    def configured_device(self, model: Any) -> str | None:
        """Return the device set in the model's parameters, or None if it is not set."""

    def available_gpus(self, model: Any) -> AvailableGpus | None:
        """Return the GPUs that this model can train on, or None if this is unknown."""


@dataclass(frozen=True)
class DeviceChoice:
    """Device on which a model is trained.

    `name` is None if the device is unknown. `override` is the device that the backend must set
    on the model, or None to leave the model as is. `reason` states why "auto" did not select a
    GPU; it is empty if it did or if no GPU was searched for.
    """

    name: str | None = None
    override: str | None = None
    reason: str = ""

    @property
    def is_gpu(self) -> bool:
        return self.name is not None and self.name.startswith(("cuda", "gpu", "mps"))


def is_device_name(value: object) -> bool:
    """Return whether a value is a valid device name, whether or not the device exists.

    Examples
    --------
    >>> [is_device_name(name) for name in ("cpu", "cuda", "cuda:1", "gpu", "cpu:0")]
    [True, True, True, False, False]
    """
    match = _NAME.fullmatch(value) if isinstance(value, str) else None
    return match is not None and (match[2] is None or match[1] == "cuda")


def choose_device(
    requested: str, devices: DeviceSupport | None, model: Any, name: str | None = None
) -> DeviceChoice:
    """Choose the training device of a model, without modifying the model.

    A device set in the model's own parameters takes precedence. Otherwise, "auto" selects a GPU
    if the library detects one and training on it is reproducible, and the CPU if not.
    `requested` is "auto" or a device name. `devices` is that of the model's backend; None: the
    backend cannot set a device. `name` is the name of the model in error messages, by default
    that of its class.

    Raises
    ------
    ParameterError
        If the device is not available or conflicts with the model's own parameters.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sktrainer.backends.sklearn.backend import SklearnBackend
    >>> choose_device("auto", SklearnBackend().devices, Ridge()).name
    'cpu'
    """
    name = name or type(model).__name__
    if devices is None:
        return _no_device_support(requested, name)
    own = devices.configured_device(model)
    if own is not None:
        return _check_configured_device(
            requested, own, lambda: devices.available_gpus(model) or AvailableGpus(), name
        )
    if requested == "cpu":
        return DeviceChoice("cpu", override="cpu")
    gpus = devices.available_gpus(model)
    if gpus is None:
        return _no_device_support(requested, name)
    if requested == "auto":
        return _auto_device(gpus)
    if not _is_among(requested, gpus.names):
        raise ParameterError(_unavailable_message(requested, gpus, name))
    return DeviceChoice(requested, override=requested)


def _no_device_support(requested: str, name: str) -> DeviceChoice:
    if requested in ("auto", "cpu"):
        return DeviceChoice()
    raise ParameterError(
        f"device must be 'auto' or 'cpu' for {name}, because sktrainer cannot set the device "
        f"of this model, got {requested!r}; set the device in the model's own parameters"
    )


def _auto_device(gpus: AvailableGpus) -> DeviceChoice:
    if not gpus.names:
        return DeviceChoice("cpu", reason=gpus.reason_if_none)
    name = gpus.names[0].partition(":")[0]
    if not gpus.reproducible:
        reason = f"training on the GPU is not reproducible; device={name!r} selects it anyway"
        return DeviceChoice("cpu", override="cpu", reason=reason)
    return DeviceChoice(name, override=name)


def _check_configured_device(
    requested: str, own: str, look: Callable[[], AvailableGpus], name: str
) -> DeviceChoice:
    """Use the device of the model's parameters, or raise if `requested` conflicts with it."""
    if requested != "auto" and not _same_device(requested, own):
        raise ParameterError(
            f"device={requested!r} conflicts with {name}, whose own parameters set the device "
            f"{own!r}; remove one of the two"
        )
    wanted = (
        own if requested == "auto" or ":" in own else requested
    )  # "cuda:1" is the more specific
    if own == "cpu" or not is_device_name(
        own
    ):  # the library validates names that only it knows
        return DeviceChoice(wanted)
    gpus = look()
    if not _is_among(wanted, gpus.names):
        here = f"available are {', '.join(gpus.names)}" if gpus.names else gpus.reason_if_none
        raise ParameterError(
            f"the parameters of {name} set the device {wanted!r}, which is not available: "
            f"{here}; remove it from the model and use device='auto'"
        )
    return DeviceChoice(wanted, override=None if wanted == own else wanted)


def _unavailable_message(requested: str, gpus: AvailableGpus, name: str) -> str:
    here = ", ".join(map(repr, ("cpu", *gpus.names)))
    why = (
        "" if gpus.names else f": {gpus.reason_if_none or 'its library supports the CPU only'}"
    )
    return (
        f"device must be one of the devices available for {name} ({here}), "
        f"got {requested!r}{why}; use one of these or 'auto'"
    )


def _is_among(name: str, names: tuple[str, ...]) -> bool:
    return any(_same_device(name, other) for other in names)


def _same_device(one: str, other: str) -> bool:
    """Return whether two names can refer to the same device. "cuda" matches "cuda:1"."""
    (kind, _, index), (other_kind, _, other_index) = one.partition(":"), other.partition(":")
    return kind == other_kind and (not index or not other_index or index == other_index)


# The driver reads its environment variables only once, so the result cannot change.
@functools.cache
def cuda_driver() -> tuple[int, int]:
    """Return the number of visible GPUs and the major CUDA version that the driver supports.

    Both are 0 if there is no driver.
    """
    try:
        cuda = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return 0, 0
    count, version = ctypes.c_int(), ctypes.c_int()
    # Each function returns 0 on success. CUDA 12.4 is encoded as 12040.
    failed = (
        cuda.cuInit(0)
        or cuda.cuDeviceGetCount(ctypes.byref(count))
        or cuda.cuDriverGetVersion(ctypes.byref(version))
    )
    return (0, 0) if failed else (count.value, version.value // 1000)


def cuda_names(count: int) -> tuple[str, ...]:
    """Return the names of `count` CUDA devices."""
    return tuple(f"cuda:{index}" for index in range(count))
