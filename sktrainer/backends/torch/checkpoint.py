"""State of a skorch net after an epoch, written to and read from checkpoint files.

Tensors are stored as safetensors, and everything else as JSON. Of a callback's attributes, only
plain ones are saved: numbers, strings, tensors, arrays, containers of these, and objects with a
`state_dict`, such as learning rate schedules.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from sktrainer.backends._networks.documents import encodable_attributes
from sktrainer.backends.base import FitRequest
from sktrainer.checkpoints.fit import NotPicklableError
from sktrainer.files.json_codec import decode_json, encode_json

if TYPE_CHECKING:
    import torch
    from skorch import NeuralNet

_TENSORS, _STATE, _HISTORY = "tensors.safetensors", "state.json", "history.json"


def restore_net(net: NeuralNet, request: FitRequest) -> tuple[int, Any, bool]:
    """Restore the checkpoint's newest state of a net.

    Return the epoch (0 if there is no state), the module's state dict of the best epoch, and
    whether a callback had ended the training.
    """
    found = None if request.checkpoint is None else request.checkpoint.restore()
    return (0, None, False) if found is None else (found.iteration, *_restore(net, found.state))


def save_checkpoint(
    net: NeuralNet,
    request: FitRequest,
    epoch: int,
    best: dict[str, torch.Tensor] | None,
    *,
    end: bool = False,
    interrupted: bool = False,
) -> None:
    """Report to the checkpoint, if any, that the fit can resume from this epoch."""
    if request.checkpoint is not None:
        state = partial(_net_state, net, best, interrupted=interrupted)
        request.checkpoint.save_if_due(epoch, state, end=end)


def _net_state(
    net: NeuralNet, best: dict[str, torch.Tensor] | None, *, interrupted: bool
) -> dict[str, bytes]:
    """Return the training state of a net between two epochs.

    `best` is the module's state dict of the best epoch, and `interrupted` states whether a
    callback has ended the training.
    """
    from sktrainer.backends.torch.network import TensorStore

    parts = (*net._modules, *net._criteria, *net._optimizers)
    state = {
        "parts": {name: _state_dict(getattr(net, f"{name}_", None)) for name in parts},
        "best": best,
        "callbacks": [_callback_state(callback) for _, callback in net.callbacks_],
        "generators": [generator.get_state() for generator in _used_generators(net)],
        "python": random.getstate(),
        "numpy": np.random.get_state(),  # noqa: NPY002 - libraries draw from it
        "interrupted": interrupted,
    }
    store = TensorStore()
    try:
        document = encode_json(state, store.encode_state, indent=None)
    except TypeError as error:
        raise NotPicklableError(str(error)) from error
    # A long history is written many times: the encoder of `json` is much faster.
    history = json.dumps(list(net.history), default=_number).encode()
    return {_STATE: document, _TENSORS: store.to_bytes(), _HISTORY: history}


def _restore(net: NeuralNet, members: Mapping[str, bytes]) -> tuple[Any, bool]:
    """Restore a net; return its best state, and whether a callback ended the training."""
    from skorch.history import History

    from sktrainer.backends.torch.network import TensorStore

    # States of generators must be on the CPU; `load_state_dict` moves the other tensors.
    store = TensorStore.from_bytes(members[_TENSORS])
    state = decode_json(members[_STATE], store.state_readers)
    for name, of_part in state["parts"].items():
        if of_part is not None:
            getattr(net, f"{name}_").load_state_dict(of_part)
    for (_, callback), saved in zip(net.callbacks_, state["callbacks"], strict=True):
        for name, value in saved["attributes"].items():
            setattr(callback, name, value)
        for name, of_object in saved["states"].items():
            if hasattr(callback, name):
                getattr(callback, name).load_state_dict(of_object)
    net.history_ = History(json.loads(members[_HISTORY]))
    for generator, content in zip(_used_generators(net), state["generators"], strict=True):
        generator.set_state(content)
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])  # noqa: NPY002
    return state["best"], bool(state["interrupted"])


def _used_generators(net: NeuralNet) -> list[Any]:
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


def _state_dict(value: Any) -> Any:
    """Return the state of a module, optimizer or schedule; None for other objects."""
    is_stateful = hasattr(value, "state_dict") and not isinstance(value, type)
    return value.state_dict() if is_stateful else None


def _callback_state(callback: object) -> dict[str, Any]:
    from sktrainer.backends.torch.network import TensorStore

    states = {name: _state_dict(value) for name, value in vars(callback).items()}
    states = {name: state for name, state in states.items() if state is not None}
    extension = TensorStore().encode_state
    return {"attributes": encodable_attributes(callback, extension, states), "states": states}


def _number(value: object) -> Any:
    """Convert a NumPy or torch number in a history to a Python number."""
    return value.item() if hasattr(value, "item") else str(value)
