"""Numbered state files in a folder, written atomically and verified by a checksum."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from sktrainer.exceptions import CheckpointError, CheckpointWarning, FileWriteError, warn_caller
from sktrainer.files.atomic_write import atomic_write

_FILE_NAME = re.compile(r"(\d{8})-([0-9a-f]{64})\.zip")
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StateFiles:
    """State files of one fit: plain zip files, of which the highest number is the newest.

    The file name contains the SHA-256 of the content, so no separate checksum file has to be
    kept consistent. The folder is created when the first state is written. The newest `keep`
    states are kept.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     states = StateFiles(Path(folder))
    ...     for number in (50, 100, 150):
    ...         states.write(number, {"model": b"..."})
    ...     states.numbers(), states.newest()
    ([100, 150], (150, {'model': b'...'}))
    """

    def __init__(self, folder: Path, keep: int = 2) -> None:
        self.folder = folder
        self._keep = keep

    def numbers(self) -> list[int]:
        """Return the numbers of the existing states, the newest last, without reading them."""
        return [number for number, _, _ in reversed(list(self._files()))]

    def write(self, number: int, members: Mapping[str, bytes]) -> None:
        """Write a state and delete the oldest ones.

        Raises
        ------
        CheckpointError
            If it could not be written. The previous states are then unchanged.
        """
        path = self.folder / f"{number:08d}-{_digest(members)}.zip"
        try:
            with atomic_write(path) as part, zipfile.ZipFile(part, "w") as archive:
                for name, content in members.items():
                    archive.writestr(name, content)
            _sync_folder(self.folder)
        except OSError as error:
            numbers = self.numbers()
            last = "no earlier checkpoint exists"
            if numbers:
                last = f"the last checkpoint (iteration {numbers[-1]}) is unchanged"
            raise CheckpointError(
                f"{write_error_message(self.folder, error)}; {last}. Free disk space and call "
                "fit again to resume"
            ) from error
        for _, _, old in list(self._files())[self._keep :]:
            old.unlink(missing_ok=True)

    def newest(self) -> tuple[int, dict[str, bytes]] | None:
        """Return the newest valid state. Delete damaged ones, with a warning for each."""
        for number, digest, path in self._files():
            members: dict[str, bytes] | None = None
            try:
                with zipfile.ZipFile(path) as archive:
                    members = {name: archive.read(name) for name in archive.namelist()}
            except FileNotFoundError:  # deleted by a worker that outlived its killed parent
                continue
            except (OSError, EOFError, ValueError, zipfile.BadZipFile, NotImplementedError):
                pass
            if members is not None and _digest(members) == digest:
                return number, members
            path.unlink(missing_ok=True)
            warn_caller(
                f"the checkpoint {str(path)!r} is damaged (its checksum does not match) and "
                "was deleted; the previous one is used if it exists, else the fit starts over",
                CheckpointWarning,
            )
        return None

    def clear(self) -> None:
        """Delete all states."""
        for _, _, path in list(self._files()):
            path.unlink(missing_ok=True)

    def _files(self) -> Iterator[tuple[int, str, Path]]:
        """Yield the number, digest and path of each state, the newest first."""
        for path in sorted(self.folder.glob("*.zip"), reverse=True):
            match = _FILE_NAME.fullmatch(path.name)
            if match:
                yield int(match[1]), match[2], path


def write_error_message(folder: Path, error: OSError) -> str:
    """Return a message that a checkpoint could not be written, with the cause."""
    cause = "the disk is full" if error.errno in _DISK_FULL else "the folder cannot be written"
    reason = error.__cause__ if isinstance(error, FileWriteError) else error
    return f"the checkpoint in {str(folder)!r} could not be written: {cause} ({reason})"


def _digest(members: Mapping[str, bytes]) -> str:
    total = hashlib.sha256()
    for name, content in members.items():
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def _sync_folder(folder: Path) -> None:
    """Flush a folder to disk, so that a rename in it survives a power failure (POSIX)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
