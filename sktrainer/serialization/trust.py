"""Libraries that a `.skt` file requires, and import paths that have to be trusted."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sktrainer.backends.base import Backend
from sktrainer.backends.registry import backend_for_package
from sktrainer.exceptions import FileFormatError, UntrustedFileError
from sktrainer.serialization.allowlist import is_class_in
from sktrainer.serialization.type_ids import import_path
from sktrainer.serialization.values import AuditedState


def require_libraries(states: Iterable[AuditedState]) -> None:
    """Import the libraries of nested estimators, or raise ImportError with their extra."""
    for root in sorted({name.partition(".")[0] for state in states for name in state.names}):
        backend_for_package(root)


def untrusted_names(
    states: Iterable[AuditedState], members: Mapping[str, bytes], backend: Backend
) -> list[str]:
    """Return the sorted names that a user has to trust to load a file."""
    names = {name for state in states for name in state.needs}
    if backend.networks is not None:
        prefixes = backend.allowed_types.class_prefixes
        in_networks = backend.networks.serializer.names_in(members)
        names |= {name for name in in_networks if not is_class_in(name, prefixes)}
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
