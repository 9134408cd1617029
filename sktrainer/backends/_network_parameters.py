"""Parameters that no network can be trained with, each told in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Collection
from numbers import Integral, Real
from typing import Any

import numpy as np

from sktrainer.exceptions import meant

__all__ = [
    "choice_problems",
    "counted",
    "identifier_problems",
    "missing_problems",
    "number_problems",
    "rate_problems",
    "unknown_problems",
]


def number_problems(name: str, value: Any, *, besides: Collection[Any] = ()) -> list[str]:
    """Say that a number of epochs or of rows is none.

    Examples
    --------
    >>> number_problems("batch_size", 0, besides=("auto", -1))
    ["batch_size must be a whole number from 1 on, 'auto' or -1, got 0"]
    """
    is_number = isinstance(value, Integral) and not isinstance(value, (bool, np.bool_))
    if (is_number and int(value) >= 1) or _is_among(value, besides):
        return []
    return [f"{name} must be {_listed(['a whole number from 1 on'], besides)}, got {value!r}"]


def counted(value: Any) -> int | None:
    """Return a number of epochs, or None for what is none, which `number_problems` tells.

    Examples
    --------
    >>> counted(30), counted("thirty")
    (30, None)
    """
    try:
        return int(value)
    except (ValueError, TypeError):
        return None


def rate_problems(name: str, value: Any, *, besides: Collection[Any] = ()) -> list[str]:
    """Say that a learning rate is none.

    Examples
    --------
    >>> rate_problems("lr", "fast")
    ["lr must be a number above 0, got 'fast'"]
    """
    is_number = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
    if (is_number and 0 < float(value) < float("inf")) or _is_among(value, besides):
        return []
    return [f"{name} must be {_listed(['a number above 0'], besides)}, got {value!r}"]


def choice_problems(
    name: str, value: Any, choices: Collection[Any], *, hint: str = ""
) -> list[str]:
    """Say that a value is none of a few.

    Examples
    --------
    >>> choice_problems("scale_target", "yes", (True, False, "auto"))
    ["scale_target must be True, False or 'auto', got 'yes'"]
    """
    if _is_among(value, choices):
        return []
    return [f"{name} must be {_listed([], choices)}, got {value!r}" + (hint and f"; {hint}")]


def identifier_problems(
    name: str, value: Any, get: Callable[[str], Any], known: Collection[str]
) -> list[str]:
    """Say that a library knows nothing by this name.

    Parameters
    ----------
    name : str
        Of the parameter.
    value : object
        What is no text is left to the library.
    get : callable
        The library's own search, which raises ValueError.
    known : collection of str
        Names to choose the one from that was probably meant.

    Examples
    --------
    >>> optimizers = {"adam": 1, "sgd": 2}
    >>> def get(name):
    ...     if name not in optimizers:
    ...         raise ValueError(name)
    >>> print(*identifier_problems("optimizer", "adm", get, optimizers))
    optimizer='adm' names none that the library has; did you mean 'adam'?
    """
    if not isinstance(value, str):
        return []
    try:
        get(value)
    except ValueError:
        do = meant(value.lower(), known) or f"; it has {', '.join(sorted(known))}"
        return [f"{name}={value!r} names none that the library has{do}"]
    return []


def missing_problems(made: Any, missing: Collection[str], filled_in: str) -> list[str]:
    """Say that a class or a function lacks arguments.

    Examples
    --------
    >>> print(*missing_problems(dict, {"width"}, "n_outputs"))
    dict needs width; set estimator__width, or give it a default (filled in are n_outputs)
    """
    if not missing:
        return []
    name = getattr(made, "__name__", repr(made))
    names = ", ".join(sorted(missing))
    do = f"set estimator__{min(missing)}, or give it a default (filled in are {filled_in})"
    return [f"{name} needs {names}; {do}"]


def unknown_problems(made: Any, unknown: Collection[str], known: Collection[str]) -> list[str]:
    """Say that a class or a function does not take these names, and what was probably meant.

    Examples
    --------
    >>> print(*unknown_problems(dict, ["widht"], ["depth", "width"]))
    dict takes no 'widht'; did you mean 'width'?
    """
    problems = []
    for name in sorted(unknown):
        do = meant(name, known) or f"; it takes {', '.join(sorted(known))}"
        problems.append(f"{getattr(made, '__name__', repr(made))} takes no {name!r}{do}")
    return problems


def _is_among(value: Any, choices: Collection[Any]) -> bool:
    """Tell 1 from True, and take NumPy's truths for Python's."""
    plain = bool(value) if isinstance(value, np.bool_) else value
    return any(type(plain) is type(choice) and plain == choice for choice in choices)


def _listed(texts: list[str], choices: Collection[Any]) -> str:
    *first, last = [*texts, *map(repr, choices)]
    return f"{', '.join(first)} or {last}" if first else last
