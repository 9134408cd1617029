"""What each library's models look like in a file: one module a library, one table.

A library is looked up by the name of its backend. What stands in no line of the table is
written as scikit-learn's models are: by its state alone.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Halves", "NativeFormat", "native_format"]

MODULES = {
    "xgboost": "sktrainer.storage.natives.xgboost",
    "lightgbm": "sktrainer.storage.natives.lightgbm",
    "catboost": "sktrainer.storage.natives.catboost",
    "skorch": "sktrainer.storage.natives.torch",
}


@dataclass(frozen=True)
class Halves:
    """A fitted model in two halves.

    Attributes
    ----------
    state : object
        What the wrapper around the library's model holds: parameters and what scikit-learn
        asks of a fitted estimator.
    files : mapping of str to bytes
        The library's model in its own format, by the member's name.
    """

    state: Any
    files: Mapping[str, bytes] = field(default_factory=dict)


class NativeFormat(Protocol):
    """The way of one library's models to a file and back; loading runs nothing of it."""

    package: str
    extra: str
    suffixes: tuple[str, ...]

    def split(self, model: Any) -> Halves:
        """Take a fitted model apart; it is left as it is."""

    def join(self, halves: Halves) -> Any:
        """Put it together again, with the same bits in every answer."""

    def write(self, model: Any, path: Path) -> None:
        """Write the model alone, as the library itself reads it."""


def native_format(family: str) -> NativeFormat | None:
    """Return the format of a family's models, None where they have none of their own."""
    if family not in MODULES:
        return None
    found: NativeFormat = importlib.import_module(MODULES[family]).FORMAT
    return found
