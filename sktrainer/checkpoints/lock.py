"""Lock that allows one fit at a time per checkpoint folder."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from sktrainer.exceptions import CheckpointError
from sktrainer.files.file_lock import file_lock


@contextmanager
def lock_folder(folder: Path) -> Iterator[bool]:
    """Hold an exclusive lock on a folder, which is created if it does not exist.

    Yield False without a lock if an existing folder is read-only.

    Raises
    ------
    CheckpointError
        If another fit, in this or another process, holds the lock.
    """
    path = folder / "lock"
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            is_locked = stack.enter_context(file_lock(path))
        except OSError as error:
            if folder.is_dir() and error.errno in (errno.EROFS, errno.EACCES):
                yield False
                return
            raise CheckpointError(
                f"the checkpoint folder {str(folder)!r} cannot be used: {error}; use another "
                "folder"
            ) from error
        if not is_locked:
            owner = path.read_text(encoding="ascii", errors="replace").strip()
            raise CheckpointError(
                f"another fit{f' (process {owner})' if owner else ''} is writing to the "
                f"checkpoint folder {str(folder)!r}; wait until it ends or use another folder"
            )
        with suppress(OSError):  # the disk may be full; the process id is only for messages
            path.write_text(str(os.getpid()), encoding="ascii")
        yield True
