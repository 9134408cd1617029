"""Torch networks as plain values and arrays, for copies, pickles and `.skt` files."""

from __future__ import annotations

import copy
import importlib
import inspect
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import torch
from safetensors.torch import load, save
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.parameter import is_lazy

from sktrainer.exceptions import FileFormatError, InputError
from sktrainer.files.json_codec import decode_json, encode_json
from sktrainer.types import Array

__all__ = [
    "HASH_STABLE_METHODS",
    "TensorStore",
    "decode_module",
    "encode_module",
    "hash_stable_copy",
    "module_class",
    "module_types",
    "plain_copy",
]


HASH_STABLE_METHODS = ("__reduce_ex__", "__deepcopy__")  # attributes of a marked instance


def hash_stable_copy(module: torch.nn.Module) -> torch.nn.Module:
    """Return a deep copy whose pickle and hash depend on its content alone.

    This also applies to copies of the result.

    Examples
    --------
    >>> import joblib
    >>> module = hash_stable_copy(torch.nn.Linear(2, 1))
    >>> joblib.hash(module) == joblib.hash(hash_stable_copy(module))
    True
    """
    return _mark_hash_stable(plain_copy(module))


def plain_copy(module: torch.nn.Module) -> torch.nn.Module:
    """Return a deep copy with torch's own pickling."""
    return _copy(module, {})


@dataclass(frozen=True)
class _StoredTensor:
    """Tensor as plain values, restored on the CPU.

    The content is stored as bytes because NumPy lacks some of torch's dtypes.
    """

    content: Array
    dtype: torch.dtype
    shape: tuple[int, ...]
    kind: type
    requires_grad: bool

    @classmethod
    def of(cls, tensor: torch.Tensor) -> _StoredTensor:
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        return cls(
            flat.view(torch.uint8).numpy(),
            tensor.dtype,
            tuple(tensor.shape),
            type(tensor),
            tensor.requires_grad,
        )

    def tensor(self) -> Any:
        values = torch.from_numpy(self.content.copy()).view(self.dtype).reshape(self.shape)
        if self.kind is torch.nn.Parameter:
            return torch.nn.Parameter(values, requires_grad=self.requires_grad)
        return values.requires_grad_(self.requires_grad)


def _mark_hash_stable(module: torch.nn.Module) -> torch.nn.Module:
    functions = (partial(_reduced, module), partial(_marked_copy, module))
    module.__dict__.update(zip(HASH_STABLE_METHODS, functions, strict=True))
    return module


@contextmanager
def _unmarked(module: torch.nn.Module) -> Iterator[None]:
    mark = {
        name: module.__dict__.pop(name)
        for name in HASH_STABLE_METHODS
        if name in module.__dict__
    }
    try:
        yield
    finally:
        module.__dict__.update(mark)


def _copy(module: torch.nn.Module, memo: dict[int, Any]) -> torch.nn.Module:
    with _unmarked(module):
        return copy.deepcopy(module, memo)


def _marked_copy(module: torch.nn.Module, memo: dict[int, Any]) -> torch.nn.Module:
    return _mark_hash_stable(_copy(module, memo))


def _reduced(module: torch.nn.Module, protocol: int) -> tuple[Any, ...]:
    """Return a copy with plain values in place of tensors, and the function to restore it."""
    tensors = chain(module.parameters(), module.buffers())
    # Used as the memo of deepcopy, which then takes the plain values for copies of tensors.
    held = {id(t): _StoredTensor.of(t) for t in tensors if _is_plain(t)}
    return _revived, (_copy(module, held),)


def _is_plain(tensor: torch.Tensor) -> bool:
    known = type(tensor) in (torch.Tensor, torch.nn.Parameter) and not is_lazy(tensor)
    return known and tensor.layout is torch.strided


def _revived(skeleton: torch.nn.Module) -> torch.nn.Module:
    tensors: dict[int, Any] = {}  # to restore a tensor that two layers share only once
    for part in skeleton.modules():
        for values in (part._parameters, part._buffers):
            for name, held in values.items():
                if isinstance(held, _StoredTensor):
                    made = tensors.get(id(held))
                    values[name] = tensors[id(held)] = held.tensor() if made is None else made
    return _mark_hash_stable(skeleton)


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
