"""A trainer as a file, whole or not at all."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import joblib

from sktrainer.exceptions import InputError, UntrustedFileError
from sktrainer.running.files import written_whole

__all__ = ["read", "write"]

SUFFIXES = (".joblib", ".pkl")


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
    with written_whole(target) as part, part.open("wb") as file:
        if target.suffix == ".joblib":
            joblib.dump(value, file)
        else:
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
        return pickle.load(file)  # noqa: S301 - the caller said to trust it


def _check_suffix(path: Path) -> None:
    if path.suffix not in SUFFIXES:
        raise InputError(
            f"the file must end in {' or '.join(SUFFIXES)}, got {path.name!r}; rename it so "
            "that its suffix says its format"
        )
