"""What losses and metrics of Keras pass to their functions.

Keras's own configurations leave some of it out: the `delta` of its Huber loss, the `axis` of
its cosine similarity. Copies and pickles would go on with the defaults.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["arguments_of", "give_arguments", "is_part"]


def is_part(value: Any) -> bool:
    """Tell whether this is a loss or a metric made of a function and its arguments."""
    return not isinstance(value, type) and hasattr(value, "_fn_kwargs")


def arguments_of(value: Any) -> list[dict[str, Any]]:
    """Return the arguments of a part, or of those that a model is compiled with, in order."""
    return [dict(part._fn_kwargs) for part in _parts(value)]


def give_arguments(value: Any, arguments: Sequence[dict[str, Any]]) -> None:
    """Give a copy what `arguments_of` took of the original."""
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
