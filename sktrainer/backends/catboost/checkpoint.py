"""Checkpoints from CatBoost's own snapshots.

CatBoost writes snapshots during training, and a fit resumed from one is bit-identical.
However, it keeps only the last snapshot and does not detect damage (a flipped bit was read
without an error). A thread therefore copies each new snapshot into the checkpoint store,
which verifies checksums.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sktrainer.checkpoints.fit import FitCheckpoint
from sktrainer.exceptions import CheckpointError, CheckpointWarning, warn_caller

_SNAPSHOT = "snapshot"
_POLL_SECONDS = 0.05


@contextmanager
def snapshot_params(checkpoint: FitCheckpoint | None) -> Iterator[dict[str, Any]]:
    """Yield the parameters that enable snapshots, and store the snapshots during the fit.

    Raises
    ------
    TrainingInterrupted
        If a signal ended the training. CatBoost itself raises a KeyboardInterrupt.
    """
    if checkpoint is None:
        yield {}
        return
    resume_point = checkpoint.restore(replayed=True)
    with checkpoint.scratch_folder() as folder:
        if resume_point is not None:
            (folder / _SNAPSHOT).write_bytes(resume_point.state[_SNAPSHOT])
        with _watch_snapshots(folder, checkpoint):
            try:
                yield {
                    "allow_writing_files": True,
                    "save_snapshot": True,
                    "snapshot_file": _SNAPSHOT,
                    # CatBoost's default of 10 minutes would write no snapshot in a short run.
                    "snapshot_interval": max(1, round(checkpoint.min_seconds)),
                    "train_dir": str(folder),
                }
            except KeyboardInterrupt:
                checkpoint.raise_if_interrupted()
                raise


@contextmanager
def _watch_snapshots(folder: Path, checkpoint: FitCheckpoint) -> Iterator[None]:
    """Store the snapshots during the context, and raise the error that this had, if any."""
    watcher = _SnapshotWatcher(folder, checkpoint)
    watcher.start()
    try:
        yield
    except BaseException as error:
        watcher.stop()
        if watcher.error is not None:
            raise error from watcher.error  # report both
        raise
    watcher.stop()
    if watcher.error is not None:
        raise watcher.error


class _SnapshotWatcher(threading.Thread):
    """Thread that copies each new snapshot; CatBoost writes snapshots atomically."""

    def __init__(self, folder: Path, checkpoint: FitCheckpoint) -> None:
        super().__init__(name="sktrainer-snapshots", daemon=True)
        self.error: BaseException | None = None
        self._folder = folder
        self._checkpoint = checkpoint
        self._stopped = threading.Event()
        self._seen = self._stamp()

    def run(self) -> None:
        while not self._stopped.wait(_POLL_SECONDS):
            stamp = self._stamp()
            if stamp is None or stamp == self._seen:
                continue
            try:
                content = (self._folder / _SNAPSHOT).read_bytes()
                self._checkpoint.save_library_state(self._rounds(), {_SNAPSHOT: content})
            except OSError:  # replaced while reading: the next iteration reads the new one
                continue
            except CheckpointError as error:  # not fatal: later snapshots are still stored
                warn_caller(str(error), CheckpointWarning)
            except BaseException as error:  # raised again in the training thread
                self.error = error
                return
            self._seen = stamp

    def stop(self) -> None:
        """Stop the thread after the snapshot in progress is stored."""
        self._stopped.set()
        self.join()

    def _stamp(self) -> tuple[int, int] | None:
        with suppress(OSError):
            stat = (self._folder / _SNAPSHOT).stat()
            return stat.st_ino, stat.st_mtime_ns
        return None

    def _rounds(self) -> int:
        """Return the number of rounds so far: CatBoost logs one line per round."""
        with suppress(OSError):
            lines = (self._folder / "learn_error.tsv").read_bytes().count(b"\n")
            return max(1, lines - 1)  # without the header
        return 1
