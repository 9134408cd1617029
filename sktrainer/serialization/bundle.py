"""Saving and loading of trainers. The suffix of the file determines the format."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from sktrainer.exceptions import InputError, UntrustedFileError
from sktrainer.files.atomic_write import atomic_write

__all__ = ["SUFFIXES", "read_bundle", "write_bundle"]


SUFFIXES = (".skt", ".joblib", ".pkl")


T = TypeVar("T")


def write_bundle(
    trainer: Any, path: str | os.PathLike[str], *, format: str | None = None
) -> Path:
    """Write a fitted trainer to a file, atomically.

    Parameters
    ----------
    trainer : ManagedTrainer
    path : path-like
        The suffix determines the format.
    format : {"native"} or None, default=None
        "native" writes only the model, in the format of its library.

    Raises
    ------
    InputError
        If the suffix or format is unknown, or the trainer cannot be written in this format.
    """
    target = Path(path)
    if format not in (None, "native"):
        raise InputError(
            f"format must be None (determined by the suffix) or 'native', got {format!r}"
        )
    if format == "native":
        from sktrainer.serialization.writer import write_native

        write_native(trainer.model_, target)
        return target
    _check_suffix(target)
    if target.suffix == ".skt":
        from sktrainer.serialization.writer import write_skt

        write_skt(trainer, target)
        return target
    from sktrainer.serialization.pickles import write_pickle

    with atomic_write(target) as part:
        write_pickle(trainer, part, target.suffix)
    return target


def read_bundle(
    path: str | os.PathLike[str], kind: type[T], *, trusted: bool | Sequence[str] = False
) -> T:
    """Read a trainer from a file written by `write`.

    Parameters
    ----------
    path : path-like
    kind : type
        Class of the trainer.
    trusted : bool or sequence of str, default=False
        For a ``.skt`` file: import paths that it may refer to, in addition to those known
        to be harmless; True for all. A pickle needs True, because loading it executes any
        code that it contains.

    Raises
    ------
    UntrustedFileError
        If the file needs more trust.
    FileFormatError
        If the file is damaged, changed or of a later version, or if it refers to something
        that cannot be imported.
    InputError
        If the suffix is unknown, the file does not exist, or it contains another class.
    """
    source = Path(path)
    _check_suffix(source)
    names = [trusted] if isinstance(trusted, str) else trusted
    if not isinstance(names, bool) and not _are_names(names):
        raise InputError(
            f"trusted must be True, False or a list of import paths (str), got {trusted!r}; "
            'use for example trusted=["mypackage.MyTransformer"]'
        )
    if not source.is_file():
        raise InputError(f"the file {str(source)!r} does not exist; check the path")
    if source.suffix == ".skt":
        from sktrainer.serialization.reader import read_skt

        return read_skt(source, names, kind)
    if trusted is not True:
        raise UntrustedFileError(
            f"{str(source)!r} is a pickle ({source.suffix}), and loading a pickle executes any "
            "code that it contains. If you trust the source of the file, load it with "
            "trusted=True; .skt files can be loaded without it"
        )
    from sktrainer.serialization.pickles import read_pickle

    trainer = read_pickle(source)
    if not isinstance(trainer, kind):
        raise InputError(
            f"{str(path)!r} contains a {type(trainer).__name__}, expected a {kind.__name__}"
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
            f"the file must end in {', '.join(first)} or {last}, got {path.name!r}; the "
            "suffix determines the format"
        )
