"""One process at a time on a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sktrainer.exceptions import CheckpointError

__all__ = ["locked"]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; it goes with the process, however that ends.

    The lock is the operating system's own on an open file, never the mere presence of
    one: what a killed process leaves behind locks nobody out.

    Parameters
    ----------
    folder : Path
        Made where it is missing.

    Raises
    ------
    CheckpointError
        Another fit holds it, in this process or in another one.
    """
    path = folder / "lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise CheckpointError(
            f"the checkpoint folder {str(folder)!r} cannot be used ({error}); name another one"
        ) from error
    try:
        if not _taken(descriptor):
            owner = path.read_text(encoding="ascii", errors="replace").strip()
            raise CheckpointError(
                f"another fit{f' (process {owner})' if owner else ''} is writing to the "
                f"checkpoint folder {str(folder)!r}; wait for it, or name another folder"
            )
        with suppress(OSError):  # the number is for the message only: the disk may be full
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    """Try to take the lock."""
    try:
        if os.name == "nt":
            import msvcrt

            # Far behind the text, which others are to read.
            os.lseek(descriptor, 1 << 20, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
