"""CatBoost's own snapshots, kept as checkpoints.

CatBoost goes on from a snapshot to the same bits, and writes one while it trains. It does
not find out that one is damaged (a flipped bit was read without a word), and it keeps one
only: a thread takes each new one over into the checkpoints, which know their checksum.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sktrainer.exceptions import CheckpointError, CheckpointWarning, warn_caller
from sktrainer.running.checkpoints.fits import FitCheckpoint

__all__ = ["snapshots"]

_SNAPSHOT = "snapshot"
_SECONDS_BETWEEN_LOOKS = 0.05


@contextmanager
def snapshots(checkpoint: FitCheckpoint | None) -> Iterator[dict[str, Any]]:
    """Yield the parameters that make CatBoost write snapshots, and keep these, inside.

    Parameters
    ----------
    checkpoint : FitCheckpoint or None
        None: no parameters, and nothing is kept.

    Raises
    ------
    TrainingInterrupted
        A signal ended the training, of which CatBoost makes a bare KeyboardInterrupt.
    """
    if checkpoint is None:
        yield {}
        return
    found = checkpoint.found(replayed=True)
    with checkpoint.scratch() as folder:
        if found is not None:
            (folder / _SNAPSHOT).write_bytes(found.state[_SNAPSHOT])
        keeper = _Keeper(folder, checkpoint)
        keeper.start()
        try:
            yield {
                "allow_writing_files": True,
                "save_snapshot": True,
                "snapshot_file": _SNAPSHOT,
                # Its default of ten minutes leaves nothing of a short run.
                "snapshot_interval": max(1, round(checkpoint.seconds)),
                "train_dir": str(folder),
            }
        except KeyboardInterrupt:
            checkpoint.poll()
            raise
        finally:
            keeper.end()
    if keeper.error is not None:
        raise keeper.error


class _Keeper(threading.Thread):
    """Takes over each new snapshot; CatBoost renames it into place, so it is whole."""

    def __init__(self, folder: Path, checkpoint: FitCheckpoint) -> None:
        super().__init__(name="sktrainer-snapshots", daemon=True)
        self.error: BaseException | None = None
        self._folder = folder
        self._checkpoint = checkpoint
        self._over = threading.Event()
        self._seen = self._stamp()

    def run(self) -> None:
        while not self._over.wait(_SECONDS_BETWEEN_LOOKS):
            stamp = self._stamp()
            if stamp is None or stamp == self._seen:
                continue
            try:
                content = (self._folder / _SNAPSHOT).read_bytes()
                self._checkpoint.keep(self._rounds(), {_SNAPSHOT: content})
            except OSError:  # renamed under our hands: the next look finds the new one
                continue
            except CheckpointError as error:  # the next one is tried, and the fit's end
                warn_caller(str(error), CheckpointWarning)
            except BaseException as error:  # raised again where the training was asked for
                self.error = error
                return
            self._seen = stamp

    def end(self) -> None:
        """Stop looking, once what is being written is whole."""
        self._over.set()
        self.join()

    def _stamp(self) -> tuple[int, int] | None:
        with suppress(OSError):
            stat = (self._folder / _SNAPSHOT).stat()
            return stat.st_ino, stat.st_mtime_ns
        return None

    def _rounds(self) -> int:
        """Count the rounds, for the number of the state: CatBoost logs a line for each."""
        with suppress(OSError):
            lines = (self._folder / "learn_error.tsv").read_bytes().count(b"\n")
            return max(1, lines - 1)
        return 1
