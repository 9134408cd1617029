"""A trainer as a file, whole or not at all."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib

from sktrainer.exceptions import InputError, UntrustedFileError

__all__ = ["read", "write", "written_whole"]

SUFFIXES = (".joblib", ".pkl")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a path beside `path`; what was written there then takes the place of `path`.

    Whatever happens in between, `path` holds either what it held before or all of what is
    new. The folder is made where it is missing.

    Parameters
    ----------
    path : Path

    Yields
    ------
    Path
        An empty file in the same folder, gone when the context ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    part = Path(name)
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        # mkstemp makes files for their owner alone; the caller's umask is the rule here.
        os.chmod(part, 0o666 & ~_umask())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write(value: Any, path: str | os.PathLike[str]) -> Path:
    """Write a trainer to a ``.joblib`` or ``.pkl`` file, atomically.

    Parameters
    ----------
    value : object
    path : path-like
        Its suffix says the format.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        Another suffix.
    """
    target = Path(path)
    _check_suffix(target)
    with written_whole(target) as part:
        if target.suffix == ".joblib":
            with part.open("wb") as file:
                joblib.dump(value, file)
        else:
            with part.open("wb") as file:
                pickle.dump(value, file, protocol=pickle.HIGHEST_PROTOCOL)
    return target


def read(path: str | os.PathLike[str], *, trusted: bool = False) -> Any:
    """Read what `write` wrote.

    Parameters
    ----------
    path : path-like
    trusted : bool, default=False
        Reading a pickle runs whatever code it holds: say True for files of your own.

    Raises
    ------
    UntrustedFileError
        Where `trusted` is not True.
    InputError
        Another suffix, or no such file.
    """
    source = Path(path)
    _check_suffix(source)
    if not source.exists():
        raise InputError(f"there is no file {str(source)!r}; check the path")
    if trusted is not True:
        raise UntrustedFileError(
            f"{str(source)!r} is a {source.suffix} file: a pickle, and reading a pickle runs "
            "any code that was put in it. If it is your own, or you trust where it comes "
            "from, read it with trusted=True"
        )
    if source.suffix == ".joblib":
        return joblib.load(source)
    with source.open("rb") as file:
        return pickle.load(file)


def _check_suffix(path: Path) -> None:
    if path.suffix not in SUFFIXES:
        raise InputError(
            f"the file must end in {' or '.join(SUFFIXES)}, got {path.name!r}; rename it so "
            "that its suffix says its format"
        )
