"""Numbered states in a folder: each one file, whole or absent, that knows its own checksum."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from sktrainer.exceptions import CheckpointError, CheckpointWarning, warn_caller
from sktrainer.running.files import written_whole

__all__ = ["StateFiles", "not_written"]

_NAME = re.compile(r"(\d{8})-([0-9a-f]{64})\.zip")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StateFiles:
    """The states of one fit: plain zip files, the highest number the newest.

    A file's name holds the SHA-256 of what is in it, so that there is no second file to
    keep in step with the first.

    Parameters
    ----------
    folder : Path
        Made with the first state.
    keep : int, default=2
        States that stay when a newer one is written.

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
        """Return the numbers of the states that are there, unread, the newest last."""
        return [number for number, _, _ in reversed(list(self._files()))]

    def write(self, number: int, members: Mapping[str, bytes]) -> None:
        """Write a state, and drop those that are too old.

        Raises
        ------
        CheckpointError
            It could not be written; the states before it are as they were.
        """
        path = self.folder / f"{number:08d}-{_digest(members)}.zip"
        try:
            with written_whole(path) as part, zipfile.ZipFile(part, "w") as archive:
                for name, content in members.items():
                    archive.writestr(name, content)
            _sync_folder(self.folder)
        except OSError as error:
            raise CheckpointError(self._unwritten(error)) from error
        for _, _, old in list(self._files())[self._keep :]:
            old.unlink(missing_ok=True)

    def newest(self) -> tuple[int, dict[str, bytes]] | None:
        """Return the newest whole state, with a warning for each damaged one on the way."""
        for number, digest, path in self._files():
            try:
                members = _members(path)
            except FileNotFoundError:  # dropped by a worker that outlived its parent
                continue
            except (OSError, EOFError, ValueError, zipfile.BadZipFile, NotImplementedError):
                members = None
            if members is not None and _digest(members) == digest:
                return number, members
            path.unlink(missing_ok=True)
            warn_caller(
                f"the checkpoint {str(path)!r} is damaged (its checksum does not match) and "
                "was dropped; the one before it is used, or the fit starts anew",
                CheckpointWarning,
            )
        return None

    def clear(self) -> None:
        """Drop every state."""
        for _, _, path in list(self._files()):
            path.unlink(missing_ok=True)

    def _files(self) -> Iterator[tuple[int, str, Path]]:
        """Yield number, digest and path of each state, the newest first."""
        found = [path.name for path in self.folder.glob("*.zip")]
        for name in sorted(found, reverse=True):
            match = _NAME.fullmatch(name)
            if match:
                yield int(match[1]), match[2], self.folder / name

    def _unwritten(self, error: OSError) -> str:
        numbers = self.numbers()
        last = "there is none yet"
        if numbers:
            last = f"the last good one, of iteration {numbers[-1]}, is intact"
        return (
            f"{not_written(self.folder, error)}; {last}. Make room, and call fit again to go on"
        )


def not_written(folder: Path, error: OSError) -> str:
    """Say that a checkpoint could not be written, and why."""
    cause = "the disk is full" if error.errno in _FULL else "the folder cannot be written"
    return f"the checkpoint in {str(folder)!r} could not be written: {cause} ({error})"


def _members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _digest(members: Mapping[str, bytes]) -> str:
    total = hashlib.sha256()
    for name, content in members.items():
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def _sync_folder(folder: Path) -> None:
    """Let a new name in a folder outlive a power cut, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
