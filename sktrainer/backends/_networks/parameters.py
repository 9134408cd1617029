"""Validation of network parameters: each function returns a list of error messages."""

from __future__ import annotations

from collections.abc import Callable, Collection
from numbers import Integral, Real
from typing import Any

import numpy as np

from sktrainer.exceptions import suggest_name


def number_problems(name: str, value: Any, *, besides: Collection[Any] = ()) -> list[str]:
    """Check that a number of epochs or rows is a positive integer.

    Examples
    --------
    >>> number_problems("batch_size", 0, besides=("auto", -1))
    ["batch_size must be an integer >= 1, 'auto' or -1, got 0"]
    """
    is_number = isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))
    if (is_number and int(value) >= 1) or _is_among(value, besides):
        return []
    return [f"{name} must be {_join_or(['an integer >= 1'], besides)}, got {value!r}"]


def epochs_or_none(value: Any) -> int | None:
    """Return a number of epochs, or None if it is invalid (see `number_problems`).

    Examples
    --------
    >>> epochs_or_none(30), epochs_or_none("thirty")
    (30, None)
    """
    try:
        return int(value)
    except (ValueError, TypeError):
        return None


def rate_problems(name: str, value: Any, *, besides: Collection[Any] = ()) -> list[str]:
    """Check that a learning rate is a positive number.

    Examples
    --------
    >>> rate_problems("lr", "fast")
    ["lr must be a positive number, got 'fast'"]
    """
    is_number = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
    if (is_number and 0 < float(value) < float("inf")) or _is_among(value, besides):
        return []
    return [f"{name} must be {_join_or(['a positive number'], besides)}, got {value!r}"]


def choice_problems(
    name: str, value: object, choices: Collection[Any], *, hint: str = ""
) -> list[str]:
    """Check that a value is one of a few choices.

    Examples
    --------
    >>> choice_problems("scale_target", "yes", (True, False, "auto"))
    ["scale_target must be True, False or 'auto', got 'yes'"]
    """
    if _is_among(value, choices):
        return []
    return [f"{name} must be {_join_or([], choices)}, got {value!r}" + (hint and f"; {hint}")]


def identifier_problems(
    name: str, value: object, get: Callable[[str], Any], known: Collection[str]
) -> list[str]:
    """Check that a library knows a loss or an optimizer by this name.

    Only strings are checked. `get` is the lookup function of the library, which raises
    ValueError for an unknown name, and `known` has valid names, to suggest the closest one.

    Examples
    --------
    >>> optimizers = {"adam": 1, "sgd": 2}
    >>> def get(name):
    ...     if name not in optimizers:
    ...         raise ValueError(name)
    >>> print(*identifier_problems("optimizer", "adm", get, optimizers))
    optimizer='adm' is not a known optimizer. Did you mean 'adam'?
    """
    if not isinstance(value, str):
        return []
    try:
        get(value)
    except ValueError:
        hint = (
            suggest_name(value.lower(), known) or f"; choose one of {', '.join(sorted(known))}"
        )
        return [f"{name}={value!r} is not a known {name}{hint}"]
    return []


def missing_problems(made: object, missing: Collection[str], filled_in: str) -> list[str]:
    """Check that a class or a function has all required arguments.

    Examples
    --------
    >>> print(*missing_problems(dict, {"width"}, "n_outputs"))
    dict requires width; set estimator__width, or add a default (sktrainer sets n_outputs)
    """
    if not missing:
        return []
    name = getattr(made, "__name__", repr(made))
    names = ", ".join(sorted(missing))
    hint = f"set estimator__{min(missing)}, or add a default (sktrainer sets {filled_in})"
    return [f"{name} requires {names}; {hint}"]


def unknown_problems(
    made: object, unknown: Collection[str], known: Collection[str]
) -> list[str]:
    """Report names that are not parameters of a class or a function, with a suggestion.

    Examples
    --------
    >>> print(*unknown_problems(dict, ["widht"], ["depth", "width"]))
    dict has no parameter 'widht'. Did you mean 'width'?
    """
    problems = []
    for name in sorted(unknown):
        hint = suggest_name(name, known) or f"; its parameters are {', '.join(sorted(known))}"
        owner = getattr(made, "__name__", repr(made))
        problems.append(f"{owner} has no parameter {name!r}{hint}")
    return problems


def _is_among(value: object, choices: Collection[Any]) -> bool:
    """Return whether a value is a choice; unlike with ``in``, 1 does not match True."""
    plain = bool(value) if isinstance(value, np.bool_) else value
    return any(type(plain) is type(choice) and plain == choice for choice in choices)


def _join_or(strings: list[str], choices: Collection[Any]) -> str:
    *first, last = [*strings, *map(repr, choices)]
    return f"{', '.join(first)} or {last}" if first else last
