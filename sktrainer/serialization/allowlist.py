"""Names that a file may contain without being trusted by the user, by role.

Before you add a name here or to the `AllowedTypes` of a backend, read what constructing it
from any state, or calling it with any arguments, can do. `docs/design/0007-files.md` lists
what to look for.
"""

from __future__ import annotations

import functools
from dataclasses import fields
from typing import Literal, TypeAlias

from sktrainer.backends.registry import allowed_types
from sktrainer.backends.support import AllowedTypes, import_paths
from sktrainer.serialization.type_ids import load_type

Role: TypeAlias = Literal["object", "function", "type", "call", "key"]

_OWN_TYPES = (
    "checkpoint column-contract column-decision date-format date-transform "
    "estimator-placeholder level-transform levels matrix-transform metric-value model-input "
    "network-placeholder number-format numeric-transform one-hot-transform "
    "partial-fit-state postprocessing postprocessing-columns sparse-transform "
    "table-encoder table-smote table-transform target-scale"
)

_BASE_TYPES = AllowedTypes(
    objects=tuple(f"sktrainer/{name}" for name in _OWN_TYPES.split()),
    functions=import_paths("numpy", "max mean median min std sum var"),
    classes=(
        *import_paths("builtins", "bool bytes dict float int list print set str tuple"),
        "collections.OrderedDict",
    ),
)

# Called on loading, with arguments from the file.
_CALLS = (
    *import_paths("builtins", "complex frozenset range"),
    *import_paths("datetime", "date datetime time timedelta timezone"),
    "decimal.Decimal",
    "uuid.UUID",
    "zoneinfo.ZoneInfo",
)

# Types of dict keys.
_KEY_TYPES = (
    *import_paths("builtins", "float int str"),
    *import_paths("numpy", "float16 float32 float64 int16 int32 int64 int8 str_"),
    *import_paths("numpy", "uint16 uint32 uint64 uint8"),
)


def is_allowed(role: Role, name: str) -> bool:
    """Return whether a file may use a name in this role without the user's trust.

    The role is the use of the name, an import path or type id: class constructed from a state
    without calling its constructor ("object"), function or class that the objects holding it
    call later ("function", "type"), class or function called on loading ("call"), or type of
    dict keys ("key").

    Examples
    --------
    >>> is_allowed("object", "lightgbm.basic.Booster"), is_allowed("function", "os.system")
    (True, False)
    """
    if name in allowed_names(role):
        return True
    if role == "function":
        return _is_metric(name)
    return role == "type" and is_class_in(name, _joined(allowed_types()).class_prefixes)


def allowed_names(role: Role) -> frozenset[str]:
    """Return the names that are allowed in a role, except for those allowed by a prefix."""
    return _names_by_role(allowed_types())[role]


def unstable_entries() -> tuple[str, ...]:
    """Return the entries of states that differ between two equal models."""
    return _joined(allowed_types()).unstable


@functools.cache
def _joined(types: tuple[AllowedTypes, ...]) -> AllowedTypes:
    parts = (_BASE_TYPES, *types)
    return AllowedTypes(
        **{
            field.name: tuple(name for part in parts for name in getattr(part, field.name))
            for field in fields(AllowedTypes)
        }
    )


@functools.cache
def _names_by_role(types: tuple[AllowedTypes, ...]) -> dict[Role, frozenset[str]]:
    joined = _joined(types)
    return {
        "object": frozenset(joined.objects),
        "function": frozenset(joined.functions),
        "type": frozenset(joined.classes),
        "call": frozenset(_CALLS),
        "key": frozenset(_KEY_TYPES),
    }


def is_class_in(name: str, prefixes: tuple[str, ...]) -> bool:
    """Return whether a name is a class in one of some modules, under its defining module.

    A module may import other names too, and these must not be reachable through it.
    """
    if not name.startswith(prefixes):
        return False
    try:
        found = load_type(name)
    except (AttributeError, ImportError):
        return False
    return isinstance(found, type) and f"{found.__module__}.{found.__name__}" == name


def is_refused(name: str) -> bool:
    """Return whether a name is a class whose `__setstate__` can run code in its state."""
    try:
        found = load_type(name)
    except (AttributeError, ImportError, ValueError):  # a method, or a call
        return False
    refused = _joined(allowed_types()).refused
    return isinstance(found, type) and any(
        base.__module__.startswith(refused) for base in found.__mro__
    )


def _is_metric(name: str) -> bool:
    """Return whether a name is a public metric function of scikit-learn."""
    if not name.startswith("sklearn.metrics."):
        return False
    import sklearn.metrics

    module, _, function = name.rpartition(".")
    found = getattr(sklearn.metrics, function, None)
    return function in sklearn.metrics.__all__ and getattr(found, "__module__", "") == module
