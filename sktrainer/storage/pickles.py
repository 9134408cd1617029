"""Trainers as pickles: whatever Python can hold, read only where the file is trusted."""

from __future__ import annotations

import mmap
import pickle
from pathlib import Path
from typing import Any

import cloudpickle
import joblib

from sktrainer.exceptions import FileFormatError

__all__ = ["read_pickle", "write_pickle"]


def write_pickle(value: Any, path: Path, suffix: str) -> None:
    """Write a value; classes and functions of a script or a notebook go into the file.

    Parameters
    ----------
    value : object
    path : Path
    suffix : {".joblib", ".pkl"}
    """
    try:
        with path.open("wb") as file:
            if suffix == ".joblib":
                joblib.dump(value, file)
            else:
                pickle.dump(value, file, protocol=pickle.HIGHEST_PROTOCOL)
        is_found_elsewhere = not _names_main(path)
    except (pickle.PicklingError, AttributeError):  # a lambda, or a class inside a function
        is_found_elsewhere = False
    if not is_found_elsewhere:
        with path.open("wb") as file:
            cloudpickle.dump(value, file)


def _names_main(path: Path) -> bool:
    """Tell whether a pickle refers to what only the process that wrote it can import."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(b"__main__") >= 0


def read_pickle(path: Path) -> Any:
    """Read a value, running whatever the file holds.

    Raises
    ------
    FileFormatError
        It is no whole pickle, or names what cannot be imported here.
    """
    try:
        if path.suffix == ".joblib":
            return joblib.load(path)
        with path.open("rb") as file:
            return pickle.load(file)  # noqa: S301 - the caller said to trust it
    except (AttributeError, ImportError) as error:
        raise FileFormatError(
            f"{str(path)!r} cannot be loaded: {error}; what it names must be installed here, "
            "and classes and functions of your own in a module that can be imported"
        ) from error
    except Exception as error:  # what a damaged pickle raises depends on where it breaks
        raise FileFormatError(
            f"{str(path)!r} cannot be loaded: it is no whole {path.suffix} file "
            f"({type(error).__name__}: {error})"
        ) from error
