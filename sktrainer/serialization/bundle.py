"""Saving and loading of trainers. The suffix of the file determines the format."""

from __future__ import annotations

import mmap
import os
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from sktrainer.exceptions import FileFormatError, FileWriteError, InputError, UntrustedFileError
from sktrainer.files.atomic_write import atomic_write
from sktrainer.files.paths import as_path
from sktrainer.serialization.type_ids import TRAINER, load_type

SUFFIXES = (".skt", ".joblib", ".pkl")
T = TypeVar("T")


def write_bundle(
    trainer: Any, path: str | os.PathLike[str], *, format: str | None = None
) -> Path:
    """Write a fitted trainer to a file, atomically.

    The suffix of the path determines the format of the file. `format="native"` writes only the
    model, in the format of its library.

    Raises
    ------
    InputError
        If the suffix or format is unknown, or the trainer cannot be written in this format.
    """
    target = as_path(path)
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
    with atomic_write(target) as part:
        _write_pickle(trainer, part, target.suffix)
    return target


def write_or_pickle(trainer: Any, path: Path, pickle_path: Path) -> tuple[Path, str | None]:
    """Write a ``.skt`` file or, if it cannot store the trainer, a ``.joblib`` file.

    Return the file that was written and, if it is `pickle_path`, the reason.

    Raises
    ------
    InputError
        If the trainer can be written in neither format.
    FileWriteError
        If the file cannot be written.
    """
    try:
        return write_bundle(trainer, path), None
    except FileWriteError:
        raise
    except Exception as error:  # user-defined classes may raise anything when they are saved
        reason = error  # `error` is deleted at the end of the except block
    try:
        write_bundle(trainer, pickle_path)
    except FileWriteError:
        raise
    except Exception as error:
        raise InputError(f"{reason}; it cannot be pickled either ({error})") from error
    note = f"saved as {pickle_path.name}, which needs trusted=True to load: {reason}"
    return pickle_path, note


def read_bundle(
    path: str | os.PathLike[str],
    *,
    trusted: bool | Sequence[str] = False,
    expected: type[T] | None = None,
) -> T:
    """Read a trainer from a file written by `write_bundle`.

    Parameters
    ----------
    path : path-like
    trusted : bool or sequence of str, default=False
        For a ``.skt`` file: import paths that it may refer to, in addition to those known
        to be harmless; True for all. A pickle needs True, because loading it executes any
        code that it contains.
    expected : type or None, default=None
        Class of the trainer; None for ManagedTrainer.

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
    source = as_path(path)
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

        return read_skt(source, names, expected)
    if trusted is not True:
        raise UntrustedFileError(
            f"{str(source)!r} is a pickle ({source.suffix}), and loading a pickle executes any "
            "code that it contains. If you trust the source of the file, load it with "
            "trusted=True; .skt files can be loaded without it"
        )
    trainer = _read_pickle(source)
    kind: type[Any] = expected or load_type(TRAINER)
    if not isinstance(trainer, kind):
        raise InputError(
            f"{str(path)!r} contains a {type(trainer).__name__}, expected a {kind.__name__}"
        )
    return trainer


def _are_names(names: object) -> bool:
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


def _write_pickle(value: object, path: Path, suffix: str) -> None:
    """Write a pickle, including the classes and functions of a script or a notebook."""
    import cloudpickle
    import joblib

    try:
        with path.open("wb") as file:
            if suffix == ".joblib":
                joblib.dump(value, file)
            else:
                pickle.dump(value, file, protocol=pickle.HIGHEST_PROTOCOL)
        is_found_elsewhere = not _refers_to_main(path)
    except (pickle.PicklingError, AttributeError):  # a lambda, or a class inside a function
        is_found_elsewhere = False
    # cloudpickle is slower, but writes such objects by value.
    if not is_found_elsewhere:
        with path.open("wb") as file:
            cloudpickle.dump(value, file)


def _refers_to_main(path: Path) -> bool:
    """Return whether a pickle refers to the module `__main__` of the writing process."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(b"__main__") >= 0


def _read_pickle(path: Path) -> Any:
    """Read a value from a pickle, which executes any code that the file contains."""
    import joblib

    try:
        if path.suffix == ".joblib":
            return joblib.load(path)
        with path.open("rb") as file:
            return pickle.load(file)  # noqa: S301 - the user passed trusted=True
    except (AttributeError, ImportError) as error:
        raise FileFormatError(
            f"{str(path)!r} cannot be loaded: {error}; install the packages that it uses, and "
            "make your own classes and functions importable from a module"
        ) from error
    except Exception as error:  # a damaged pickle can raise almost any exception
        raise FileFormatError(
            f"{str(path)!r} cannot be loaded: it is not a complete {path.suffix} file "
            f"({type(error).__name__}: {error})"
        ) from error
