"""Parameters and import paths of classes and functions."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any


def accepts_parameter(function: Callable[..., Any], parameter: str) -> bool:
    """Return whether a function has a parameter with this name."""
    return parameter in (_parameters(function) or {})


def named_parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters of a class or function that can be passed by name.

    Examples
    --------
    >>> sorted(named_parameters(lambda width, *, depth=2, **rest: None))
    ['depth', 'width']
    """
    parameters = _parameters(function) or {}
    return {
        name: parameter
        for name, parameter in parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }


def default_values(
    function: Callable[..., Any], *, but: Collection[str] = ()
) -> dict[str, Any]:
    """Return the default values of the named parameters, sorted by name.

    Examples
    --------
    >>> default_values(lambda width, depth=2, n_outputs=1: None, but={"n_outputs"})
    {'depth': 2}
    """
    parameters = named_parameters(function)
    names = sorted(set(parameters) - required_names(function) - set(but))
    return {name: parameters[name].default for name in names}


def required_names(function: Callable[..., Any]) -> set[str]:
    """Return the names of the parameters without a default."""
    parameters = named_parameters(function).items()
    return {name for name, parameter in parameters if parameter.default is parameter.empty}


def accepts_any_keyword(function: Callable[..., Any]) -> bool:
    """Return whether it accepts ``**kwargs`` or has no available signature.

    Examples
    --------
    >>> accepts_any_keyword(lambda width, **options: None)
    True
    >>> accepts_any_keyword(lambda width: None)
    False
    """
    parameters = _parameters(function)
    return parameters is None or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def import_path(value: Any) -> str:
    """Return the module of a class or function, and its name in the module."""
    return f"{value.__module__}.{value.__qualname__}"


def public_module(value: Any, module: str | None = None) -> str:
    """Return the shortest module that exports a class or function, as documentation does.

    `module` is the one that defines it, for objects that do not say it.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> public_module(Ridge)
    'sklearn.linear_model'
    """
    parts = (module or value.__module__).split(".")
    modules = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
    for name in modules[:-1]:
        if getattr(sys.modules.get(name), value.__name__, None) is value:
            return name
    return modules[-1]


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter] | None:
    """Return the parameters, or None if the signature is not available."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return None
