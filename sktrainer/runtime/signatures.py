"""Named parameters of a class or a function."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import Any

__all__ = [
    "accepts_any_keyword",
    "accepts_parameter",
    "default_values",
    "named_parameters",
    "required_names",
]


def accepts_parameter(function: Any, parameter: str) -> bool:
    """Return whether a function has a parameter with this name."""
    try:
        return parameter in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def named_parameters(make: Any) -> dict[str, inspect.Parameter]:
    """Return the parameters that can be passed by name.

    Parameters
    ----------
    make : class or callable
        If its signature is not available, the result is empty.

    Examples
    --------
    >>> sorted(named_parameters(lambda width, *, depth=2, **rest: None))
    ['depth', 'width']
    """
    try:
        parameters = inspect.signature(make).parameters
    except (TypeError, ValueError):
        return {}
    return {name: each for name, each in parameters.items() if each.kind in _NAMED}


def default_values(make: Any, *, but: Collection[str] = ()) -> dict[str, Any]:
    """Return the default values of the named parameters, sorted by name.

    Parameters
    ----------
    make : class or callable
    but : collection of str, default=()
        Names to exclude.

    Examples
    --------
    >>> default_values(lambda width, depth=2, n_outputs=1: None, but={"n_outputs"})
    {'depth': 2}
    """
    parameters = named_parameters(make)
    names = sorted(set(parameters) - required_names(make) - set(but))
    return {name: parameters[name].default for name in names}


def required_names(make: Any) -> set[str]:
    """Return the names of the parameters without a default."""
    empty = inspect.Parameter.empty
    return {name for name, each in named_parameters(make).items() if each.default is empty}


def accepts_any_keyword(make: Any) -> bool:
    """Return whether it accepts ``**kwargs`` or has no available signature.

    Examples
    --------
    >>> (
    ...     accepts_any_keyword(lambda width, **options: None),
    ...     accepts_any_keyword(lambda width: None),
    ... )
    (True, False)
    """
    try:
        parameters = inspect.signature(make).parameters
    except (TypeError, ValueError):
        return True
    return any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
