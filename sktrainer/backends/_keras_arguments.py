"""Function arguments of Keras losses and metrics.

Keras's own configurations omit some of them, such as the `delta` of its Huber loss and the
`axis` of its cosine similarity. Copies and pickles would silently use the defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["is_function_wrapper", "set_wrapped_arguments", "wrapped_arguments"]


def is_function_wrapper(value: Any) -> bool:
    """Return whether this is a loss or metric that wraps a function and its arguments."""
    return not isinstance(value, type) and hasattr(value, "_fn_kwargs")


def wrapped_arguments(value: Any) -> list[dict[str, Any]]:
    """Return the arguments of a loss or metric, or of all those in a compiled model."""
    return [dict(part._fn_kwargs) for part in _wrapped_functions(value)]


def set_wrapped_arguments(value: Any, arguments: Sequence[dict[str, Any]]) -> None:
    """Set the arguments that `wrapped_arguments` returned for the original on its copy."""
    for part, given in zip(_wrapped_functions(value), arguments, strict=True):
        part._fn_kwargs = dict(given)


def _wrapped_functions(value: Any) -> Iterator[Any]:
    if is_function_wrapper(value):
        yield value
    elif isinstance(value, dict):
        yield from _wrapped_functions(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _wrapped_functions(item)
    elif hasattr(value, "train_on_batch"):
        yield from _wrapped_functions(
            getattr(getattr(value, "_compile_config", None), "config", None)
        )
