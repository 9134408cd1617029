"""State of a skorch net after an epoch, written to and read from checkpoint files.

Tensors use torch's own format, read with `weights_only`, which executes no code; everything
else is JSON. Of a callback's attributes, only plain ones are saved: numbers, strings, tensors,
containers of these, and objects with a `state_dict`, such as learning rate schedules.
"""

from __future__ import annotations

import io
import json
import random
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from sktrainer.backends.base import FitRequest

__all__ = ["restore_net", "save_checkpoint"]


_TENSORS, _PLAIN = "tensors.pt", "state.json"


_NOT_PLAIN = object()


def restore_net(net: Any, request: FitRequest) -> tuple[int, Any, bool]:
    """Restore the checkpoint's newest state of a net.

    Returns
    -------
    epoch : int
        0 if there is no state.
    best : dict or None
        The module's state dict of the best epoch.
    ended : bool
        Whether a callback had ended the training.
    """
    found = None if request.checkpoint is None else request.checkpoint.restore()
    return (0, None, False) if found is None else (found.iteration, *_restore(net, found.state))


def save_checkpoint(
    net: Any,
    request: FitRequest,
    epoch: int,
    best: Any,
    *,
    end: bool = False,
    interrupted: bool = False,
) -> None:
    """Report to the checkpoint, if any, that the fit can resume from this epoch."""
    if request.checkpoint is not None:
        state = partial(_net_state, net, best, interrupted=interrupted)
        request.checkpoint.save_if_due(epoch, state, end=end)


def _net_state(net: Any, best: Any, *, interrupted: bool = False) -> dict[str, bytes]:
    """Return the training state of a net between two epochs.

    Parameters
    ----------
    net : skorch.NeuralNet
        During training.
    best : dict or None
        The module's state dict of the best epoch.
    interrupted : bool, default=False
        Whether a callback has ended the training.
    """
    import torch

    parts = {name: getattr(net, f"{name}_") for name in _stateful_parts(net)}
    tensors = {
        "parts": {name: part.state_dict() for name, part in parts.items()},
        "best": best,
        "callbacks": [_callback_state(callback) for _, callback in net.callbacks_],
        "generators": _generators(net),
    }
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    name, keys, *rest = np.random.get_state()  # noqa: NPY002 - libraries draw from it
    plain = {
        "history": list(net.history),
        "python": random.getstate(),
        "numpy": [name, np.asarray(keys).tolist(), *rest],
        "interrupted": interrupted,
    }
    return {_TENSORS: buffer.getvalue(), _PLAIN: json.dumps(plain, default=_number).encode()}


def _restore(net: Any, state: Mapping[str, bytes]) -> tuple[Any, bool]:
    """Restore a net; return its best state, and whether a callback ended the training."""
    import torch
    from skorch.history import History

    # States of generators must be on the CPU; `load_state_dict` moves the other tensors.
    tensors = torch.load(io.BytesIO(state[_TENSORS]), map_location="cpu", weights_only=True)
    plain = json.loads(state[_PLAIN])
    for name, of_part in tensors["parts"].items():
        getattr(net, f"{name}_").load_state_dict(of_part)
    for (_, callback), kept in zip(net.callbacks_, tensors["callbacks"], strict=True):
        _restore_callback(callback, kept)
    net.history_ = History(plain["history"])
    for generator, content in zip(_used_generators(net), tensors["generators"], strict=True):
        generator.set_state(content)
    version, keys, gauss = plain["python"]
    random.setstate((version, tuple(keys), gauss))
    name, keys, *rest = plain["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))  # noqa: NPY002
    return tensors["best"], bool(plain["interrupted"])


def _stateful_parts(net: Any) -> list[str]:
    """Return the names of a net's modules, criteria and optimizers that have a state."""
    names = [*net._modules, *net._criteria, *net._optimizers]
    return [name for name in names if hasattr(getattr(net, f"{name}_", None), "state_dict")]


def _used_generators(net: Any) -> list[Any]:
    """Return the generators that training draws from, in a fixed order."""
    import torch

    used = [torch.default_generator]
    device = torch.device(net.device)
    if device.type == "cuda":
        index = torch.cuda.current_device() if device.index is None else device.index
        used.append(torch.cuda.default_generators[index])
    for part in ("iterator_train", "iterator_valid"):
        own = net.get_params_for(part).get("generator")
        used += [own] if own is not None else []
    return used


def _generators(net: Any) -> list[Any]:
    return [generator.get_state() for generator in _used_generators(net)]


def _callback_state(callback: Any) -> dict[str, Any]:
    kept = {}
    for name, value in vars(callback).items():
        if hasattr(value, "state_dict") and not isinstance(value, type):
            kept[name] = {"state_dict": value.state_dict()}
            continue
        plain = _to_plain(value)
        if plain is not _NOT_PLAIN:
            kept[name] = {"value": plain}
    return kept


def _restore_callback(callback: Any, kept: Mapping[str, Any]) -> None:
    for name, content in kept.items():
        if "value" in content:
            setattr(callback, name, content["value"])
        elif hasattr(callback, name):
            getattr(callback, name).load_state_dict(content["state_dict"])


def _to_plain(value: Any) -> Any:
    """Return a value that torch can load without executing code, or `_NOT_PLAIN`."""
    import torch

    if value is None or isinstance(value, (bool, int, float, str, torch.Tensor)):
        return value.item() if isinstance(value, np.generic) else value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        items = {key: _to_plain(item) for key, item in value.items()}
        simple = all(isinstance(key, (str, int)) for key in items)
        return items if simple and _all_plain(items.values()) else _NOT_PLAIN
    if isinstance(value, (list, tuple)):
        found = [_to_plain(item) for item in value]
        return (
            type(value)(found)
            if type(value) in (list, tuple) and _all_plain(found)
            else (_NOT_PLAIN)
        )
    return _NOT_PLAIN


def _all_plain(values: Any) -> bool:
    return not any(value is _NOT_PLAIN for value in values)


def _number(value: Any) -> Any:
    """Convert a NumPy or torch number in a history to a Python number."""
    return value.item() if hasattr(value, "item") else str(value)
