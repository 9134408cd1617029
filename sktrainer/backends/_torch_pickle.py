"""Pickling of torch Modules by content.

torch writes memory addresses into the pickle of a tensor. A copy of a module therefore has
another pickle, and another joblib hash, than the module, and scikit-learn's checks and
`joblib.Memory` take it for another parameter value. A module that is marked here pickles its
tensors as arrays. The mark is on the instance, not on its class.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import torch  # so this module may only be imported in functions
from torch.nn.parameter import is_lazy

from sktrainer.types import Array

__all__ = ["HASH_STABLE_METHODS", "hash_stable_copy", "plain_copy"]

HASH_STABLE_METHODS = ("__reduce_ex__", "__deepcopy__")  # attributes of a marked instance


def hash_stable_copy(module: torch.nn.Module) -> torch.nn.Module:
    """Return a deep copy whose pickle and hash depend on its content alone.

    This also applies to copies of the result.

    Examples
    --------
    >>> import joblib
    >>> module = copied(torch.nn.Linear(2, 1))
    >>> joblib.hash(module) == joblib.hash(copied(module))
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
