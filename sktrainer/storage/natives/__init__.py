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

__all__ = ["STOWED", "Halves", "NativeFormat", "Stowage", "native_format", "stowage"]

MODULES = {
    "xgboost": "sktrainer.storage.natives.xgboost",
    "lightgbm": "sktrainer.storage.natives.lightgbm",
    "catboost": "sktrainer.storage.natives.catboost",
    "skorch": "sktrainer.storage.natives.torch",
    "keras": "sktrainer.storage.natives.keras",
}
STOWED = {".modules.json": "skorch", ".keras.json": "keras"}
"""Families whose parameters may be networks, by how the members end that describe these."""


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


class Stowage(Protocol):
    """The way of estimators whose parameters may be networks, and of bare networks.

    Attributes
    ----------
    prefix : str
        Of the names of the files, for what is in the trainer's parameters.
    """

    prefix: str

    def stowed(self, value: Any, prefix: str) -> tuple[Any, dict[str, bytes]]:
        """Return a value with stand-ins for its networks, and files for these."""

    def unstowed(self, value: Any, files: Mapping[str, bytes], prefix: str) -> Any:
        """Make again what `stowed` took; only once the names in it are trusted."""

    def named(self, files: Mapping[str, bytes]) -> set[str]:
        """Return the import paths in a bundle's files that are not known to be harmless."""


def stowage(family: str) -> Stowage | None:
    """Return how a family's networks are stowed, None where it has none."""
    if family not in STOWED.values():
        return None
    found: Stowage = importlib.import_module(MODULES[family]).STOWAGE
    return found
