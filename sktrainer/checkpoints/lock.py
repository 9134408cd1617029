"""Lock that allows one fit at a time per checkpoint folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sktrainer.exceptions import CheckpointError


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold an exclusive lock on a folder, which is created if it does not exist.

    The lock is an operating-system lock on an open file, so it is released when the process
    ends, even after a kill. A leftover lock file does not block other fits.

    Raises
    ------
    CheckpointError
        If another fit, in this or another process, holds the lock.
    """
    path = folder / "lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise CheckpointError(
            f"the checkpoint folder {str(folder)!r} cannot be used: {error}; use another folder"
        ) from error
    try:
        if not _try_lock(descriptor):
            owner = path.read_text(encoding="ascii", errors="replace").strip()
            raise CheckpointError(
                f"another fit{f' (process {owner})' if owner else ''} is writing to the "
                f"checkpoint folder {str(folder)!r}; wait until it ends or use another folder"
            )
        with suppress(OSError):  # the disk may be full; the process id is only for messages
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    """Try to acquire the lock without blocking. Return whether this succeeded."""
    try:
        if os.name == "nt":
            import msvcrt

            # Windows locks are mandatory: lock a byte far behind the process id, which
            # other processes must be able to read.
            os.lseek(descriptor, 1 << 20, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
