"""Checkpoint folder of one run: the run's identity, and one sub-folder per fit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sktrainer.callbacks.early_stopping import Monitor
from sktrainer.checkpoints.fit import FitCheckpoint, different_rows_error
from sktrainer.checkpoints.identity import RunIdentity, identity_differences
from sktrainer.checkpoints.lock import lock_folder
from sktrainer.checkpoints.schedule import Checkpoint, CheckpointSchedule
from sktrainer.checkpoints.signals import SignalHandler
from sktrainer.checkpoints.state_files import StateFiles, write_error_message
from sktrainer.exceptions import CheckpointError, CheckpointMismatchError
from sktrainer.files.atomic_write import atomic_write
from sktrainer.types import Array

__all__ = ["FitDirectory", "RunDirectory", "open_run_directory"]

_RUN, _RESULT = "run.json", "result.json"


@dataclass(frozen=True)
class FitDirectory:
    """Sub-folder of one fit on given rows. `owner` is the digest of run, name and rows."""

    folder: Path
    rhythm: CheckpointSchedule
    owner: str
    interrupts: SignalHandler

    def checkpoint(self, monitor: Monitor) -> FitCheckpoint:
        """Return the checkpoints of the fit that uses this monitor."""
        files = StateFiles(self.folder, self.rhythm.keep)
        return FitCheckpoint(files, self.rhythm, self.owner, self.interrupts, monitor)

    def load_result(self) -> dict[str, Any] | None:
        """Return the values saved by `save_result`, or None if the fit is not finished."""
        newest = self._results.newest()
        if newest is None:
            return None
        found = json.loads(newest[1][_RESULT])
        if found["owner"] != self.owner:
            raise different_rows_error(self.folder)
        return dict(found["result"])

    def save_result(self, result: Mapping[str, Any]) -> None:
        """Save the result of a finished fit as plain values and delete its states."""
        content = json.dumps({"owner": self.owner, "result": result})
        self._results.write(1, {_RESULT: content.encode()})
        for folder in (self.folder, *self.folder.glob("seed-*")):
            StateFiles(folder).clear()

    @property
    def _results(self) -> StateFiles:
        return StateFiles(self.folder / "result", keep=1)


@dataclass(frozen=True)
class RunDirectory:
    """Locked checkpoint folder of one run.

    Attributes
    ----------
    folder : Path
    rhythm : Rhythm
    seed : int
        Root seed of the run. Without a `random_state`, the seed drawn by its first process.
    digest : str
        Digest of everything that determines the result.
    interrupts : Interrupts
    progress : str
        Description of the existing checkpoints. Empty for a new run.
    """

    folder: Path
    rhythm: CheckpointSchedule
    seed: int
    digest: str
    interrupts: SignalHandler
    progress: str = ""

    def fit_directory(self, name: str, *rows: Array) -> FitDirectory:
        """Return the sub-folder of the fit with this name on the rows at these positions."""
        total = hashlib.sha256(f"{self.digest}/{name}".encode())
        for positions in rows:
            # The separator distinguishes the sets: rows moved from one to another count.
            total.update(np.asarray(positions, dtype=np.int64).tobytes() + b"|")
        return FitDirectory(self.folder / name, self.rhythm, total.hexdigest(), self.interrupts)


@contextmanager
def open_run_directory(
    checkpoint: Checkpoint, rhythm: CheckpointSchedule, identity: RunIdentity, seed: int
) -> Iterator[RunDirectory]:
    """Lock the folder, verify that it belongs to this run, and handle signals.

    `seed` is the root seed of a new run. A resumed run uses the seed stored in the folder.

    Raises
    ------
    CheckpointMismatchError
        If the folder contains another run. The message lists the differences.
    CheckpointError
        If another fit is using the folder.
    """
    folder = Path(checkpoint.folder)
    if checkpoint.per_fit:
        folder = folder / "fits" / identity.digest()[:16]
    interrupts = SignalHandler(str(folder))
    with lock_folder(folder):
        _remove_partial_files(folder)
        found = _read_run(folder / _RUN)
        if found is None:
            found = {**identity.plain(), "seed": seed}
            _write_run(folder / _RUN, found)
        else:
            _check_same_run(folder, found, identity)
        digest = f"{identity.digest()}/{found['seed']}"
        with interrupts.installed():
            yield RunDirectory(
                folder, rhythm, int(found["seed"]), digest, interrupts, _progress(folder)
            )


def _fit_folders(folder: Path) -> list[Path]:
    """Return the folders of the fits of this run. `fits` contains other runs."""
    places = [*sorted(folder.glob("folds/*")), folder / "final", folder / "refit"]
    return [*places, *(seed for place in places for seed in sorted(place.glob("seed-*")))]


def _remove_partial_files(folder: Path) -> None:
    """Delete the partial files of a killed process."""
    places = _fit_folders(folder)
    for place in [folder, *places, *(place / "result" for place in places)]:
        for part in place.glob(".*.part"):
            part.unlink(missing_ok=True)


def _progress(folder: Path) -> str:
    """Describe the progress of the fits in a folder."""
    done, under_way = 0, []
    for place in _fit_folders(folder):
        if StateFiles(place / "result").numbers():
            done += 1
        elif numbers := StateFiles(place).numbers():
            name = f"fold {place.name}" if place.parent.name == "folds" else place.name
            under_way.append(f"{name} at iteration {numbers[-1]:,}")
    folds = [f"{done} fold{'s' if done > 1 else ''} done"] if done else []
    return ", ".join([*folds, *under_way])


def _write_run(path: Path, run: Mapping[str, Any]) -> None:
    try:
        with atomic_write(path) as part:
            part.write_text(json.dumps(run, indent=1), encoding="utf-8")
    except OSError as error:
        raise CheckpointError(
            f"{write_error_message(path.parent, error)}; free disk space"
        ) from error


def _read_run(path: Path) -> dict[str, Any] | None:
    """Read the description of the run, or return None if it is missing or damaged.

    A damaged description can be rewritten, because each state contains the digest of its
    run.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    whole = isinstance(found, dict) and {"data", "parameters", "versions", "seed"} <= set(found)
    return found if whole else None


def _check_same_run(folder: Path, found: Mapping[str, Any], identity: RunIdentity) -> None:
    different = identity_differences(found, identity.plain())
    if not different:
        return
    here = str(folder)
    advice = (
        "to resume that run, use its data and parameters; to start over, use another folder "
        f"or delete this one: shutil.rmtree({here!r})"
    )
    lines = [
        f"the checkpoint folder {here!r} contains another run with these differences:",
        *(f"  - {difference}" for difference in different),
        advice,
    ]
    raise CheckpointMismatchError("\n".join(lines))
