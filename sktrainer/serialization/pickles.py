"""Pickle files, which can contain any Python object and are loaded only if trusted."""

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
    """Write a value as a pickle.

    Classes and functions defined in a script or a notebook are included in the file.
    """
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


def read_pickle(path: Path) -> Any:
    """Read a value from a pickle, which executes any code that the file contains.

    Raises
    ------
    FileFormatError
        If the pickle is damaged, or refers to something that cannot be imported.
    """
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
