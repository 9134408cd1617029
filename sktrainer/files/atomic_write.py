"""Atomic file writes."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sktrainer.files.paths import explain_write_errors


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Write a file atomically: yield a temporary path, then rename it to `path`.

    If the process dies at any point, `path` has either its old or its complete new content.
    Missing parent folders are created. The caller must create the file at the temporary path,
    which is in the same folder.

    Raises
    ------
    FileWriteError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(Path(folder) / "a.txt") as part:
    ...         _ = part.write_text("all of it")
    ...     (Path(folder) / "a.txt").read_text()
    'all of it'
    """
    with explain_write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # In the same folder, because a rename is atomic only within one file system.
        part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
        try:
            yield part
            with part.open("rb+") as file:
                os.fsync(file.fileno())  # the content must be on disk before the new name is
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
