"""Paths that users pass, and errors of writing to them."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sktrainer.exceptions import FileWriteError, InputError

_CAUSES = {
    errno.ENOSPC: "the disk is full. Free disk space, or use another path",
    errno.EDQUOT: "the disk quota is used up. Free disk space, or use another path",
    errno.EROFS: "the disk is read-only. Use another path",
    errno.EACCES: "permission denied. Change the permissions, or use another path",
    errno.EPERM: "permission denied. Change the permissions, or use another path",
    errno.EISDIR: "it is a folder. Add a file name, or use another path",
}


def as_path(path: str | os.PathLike[str]) -> Path:
    """Return a path in which "~" is replaced by the home folder.

    Raises
    ------
    InputError
        If `path` is neither a string nor a path.
    """
    name = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(name, str):
        hint = "; write the content to a file first" if isinstance(name, bytes) else ""
        raise InputError(
            f"the path must be a str or a pathlib.Path, got {type(path).__name__}{hint}"
        )
    return Path(name).expanduser()


@contextmanager
def explain_write_errors(path: Path) -> Iterator[None]:
    """Turn an OSError in the enclosed block into a FileWriteError that names `path`."""
    try:
        yield
    except FileWriteError:
        raise
    except OSError as error:
        above = _existing_parent(path)
        cause = _CAUSES.get(error.errno or 0, f"{error.strerror or error}. Use another path")
        if not above.is_dir():
            cause = f"{str(above)!r} is a file, not a folder. Use another path"
        new = FileWriteError(f"{str(path)!r} cannot be written: {cause}")
        new.errno = error.errno
        raise new from error


def check_writable(path: Path, *, folder: bool = False) -> None:
    """Check that a file, or files in a folder, can be written, without creating anything.

    Raises
    ------
    FileWriteError
        If an existing parent is not a folder or is not writable, or if the path of a file is
        a folder.

    Examples
    --------
    >>> import tempfile
    >>> check_writable(Path(tempfile.gettempdir()) / "models" / "a.skt")
    """
    with explain_write_errors(path):
        if path.is_dir() and not folder:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        # Permissions do not show read-only disks and virtual folders, so write a file.
        existing = path if folder and path.is_dir() else _existing_parent(path)
        tempfile.TemporaryFile(dir=existing).close()


def _existing_parent(path: Path) -> Path:
    return next(p for p in path.absolute().parents if os.access(p, os.F_OK))
