"""Identity of a run: data fingerprints, parameters and library versions."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from types import CodeType
from typing import Any

import joblib
import numpy as np

__all__ = ["RunIdentity", "describe_value", "identity_differences"]

_SHOWN = 80
_MESSAGES = {
    "data": "{name} differs (fingerprint was {was}, is now {now})",
    "parameters": "{name}: was {was}, is now {now}",
    "versions": "the version of {name}: was {was}, is now {now}",
}


@dataclass(frozen=True)
class RunIdentity:
    """Everything that determines the result of a run.

    Attributes
    ----------
    data : mapping of str to str
        Fingerprint of each argument of `fit`.
    parameters : mapping of str to object
        Plain values by parameter name.
    versions : mapping of str to str
    """

    data: Mapping[str, str]
    parameters: Mapping[str, Any]
    versions: Mapping[str, str]

    def plain(self) -> dict[str, dict[str, Any]]:
        """Return the identity as values that a JSON round trip does not change."""
        parts = {
            "data": dict(self.data),
            "parameters": dict(self.parameters),
            "versions": dict(self.versions),
        }
        plain: dict[str, dict[str, Any]] = json.loads(json.dumps(parts))
        return plain

    def digest(self) -> str:
        """Return the SHA-256 of the identity."""
        text = json.dumps(self.plain(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def identity_differences(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Describe the differences between two identities.

    Examples
    --------
    >>> differences({"parameters": {"cv": 5}}, {"parameters": {"cv": 3}})
    ['cv: was 5, is now 3']
    """
    found = []
    for part, words in _MESSAGES.items():
        before, after = was.get(part, {}), now.get(part, {})
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                pair = {"was": _preview(before, name), "now": _preview(after, name)}
                found.append(words.format(name=name, **pair))
    return found


def _preview(values: Mapping[str, Any], name: str) -> str:
    if name not in values:
        return "absent"
    value = values[name]
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def describe_value(value: Any) -> Any:
    """Convert a value to JSON types, such that equal values give equal results.

    Numbers, strings and containers are kept. A class is replaced by its name; a function or
    network class by its name and a digest of its code; any other object by its class name
    and a digest of its content.

    Examples
    --------
    >>> plain_value({"depth": np.int64(3), "classes": (0, "a", None)})
    {'depth': 3, 'classes': [0, 'a', None]}
    >>> from sklearn.linear_model import Ridge
    >>> plain_value(Ridge)
    'sklearn.linear_model._ridge.Ridge'
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        return "nan" if math.isnan(number) else number  # NaN is not equal to itself
    if isinstance(value, (list, tuple)):
        return [describe_value(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): describe_value(item) for key, item in value.items()}
    if isinstance(value, type):
        # The class of a torch module is user code: a change must be detected.
        return (
            f"{_name(value)} #{_methods(value)}" if hasattr(value, "forward") else _name(value)
        )
    code = getattr(value, "__code__", None)
    if isinstance(code, CodeType):
        return f"{_name(value)} #{_short_digest(_code(code))}"
    if hasattr(value, "get_params"):
        return {"class": _name(type(value)), **describe_value(value.get_params(deep=False))}
    content = _content(_network_content(value))
    return f"{_name(type(value))} #{content}".rstrip("# ")


def _name(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"


def _short_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _methods(cls: type) -> str:
    """Return a digest of the code of the methods of a class."""
    codes = {name: getattr(value, "__code__", None) for name, value in vars(cls).items()}
    parts = [name.encode() + _code(c) for name, c in sorted(codes.items()) if c is not None]
    return _short_digest(b"|".join(parts))


def _code(code: CodeType) -> bytes:
    """Return the bytecode, names and constants of a function, without its location."""
    parts: Sequence[Any] = [code.co_code, repr(code.co_names).encode()]
    return b"|".join([*parts, *map(_constant, code.co_consts)])


def _constant(value: Any) -> bytes:
    if isinstance(value, CodeType):
        return _code(value)
    # The iteration order of a set of strings differs between processes.
    return repr(sorted(map(repr, value)) if isinstance(value, frozenset) else value).encode()


def _network_content(value: Any) -> Any:
    """Decompose a torch or Keras object, because its pickle is not deterministic."""
    if hasattr(value, "state_dict"):
        return _weights(value)
    if hasattr(value, "get_config"):  # Keras
        return _configuration(value)
    return value


def _configuration(value: Any) -> list[Any]:
    """Return a Keras model, optimizer, loss or metric as plain values."""
    compiled = value.get_compile_config() if getattr(value, "compiled", False) else None
    # The configuration of a Keras loss omits some of its arguments; add them.
    arguments = [getattr(v, "_fn_kwargs", None) for v in (value, getattr(value, "loss", None))]
    parts = json.dumps([value.get_config(), compiled, arguments], default=str, sort_keys=True)
    return [parts, value.get_weights() if hasattr(value, "get_weights") else None]


def _weights(module: Any) -> list[Any]:
    """Return the layers and weights of a torch module."""
    weights: list[Any] = []
    for name, tensor in module.state_dict().items():
        try:
            weights.append((name, np.asarray(tensor.detach().cpu())))
        except (AttributeError, TypeError, ValueError):  # uninitialized lazy layer
            weights.append((name, type(tensor).__name__))
    return [repr(module), weights]


def _content(value: Any) -> str:
    """Return a digest of an object, or an empty string if it cannot be pickled."""
    try:
        return str(joblib.hash(value))[:12]
    except Exception:  # pickling can raise anything; the class name is then used alone
        return ""
