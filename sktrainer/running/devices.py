"""Where a model trains: the names of devices, and the choice among those that are there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sktrainer.exceptions import ParameterError

__all__ = ["DeviceChoice", "Gpus", "choose_device", "is_device"]

_NAME = re.compile(r"(cpu|cuda|mps)(?::(\d+))?")


@dataclass(frozen=True)
class Gpus:
    """The GPUs that a library can train one model on, here and now.

    Attributes
    ----------
    names : tuple of str
        "cuda:0", "cuda:1", ..., or "mps"; the one to take by itself first.
    why_none : str
        Why there are none, as a clause; empty where the library has no way to any.
    repeats : bool
        Whether a fit on them gives the same bits each time.
    """

    names: tuple[str, ...] = ()
    why_none: str = ""
    repeats: bool = True


@dataclass(frozen=True)
class DeviceChoice:
    """Where a model trains.

    Attributes
    ----------
    name : str or None
        The device; None where nothing is known of it.
    given : str or None
        What the backend is to set; None: the model stays as it is.
    reason : str
        Why it is not a GPU, where one was looked for.
    """

    name: str | None = None
    given: str | None = None
    reason: str = ""

    @property
    def is_gpu(self) -> bool:
        return self.name is not None and self.name.startswith(("cuda", "gpu", "mps"))


def is_device(value: Any) -> bool:
    """Tell whether this is a name of a device, there or not.

    Examples
    --------
    >>> [is_device(name) for name in ("cpu", "cuda", "cuda:1", "gpu", "cpu:0")]
    [True, True, True, False, False]
    """
    match = _NAME.fullmatch(value) if isinstance(value, str) else None
    return match is not None and (match[2] is None or match[1] == "cuda")


def choose_device(
    asked: str, backend: Any, model: Any, name: str | None = None
) -> DeviceChoice:
    """Choose where a model trains; no data is looked at, and nothing is set.

    What the model's own parameters name stays. Else "auto" takes a GPU that the library
    sees, where a fit on it gives the same bits each time, and the CPU otherwise.

    Parameters
    ----------
    asked : str
        "auto", or a name of a device.
    backend : Backend
        One without `own_device` and `gpus` sets no device.
    model : estimator
    name : str or None, default=None
        What an error calls the model; None: its class.

    Returns
    -------
    DeviceChoice

    Raises
    ------
    ParameterError
        The device is not there, or contradicts the model's own.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sktrainer.backends.sklearn import SklearnBackend
    >>> choose_device("auto", SklearnBackend(), Ridge()).name
    'cpu'
    """
    name = name or type(model).__name__
    if not hasattr(backend, "gpus"):
        return _where_nothing_is_set(asked, name)
    own = backend.own_device(model)
    if own is not None:
        return _with_own(asked, own, lambda: backend.gpus(model), name)
    if asked == "cpu":
        return DeviceChoice("cpu", given="cpu")
    gpus = backend.gpus(model)
    if gpus is None:
        return _where_nothing_is_set(asked, name)
    if asked == "auto":
        return _automatic(gpus)
    if not _is_among(asked, gpus.names):
        raise ParameterError(_not_there(asked, gpus, name))
    return DeviceChoice(asked, given=asked)


def _where_nothing_is_set(asked: str, name: str) -> DeviceChoice:
    if asked in ("auto", "cpu"):
        return DeviceChoice()
    raise ParameterError(
        f"device must be 'auto' or 'cpu' for {name}, which sktrainer can put "
        f"on no other device, got {asked!r}; set a parameter of the model's own if it has one"
    )


def _automatic(gpus: Gpus) -> DeviceChoice:
    if not gpus.names:
        return DeviceChoice("cpu", reason=gpus.why_none)
    name = gpus.names[0].partition(":")[0]
    if not gpus.repeats:
        reason = f"fits on a GPU would not repeat to the bit; device={name!r} takes it"
        return DeviceChoice("cpu", given="cpu", reason=reason)
    return DeviceChoice(name, given=name)


def _with_own(asked: str, own: str, look: Callable[[], Gpus], name: str) -> DeviceChoice:
    """Keep to what the model's own parameters say, or refuse what contradicts it."""
    if asked != "auto" and not _agree(asked, own):
        raise ParameterError(
            f"device={asked!r} contradicts {name}, whose own parameters name the device "
            f"{own!r}; leave one of the two out"
        )
    wanted = own if asked == "auto" or ":" in own else asked
    if own == "cpu" or not is_device(own):  # a name of the library's own is its to check
        return DeviceChoice(wanted)
    gpus = look()
    if not _is_among(wanted, gpus.names):
        here = f"here are only {', '.join(gpus.names)}" if gpus.names else gpus.why_none
        raise ParameterError(
            f"{name} itself names the device {wanted!r}, and {here}; leave it out of the "
            "model, and device='auto' decides"
        )
    return DeviceChoice(wanted, given=None if wanted == own else wanted)


def _not_there(asked: str, gpus: Gpus, name: str) -> str:
    here = ", ".join(map(repr, ("cpu", *gpus.names)))
    why = "" if gpus.names else f": {gpus.why_none or 'its library trains on the CPU only'}"
    return (
        f"device must be one that {name} can train on here ({here}), got {asked!r}{why}; use "
        "one of these, or 'auto'"
    )


def _is_among(name: str, names: tuple[str, ...]) -> bool:
    return any(_agree(name, other) for other in names)


def _agree(one: str, other: str) -> bool:
    """Tell whether two names may mean one device: "cuda" is any of its kind."""
    (kind, _, index), (other_kind, _, other_index) = one.partition(":"), other.partition(":")
    return kind == other_kind and (not index or not other_index or index == other_index)
