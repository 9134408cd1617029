"""Named parameters of a class or a function."""

from __future__ import annotations

import inspect
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


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter] | None:
    """Return the parameters, or None if the signature is not available."""
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return None
