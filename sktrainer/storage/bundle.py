"""A trainer as a file, whole or not at all; the suffix says the format."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from sktrainer.exceptions import InputError, UntrustedFileError
from sktrainer.running.files import written_whole

__all__ = ["SUFFIXES", "read", "write"]

SUFFIXES = (".skt", ".joblib", ".pkl")

T = TypeVar("T")


def write(trainer: Any, path: str | os.PathLike[str], *, format: str | None = None) -> Path:
    """Write a fitted trainer to a file, atomically.

    Parameters
    ----------
    trainer : ManagedTrainer
    path : path-like
        Its suffix says the format.
    format : {"native"} or None, default=None
        "native": the model alone, as its own library writes it.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        Another suffix or format, or something that the format cannot hold.
    """
    target = Path(path)
    if format not in (None, "native"):
        raise InputError(
            f"format must be None (by the file's suffix) or 'native', got {format!r}"
        )
    if format == "native":
        from sktrainer.storage.skt_writing import write_native

        write_native(trainer.model_, target)
        return target
    _check_suffix(target)
    if target.suffix == ".skt":
        from sktrainer.storage.skt_writing import write_skt

        write_skt(trainer, target)
        return target
    from sktrainer.storage.pickles import write_pickle

    with written_whole(target) as part:
        write_pickle(trainer, part, target.suffix)
    return target


def read(
    path: str | os.PathLike[str], kind: type[T], *, trusted: bool | Sequence[str] = False
) -> T:
    """Read what `write` wrote.

    Parameters
    ----------
    path : path-like
    kind : type
        The class of the trainer.
    trusted : bool or sequence of str, default=False
        Of a ``.skt`` file: import paths that it may name besides those known to be
        harmless, True for all. Of a pickle: True, since reading it runs whatever it holds.

    Raises
    ------
    UntrustedFileError
        Where more trust is needed.
    FileFormatError
        A file is damaged, changed, of a later version, or names what is not there.
    InputError
        Another suffix, no such file, or another thing in it.
    """
    source = Path(path)
    _check_suffix(source)
    names = [trusted] if isinstance(trusted, str) else trusted
    if not isinstance(names, bool) and not _are_names(names):
        raise InputError(
            f"trusted must be True, False or a list of import paths as text, got {trusted!r}; "
            'write for example trusted=["mypackage.MyTransformer"]'
        )
    if not source.is_file():
        raise InputError(f"there is no file {str(source)!r}; check the path")
    if source.suffix == ".skt":
        from sktrainer.storage.skt_reading import read_skt

        return read_skt(source, names, kind)
    if trusted is not True:
        raise UntrustedFileError(
            f"{str(source)!r} is a {source.suffix} file: a pickle, and reading a pickle runs "
            "any code that was put in it. If it is your own, or you trust where it comes "
            "from, read it with trusted=True; .skt files need no such trust"
        )
    from sktrainer.storage.pickles import read_pickle

    trainer = read_pickle(source)
    if not isinstance(trainer, kind):
        raise InputError(
            f"{str(path)!r} holds a {type(trainer).__name__}, expected a {kind.__name__}"
        )
    return trainer


def _are_names(names: Any) -> bool:
    return isinstance(names, (list, tuple, set, frozenset)) and all(
        isinstance(name, str) for name in names
    )


def _check_suffix(path: Path) -> None:
    if path.suffix not in SUFFIXES:
        *first, last = SUFFIXES
        raise InputError(
            f"the file must end in {', '.join(first)} or {last}, got {path.name!r}; rename it "
            "so that its suffix says its format"
        )
