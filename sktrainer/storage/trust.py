"""What a bundle needs: libraries that are installed, and names that its reader trusts."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sktrainer._optional import require
from sktrainer.exceptions import FileFormatError, UntrustedFileError
from sktrainer.storage.natives import STOWED, NativeFormat, native_format, stowage
from sktrainer.storage.values import Parcel

__all__ = ["ask_for_trust", "needed_names", "require_libraries", "require_library"]

EXTRAS = {
    "catboost": "catboost",
    "keras": "keras",
    "lightgbm": "lightgbm",
    "scikeras": "keras",
    "skorch": "torch",
    "torch": "torch",
    "xgboost": "xgboost",
}


def require_library(native: NativeFormat | None) -> None:
    """Import the library of a model; raise ImportError that names its extra."""
    if native is not None:
        require(native.package, native.extra)


def require_libraries(parcels: Iterable[Parcel]) -> None:
    """Import the libraries of models inside other models."""
    roots = {name.partition(".")[0] for parcel in parcels for name in parcel.names}
    for root in sorted(roots & set(EXTRAS)):
        require(root, EXTRAS[root])


def needed_names(parcels: Iterable[Parcel], members: Mapping[str, bytes]) -> list[str]:
    """Return the names that a bundle has to be trusted with."""
    names = {name for parcel in parcels for name in parcel.needs}
    for ending, family in STOWED.items():
        if any(name.endswith(ending) for name in members):
            require_library(native_format(family))
            stow = stowage(family)
            names |= set() if stow is None else stow.named(members)
    return sorted(names)


def ask_for_trust(path: Path, needed: Sequence[str], trusted: bool | Sequence[str]) -> None:
    """Compare what is needed with what is trusted, and import what is needed.

    Raises
    ------
    UntrustedFileError
        Something is not trusted; the message has the call that trusts it.
    FileFormatError
        Something that is trusted cannot be imported.
    """
    given = () if trusted is False else trusted
    missing = [] if given is True else [name for name in needed if name not in given]
    if missing:
        listed = ", ".join(f'"{name}"' for name in needed)
        raise UntrustedFileError(
            f"{str(path)!r} names what sktrainer does not know to be harmless: "
            f"{', '.join(missing)}. Loading it imports these, and using the model may call "
            "them (those that end in () are called while loading). If you know them and "
            f'trust where the file comes from: load("{path.name}", trusted=[{listed}])',
            missing,
        )
    for name in needed:
        _check_import(name)


def _check_import(name: str) -> None:
    module, _, attribute = name.removesuffix("()").rpartition(".")
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        owner = module.rpartition(".")[0]
        if owner and importlib.util.find_spec(owner.partition(".")[0]) is not None:
            return  # a method: skops finds it by its object
        raise FileFormatError(
            f"it needs {name}, which cannot be imported here ({error}); install the package "
            "that has it, or put its folder on the path"
        ) from None
    if not hasattr(found, attribute):
        raise FileFormatError(f"it needs {name}, which {module} does not have (any more)")
