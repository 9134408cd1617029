"""Function arguments of Keras losses and metrics.

Keras's own configurations omit some of them, such as the `delta` of its Huber loss and the
`axis` of its cosine similarity. Copies and pickles would silently use the defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["arguments_of", "give_arguments", "is_part"]


def is_part(value: Any) -> bool:
    """Return whether this is a loss or metric that wraps a function and its arguments."""
    return not isinstance(value, type) and hasattr(value, "_fn_kwargs")


def arguments_of(value: Any) -> list[dict[str, Any]]:
    """Return the arguments of a loss or metric, or of all those in a compiled model."""
    return [dict(part._fn_kwargs) for part in _parts(value)]


def give_arguments(value: Any, arguments: Sequence[dict[str, Any]]) -> None:
    """Set the arguments that `arguments_of` returned for the original on its copy."""
    for part, given in zip(_parts(value), arguments, strict=True):
        part._fn_kwargs = dict(given)


def _parts(value: Any) -> Iterator[Any]:
    if is_part(value):
        yield value
    elif isinstance(value, dict):
        yield from _parts(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _parts(item)
    elif hasattr(value, "train_on_batch"):
        yield from _parts(getattr(getattr(value, "_compile_config", None), "config", None))
