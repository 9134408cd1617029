"""Instances of torch Modules as JSON and safetensors, without pickle."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

import torch  # so this module may only be imported in functions
from safetensors.torch import load, save
from torch.nn.modules.lazy import LazyModuleMixin

from sktrainer.backends._torch_pickle import HASH_STABLE_METHODS
from sktrainer.exceptions import FileFormatError, InputError
from sktrainer.storage.texts import decode_json, encode_json

__all__ = ["TensorStore", "decode_module", "encode_module", "module_class", "module_types"]

TENSOR = "=tensor"
# Attributes that every Module has, and those that torch creates again.
MODULE_ATTRIBUTES = frozenset(vars(torch.nn.Module())) | frozenset(HASH_STABLE_METHODS)
RECREATED_ATTRIBUTES = frozenset(
    {"_flat_weights", "_flat_weight_refs", "_load_hook", "_initialize_hook"}
)


class TensorStore:
    """Tensors of Modules and states that are written to a file or read from one.

    Parameters
    ----------
    tensors : mapping of str to Tensor or None, default=None
    """

    def __init__(self, tensors: Mapping[str, torch.Tensor] | None = None) -> None:
        self.tensors = dict(tensors or {})
        self.parameters: dict[str, torch.nn.Parameter] = {}
        self._keys: dict[int, str] = {}
        self._kept: list[torch.Tensor] = []

    def key(self, tensor: torch.Tensor) -> str:
        """Add a tensor and return its key; add one that two layers share only once."""
        if id(tensor) not in self._keys:
            key = self._keys[id(tensor)] = f"t{len(self._keys)}"
            self.tensors[key] = tensor.detach().cpu().contiguous().clone()
            self._kept.append(tensor)  # its id must not be reused
        return self._keys[id(tensor)]

    def packed(self) -> bytes:
        """Return all tensors in the format of safetensors."""
        return bytes(save(self.tensors))

    @classmethod
    def of(cls, data: bytes) -> TensorStore:
        """Read the result of `packed`."""
        return cls(load(data))


def encode_module(value: Any, shelf: TensorStore) -> Any:
    """Convert a Module, or a structure that contains tensors, to plain values."""
    if isinstance(value, torch.nn.Module):
        return _described(value, shelf, type(value).__name__)
    if isinstance(value, torch.Tensor):
        return {TENSOR: shelf.key(value)}
    if isinstance(value, Mapping):
        return {key: encode_module(item, shelf) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(encode_module(item, shelf) for item in value)
    return value


def _described(module: torch.nn.Module, shelf: TensorStore, where: str) -> dict[str, Any]:
    kind = type(module)
    entry: dict[str, Any] = {
        "class": f"{kind.__module__}.{kind.__qualname__}",
        "training": module.training,
        "children": {
            name: None if child is None else _described(child, shelf, f"{where}.{name}")
            for name, child in module._modules.items()
        },
    }
    if isinstance(module, LazyModuleMixin) and module.has_uninitialized_params():
        return entry | {"lazy": _arguments(module)}
    _refuse_hooks(module, where)
    weights = {**module._parameters}
    return entry | {
        "attributes": _attributes(module, where),
        "parameters": {n: None if p is None else shelf.key(p) for n, p in weights.items()},
        "fixed": [n for n, p in weights.items() if p is not None and not p.requires_grad],
        "buffers": {n: None if b is None else shelf.key(b) for n, b in module._buffers.items()},
        "passing": sorted(module._non_persistent_buffers_set),
    }


def _attributes(module: torch.nn.Module, where: str) -> dict[str, Any]:
    found = {
        k: v
        for k, v in vars(module).items()
        if k not in MODULE_ATTRIBUTES | RECREATED_ATTRIBUTES
    }
    for name, value in found.items():
        try:
            encode_json(value)
        except TypeError as error:
            raise InputError(
                f"the module {where} has an attribute {name!r} that cannot be written to a "
                f".skt file ({error}); pass the Module's class, whose constructor sets it, "
                "or save to a .joblib file"
            ) from None
    return {name: json.loads(encode_json(value)) for name, value in found.items()}


def _refuse_hooks(module: torch.nn.Module, where: str) -> None:
    hooked = [
        name
        for name, value in vars(module).items()
        if "_hooks" in name
        and name in MODULE_ATTRIBUTES
        and value
        and not isinstance(module, LazyModuleMixin)
    ]
    if hooked:
        raise InputError(
            f"the module {where} has hooks, which a .skt file cannot store ({hooked[0]}); "
            "register them in the Module's constructor and pass the class"
        )


def _arguments(module: Any) -> dict[str, Any]:
    """Return the constructor arguments of a lazy layer of torch."""
    names = set(inspect.signature(type(module)).parameters) - {"device", "dtype"}
    found = {name: getattr(module, name) for name in names if hasattr(module, name)}
    if "bias" in found:
        found["bias"] = found["bias"] is not None
    return {name: json.loads(encode_json(value)) for name, value in sorted(found.items())}


def module_types(value: Any) -> Iterator[str]:
    """Yield the class name of every Module in a result of `encode_module`."""
    if isinstance(value, dict):
        if "class" in value and "children" in value:
            yield str(value["class"])
        for item in value.values():
            yield from module_types(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from module_types(item)


def decode_module(value: Any, shelf: TensorStore) -> Any:
    """Restore a value from a result of `encode_module`, whose names must be trusted."""
    if isinstance(value, dict):
        if "class" in value and "children" in value:
            return _made(value, shelf)
        if set(value) == {TENSOR}:
            return shelf.tensors[value[TENSOR]]
        return {key: decode_module(item, shelf) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(decode_module(item, shelf) for item in value)
    return value


def module_class(name: str) -> Any:
    """Import the class of a Module.

    Raises
    ------
    FileFormatError
        If the name is not that of a Module class.
    """
    module, _, attribute = name.rpartition(".")
    kind = getattr(importlib.import_module(module), attribute)
    if not (isinstance(kind, type) and issubclass(kind, torch.nn.Module)):
        raise FileFormatError(f"{name} is not a torch Module")
    return kind


def _made(entry: Mapping[str, Any], shelf: TensorStore) -> torch.nn.Module:
    kind = module_class(entry["class"])
    module: torch.nn.Module
    if "lazy" in entry:
        if not issubclass(kind, LazyModuleMixin):
            raise FileFormatError(f"{entry['class']} is not a lazy Module")
        module = kind(**_plain(entry["lazy"]))
    else:
        module = kind.__new__(kind)  # the arguments of its constructor are unknown
        torch.nn.Module.__init__(module)
        _fill(module, entry, shelf)
    for name, child in entry["children"].items():
        module._modules[name] = None if child is None else _made(child, shelf)
    if hasattr(module, "_flat_weights_names"):  # RNNs also keep their weights in a list
        module._init_flat_weights()  # type: ignore[operator]
    module.training = bool(entry["training"])
    return module


def _fill(module: torch.nn.Module, entry: Mapping[str, Any], shelf: TensorStore) -> None:
    attributes = _plain(entry["attributes"])
    if MODULE_ATTRIBUTES & set(attributes):
        raise FileFormatError(
            f"it sets {sorted(MODULE_ATTRIBUTES & set(attributes))}, reserved by Module"
        )
    vars(module).update(attributes)
    tied = shelf.parameters
    for name, key in entry["parameters"].items():
        if key is not None and key not in tied:
            trained = name not in entry["fixed"]
            tied[key] = torch.nn.Parameter(shelf.tensors[key], requires_grad=trained)
        module._parameters[name] = None if key is None else tied[key]
    for name, key in entry["buffers"].items():
        module._buffers[name] = None if key is None else shelf.tensors[key]
    module._non_persistent_buffers_set = set(entry["passing"])


def _plain(value: Any) -> Any:
    return decode_json(json.dumps(value).encode())
