"""Torch networks as plain values and tensors: copies, pickles, `.skt` files, checkpoints."""

from __future__ import annotations

import copy
import importlib
import inspect
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load, save
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.parameter import is_lazy

from sktrainer.exceptions import FileFormatError, InputError
from sktrainer.files.json_codec import encode_json
from sktrainer.runtime.signatures import import_path

HASH_STABLE_METHODS = ("__reduce_ex__", "__deepcopy__")  # attributes of a marked instance

# Attributes that every Module has, and those that torch creates again.
MODULE_ATTRIBUTES = frozenset(vars(torch.nn.Module())) | frozenset(HASH_STABLE_METHODS)

RECREATED_ATTRIBUTES = frozenset(
    {"_flat_weights", "_flat_weight_refs", "_load_hook", "_initialize_hook"}
)

COMPLEX = ".complex"  # ending of the keys of complex tensors, which safetensors lacks


class TensorStore:
    """Tensors of a JSON document, which are stored next to it in the format of safetensors.

    `keys` has keys of tensors by their `id`; the others are numbered.
    """

    def __init__(
        self,
        tensors: Mapping[str, torch.Tensor] | None = None,
        keys: Mapping[int, str] | None = None,
    ) -> None:
        self.tensors = dict(tensors or {})
        self._keys = dict(keys or {})
        self._parameters: dict[int, torch.nn.Parameter] = {}

    def add(self, tensor: torch.Tensor) -> str:
        """Add a tensor and return its key; add one that two layers share only once."""
        key = self._keys.setdefault(id(tensor), f"t{len(self.tensors)}")
        self.tensors[key] = tensor
        return key

    def to_bytes(self) -> bytes:
        """Return all tensors in the format of safetensors."""
        found = {}
        for key, tensor in self.tensors.items():
            values = tensor.detach().cpu()
            if values.is_complex():
                key, values = f"{key}{COMPLEX}", torch.view_as_real(values.resolve_conj())
            found[key] = values.contiguous().clone()  # safetensors rejects shared memory
        return bytes(save(found))

    @classmethod
    def from_bytes(cls, data: bytes) -> TensorStore:
        """Read the result of `to_bytes`."""
        tensors = {}
        for key, values in load(data).items():
            own = values.clone()  # aligned, unlike a view of the bytes
            if key.endswith(COMPLEX):
                key, own = key.removesuffix(COMPLEX), torch.view_as_complex(own)
            tensors[key] = own
        return cls(tensors)

    def encode_state(self, value: object) -> tuple[str, Any] | None:
        """Encode tensors, arrays and counters (`extension` of `encode_json`)."""
        if isinstance(value, torch.Tensor):
            return "$tensor", self.add(value)
        if isinstance(value, np.ndarray):
            return "$numpy", self.add(torch.from_numpy(value))
        if type(value) is Counter:  # milestones of a learning rate schedule
            return "$counter", dict(value)
        if isinstance(value, (pd.DataFrame, pd.Series)):
            raise TypeError("a table is not part of the state of a network")
        return None

    def encode_module(self, value: object) -> tuple[str, Any] | None:
        """Encode Modules and tensors (`extension` of `encode_json`)."""
        if isinstance(value, torch.nn.Module):
            return "$module", _describe(value, type(value).__name__)
        return ("$tensor", self.add(value)) if isinstance(value, torch.Tensor) else None

    @property
    def state_readers(self) -> dict[str, Any]:
        """`readers` of `decode_json` for a state; they create no Module."""
        return {
            "$counter": Counter,
            "$numpy": lambda key: self.tensors[key].numpy(),
            "$tensor": lambda key: self.tensors[key],
        }

    @property
    def module_readers(self) -> dict[str, Any]:
        """`readers` of `decode_json` for Modules, whose `module_names` must be trusted."""
        return {"$module": self._make, "$tensor": lambda key: self.tensors[key]}

    def _make(self, entry: Mapping[str, Any]) -> torch.nn.Module:
        kind = _module_class(entry["class"])
        module: torch.nn.Module
        if "lazy" in entry:
            if not issubclass(kind, LazyModuleMixin):
                raise FileFormatError(f"{entry['class']} is not a lazy Module")
            module = kind(**entry["lazy"])
        else:
            module = kind.__new__(kind)  # the arguments of its constructor are unknown
            torch.nn.Module.__init__(module)
            self._fill(module, entry)
        for name, child in entry["children"].items():
            module._modules[name] = None if child is None else self._make(child)
        _restore_flat_weights(module)
        module.training = bool(entry["training"])
        return module

    def _fill(self, module: torch.nn.Module, entry: Mapping[str, Any]) -> None:
        reserved = MODULE_ATTRIBUTES & set(entry["attributes"])
        if reserved:
            raise FileFormatError(f"it sets {sorted(reserved)}, reserved by Module")
        vars(module).update(entry["attributes"])
        for name, tensor in entry["parameters"].items():
            module._parameters[name] = (
                None if tensor is None else self.parameter(tensor, name not in entry["fixed"])
            )
        module._buffers.update(entry["buffers"])
        module._non_persistent_buffers_set = set(entry["non_persistent"])

    def parameter(self, tensor: torch.Tensor, requires_grad: bool) -> torch.nn.Parameter:
        """Return the Parameter of a stored tensor; layers that share it get the same one."""
        if id(tensor) not in self._parameters:
            made = torch.nn.Parameter(tensor, requires_grad=requires_grad)
            self._parameters[id(tensor)] = made
        return self._parameters[id(tensor)]


def _describe(module: torch.nn.Module, path: str) -> dict[str, Any]:
    """Return the class and content of a Module and its children."""
    kind = type(module)
    entry: dict[str, Any] = {
        "class": import_path(kind),
        "training": module.training,
        "children": {
            name: None if child is None else _describe(child, f"{path}.{name}")
            for name, child in module._modules.items()
        },
    }
    if isinstance(module, LazyModuleMixin) and module.has_uninitialized_params():
        return entry | {"lazy": _lazy_arguments(module)}
    weights = dict(module._parameters)
    return entry | {
        "attributes": _attributes(module, path),
        "parameters": weights,
        "fixed": [n for n, p in weights.items() if p is not None and not p.requires_grad],
        "buffers": dict(module._buffers),
        "non_persistent": sorted(module._non_persistent_buffers_set),
    }


def _lazy_arguments(module: object) -> dict[str, Any]:
    """Return the constructor arguments of a lazy layer of torch."""
    names = set(inspect.signature(type(module)).parameters) - {"device", "dtype"}
    found = {name: getattr(module, name) for name in sorted(names) if hasattr(module, name)}
    if "bias" in found:
        found["bias"] = found["bias"] is not None
    return found


def _attributes(module: torch.nn.Module, path: str) -> dict[str, Any]:
    """Return the attributes that neither torch nor `_describe` restores.

    Raises
    ------
    InputError
        If an attribute is not a plain value, or the module has hooks.
    """
    found = {}
    for name, value in vars(module).items():
        if name in MODULE_ATTRIBUTES:
            if "_hooks" in name and value and not isinstance(module, LazyModuleMixin):
                raise InputError(
                    f"the module {path} has hooks, which a .skt file cannot store ({name}); "
                    "register them in the Module's constructor and pass the class"
                )
            continue
        if name in RECREATED_ATTRIBUTES:
            continue
        try:
            encode_json(value)
        except TypeError as error:
            raise InputError(
                f"the module {path} has an attribute {name!r} that cannot be written to a "
                f".skt file ({error}); pass the Module's class, whose constructor sets it, "
                "or save to a .joblib file"
            ) from None
        found[name] = value
    return found


def _module_class(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    kind = getattr(importlib.import_module(module), attribute)
    if not (isinstance(kind, type) and issubclass(kind, torch.nn.Module)):
        raise FileFormatError(f"{name} is not a torch Module")
    return kind


def _restore_flat_weights(module: torch.nn.Module) -> None:
    if hasattr(module, "_flat_weights_names"):  # RNNs also keep their weights in a list
        module._init_flat_weights()  # type: ignore[operator]


def module_names(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield the class name of a Module in a document, and those of its children."""
    yield str(entry["class"])
    for child in entry["children"].values():
        if child is not None:
            yield from module_names(child)


def plain_copy(module: torch.nn.Module) -> torch.nn.Module:
    """Return a deep copy with torch's own pickling."""
    return _copy(module, {})


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


def _mark_hash_stable(module: torch.nn.Module) -> torch.nn.Module:
    functions = (partial(_reduce, module), partial(_copy_marked, module))
    module.__dict__.update(zip(HASH_STABLE_METHODS, functions, strict=True))
    return module


def _copy_marked(module: torch.nn.Module, memo: dict[int, Any]) -> torch.nn.Module:
    return _mark_hash_stable(_copy(module, memo))


def _copy(module: torch.nn.Module, memo: dict[int, Any]) -> torch.nn.Module:
    with _unmarked(module):
        return copy.deepcopy(module, memo)


@contextmanager
def _unmarked(module: torch.nn.Module) -> Iterator[None]:
    own = vars(module)
    mark = {name: own.pop(name) for name in HASH_STABLE_METHODS if name in own}
    try:
        yield
    finally:
        own.update(mark)


@dataclass(frozen=True)
class _TensorPlaceholder:
    key: str
    is_parameter: bool
    requires_grad: bool


def _reduce(module: torch.nn.Module, protocol: int) -> tuple[Any, ...]:
    """Return the module without its tensors, these tensors, and the function to join them.

    A pickle keeps what a file cannot have: hooks, and attributes of any type. Its tensors are
    stored as in a file, because torch's own pickles of equal tensors differ.
    """
    store = TensorStore()
    # Used as the memo of deepcopy, which then takes the placeholders for copies of tensors.
    placeholders: dict[int, Any] = {
        id(t): _TensorPlaceholder(store.add(t), type(t) is torch.nn.Parameter, t.requires_grad)
        for t in chain(module.parameters(), module.buffers())
        if type(t) in (torch.Tensor, torch.nn.Parameter)
        and not is_lazy(t)
        and t.layout is torch.strided
    }
    return _rebuild, (_copy(module, placeholders), store.to_bytes())


def _rebuild(module: torch.nn.Module, data: bytes) -> torch.nn.Module:
    store = TensorStore.from_bytes(data)
    for part in module.modules():
        for values in (part._parameters, part._buffers):
            for name, value in values.items():
                if isinstance(value, _TensorPlaceholder):
                    tensor = store.tensors[value.key]
                    values[name] = (
                        store.parameter(tensor, value.requires_grad)
                        if value.is_parameter
                        else tensor.requires_grad_(value.requires_grad)
                    )
        _restore_flat_weights(part)
    return _mark_hash_stable(module)
