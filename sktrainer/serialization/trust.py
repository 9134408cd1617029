"""Libraries that a `.skt` file requires, and import paths that have to be trusted."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sktrainer._optional import require
from sktrainer.backends.support import STOWED, ModelSerializer, native_format, stowage
from sktrainer.exceptions import FileFormatError, UntrustedFileError
from sktrainer.serialization.type_ids import import_path
from sktrainer.serialization.values import AuditedState

__all__ = ["require_libraries", "require_library", "require_trust", "untrusted_names"]


EXTRAS = {
    "catboost": "catboost",
    "keras": "keras",
    "lightgbm": "lightgbm",
    "scikeras": "keras",
    "skorch": "torch",
    "torch": "torch",
    "xgboost": "xgboost",
}


def require_library(native: ModelSerializer | None) -> None:
    """Import the library of a model, or raise ImportError with the extra to install."""
    if native is not None:
        require(native.package, native.extra)


def require_libraries(parcels: Iterable[AuditedState]) -> None:
    """Import the libraries of nested estimators."""
    roots = {name.partition(".")[0] for parcel in parcels for name in parcel.names}
    for root in sorted(roots & set(EXTRAS)):
        require(root, EXTRAS[root])


def untrusted_names(parcels: Iterable[AuditedState], members: Mapping[str, bytes]) -> list[str]:
    """Return the sorted import paths that a user has to trust to load a file."""
    names = {name for parcel in parcels for name in parcel.needs}
    for ending, family in STOWED.items():
        if any(name.endswith(ending) for name in members):
            require_library(native_format(family))
            stow = stowage(family)
            names |= set() if stow is None else stow.named(members)
    return sorted(names)


def require_trust(path: Path, needed: Sequence[str], trusted: bool | Sequence[str]) -> None:
    """Check that all needed names are trusted, then import them.

    Raises
    ------
    UntrustedFileError
        If a name is not trusted. The message contains the `load` call that trusts it.
    FileFormatError
        If a trusted name cannot be imported.
    """
    given = () if trusted is False else trusted
    missing = [] if given is True else [name for name in needed if name not in given]
    if missing:
        listed = ", ".join(f'"{name}"' for name in needed)
        raise UntrustedFileError(
            f"{str(path)!r} refers to names that sktrainer does not know to be harmless: "
            f"{', '.join(missing)}. Loading the file imports them, and using the model may "
            "call them (names that end in () are called on loading). If you know them and "
            f'trust the source of the file, call load("{path.name}", trusted=[{listed}])',
            missing,
        )
    for name in needed:
        _check_import(name)


def _check_import(name: str) -> None:
    module, _, attribute = import_path(name.removesuffix("()")).rpartition(".")
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        owner = module.rpartition(".")[0]
        if owner and importlib.util.find_spec(owner.partition(".")[0]) is not None:
            return  # probably a method, which skops looks up on its object
        raise FileFormatError(
            f"it needs {name}, which cannot be imported ({error}); install the package, or "
            "add the folder of the module to sys.path"
        ) from None
    if not hasattr(found, attribute):
        raise FileFormatError(f"it needs {name}, but {module} has no such attribute")
