"""Optional parts of a backend."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

__all__ = [
    "STOWED",
    "ColumnParameter",
    "ModelParts",
    "ModelSerializer",
    "NetworkSerializer",
    "native_format",
    "stowage",
]


@dataclass(frozen=True)
class ColumnParameter:
    """Model parameter that refers to columns, by name or position.

    Backends list these parameters in `column_parameters`. The trainer translates their
    values from the user's columns to the encoded columns.

    Attributes
    ----------
    kind : {"each", "weights", "groups", "listed", "categories", "types", "texts"}
        Meaning of the value: one sign per column ("each"), one weight per column, groups of
        columns, a list of columns, categorical columns (detected by the encoder), column
        types (taken from the table), or columns that must stay unencoded ("texts").
    form : callable, default=list
        Converts a list to the type that the library expects.
    """

    kind: Literal["each", "weights", "groups", "listed", "categories", "types", "texts"]
    form: Callable[[list[Any]], Any] = list


MODULES = {
    "xgboost": "sktrainer.backends.xgboost.serialize",
    "lightgbm": "sktrainer.backends.lightgbm.serialize",
    "catboost": "sktrainer.backends.catboost.serialize",
    "skorch": "sktrainer.backends.torch.serialize",
    "keras": "sktrainer.backends.keras.serialize",
}


STOWED = {".modules.json": "skorch", ".keras.json": "keras"}


@dataclass(frozen=True)
class ModelParts:
    """Fitted model split into the wrapper's state and the native model files.

    Attributes
    ----------
    state : object
        State of the scikit-learn wrapper: parameters and fitted attributes.
    files : mapping of str to bytes
        Content of the files in the library's native format, by file name.
    """

    state: Any
    files: Mapping[str, bytes] = field(default_factory=dict)


class ModelSerializer(Protocol):
    """Serialization of one library's models; loading executes no code from the file."""

    package: str
    extra: str
    suffixes: tuple[str, ...]

    def split(self, model: Any) -> ModelParts:
        """Split a fitted model without modifying it."""

    def join(self, halves: ModelParts) -> Any:
        """Rebuild the model from its halves, with bit-identical predictions."""

    def write(self, model: Any, path: Path) -> None:
        """Write the native model to a file that the library itself can read."""


def native_format(family: str) -> ModelSerializer | None:
    """Return the native format of a backend, or None if it has none."""
    if family not in MODULES:
        return None
    found: ModelSerializer = importlib.import_module(MODULES[family]).FORMAT
    return found


class NetworkSerializer(Protocol):
    """Serialization of networks, on their own or as parameters of estimators.

    Attributes
    ----------
    prefix : str
        Prefix of the file names for networks in the trainer's parameters.
    """

    prefix: str

    def stowed(self, value: Any, prefix: str) -> tuple[Any, dict[str, bytes]]:
        """Return the value with placeholders for its networks, and the networks as files."""

    def unstowed(self, value: Any, files: Mapping[str, bytes], prefix: str) -> Any:
        """Rebuild the value passed to `stowed`; the names in the files must be trusted."""

    def named(self, files: Mapping[str, bytes]) -> set[str]:
        """Return the import paths in the files that are not known to be safe."""


def stowage(family: str) -> NetworkSerializer | None:
    """Return the serialization of a backend's networks, or None if it has no networks."""
    if family not in STOWED.values():
        return None
    found: NetworkSerializer = importlib.import_module(MODULES[family]).STOWAGE
    return found
