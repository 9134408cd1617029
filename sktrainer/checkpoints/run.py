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
from sktrainer.checkpoints.fit import FORMAT, FitCheckpoint, check_owner
from sktrainer.checkpoints.identity import RunIdentity, identity_differences
from sktrainer.checkpoints.lock import lock_folder
from sktrainer.checkpoints.schedule import Checkpoint, CheckpointSchedule
from sktrainer.checkpoints.signals import SignalHandler
from sktrainer.checkpoints.state_files import StateFiles, write_error_message
from sktrainer.exceptions import CheckpointError, CheckpointMismatchError
from sktrainer.files.atomic_write import atomic_write
from sktrainer.files.json_codec import decode_json, encode_json
from sktrainer.files.paths import as_path
from sktrainer.types import Array

_RUN, _RESULT = "run.json", "result.json"


@dataclass(frozen=True)
class FitDirectory:
    """Sub-folder of one fit on given rows. `owner` is the digest of run, name and rows."""

    folder: Path
    schedule: CheckpointSchedule
    owner: str
    signals: SignalHandler

    def checkpoint(self, monitor: Monitor) -> FitCheckpoint:
        """Return the checkpoints of the fit that uses this monitor."""
        files = StateFiles(self.folder, self.schedule.keep)
        return FitCheckpoint(files, self.schedule, self.owner, self.signals, monitor)

    def load_result(self) -> dict[str, Any] | None:
        """Return the values saved by `save_result`, or None if the fit is not finished."""
        newest = self._results.newest()
        if newest is None:
            return None
        saved = decode_json(newest[1][_RESULT])
        check_owner(saved, self.owner, self.folder)
        return dict(saved["result"])

    def save_result(self, result: Mapping[str, Any]) -> None:
        """Save the result of a finished fit, plain values and arrays; delete its states."""
        saved = {"format": FORMAT, "owner": self.owner, "result": result}
        self._results.write(1, {_RESULT: encode_json(saved, indent=None)})
        attempts = [
            self.folder,
            *self.folder.glob("seed-*"),
            *self.folder.glob("repair/seed-*"),
        ]
        inner = [fold for attempt in attempts for fold in attempt.glob("inner-*")]
        for folder in (*attempts, *inner):
            StateFiles(folder).clear()

    @property
    def _results(self) -> StateFiles:
        return StateFiles(self.folder / "result", keep=1)


@dataclass(frozen=True)
class RunDirectory:
    """Locked checkpoint folder of one run.

    `seed` is the root seed of the run. Without a `random_state`, it is the seed drawn by its
    first process. `digest` identifies everything that determines the result. `progress`
    describes the existing checkpoints; it is empty for a new run.
    """

    folder: Path
    schedule: CheckpointSchedule
    seed: int
    digest: str
    signals: SignalHandler
    progress: str = ""

    def fit_directory(self, name: str, *rows: Array) -> FitDirectory:
        """Return the sub-folder of the fit with this name on the rows at these positions."""
        owner = hashlib.sha256(f"{self.digest}/{name}".encode())
        for positions in rows:
            # The separator distinguishes the sets: rows moved from one to another count.
            owner.update(np.asarray(positions, dtype=np.int64).tobytes() + b"|")
        return FitDirectory(self.folder / name, self.schedule, owner.hexdigest(), self.signals)


@contextmanager
def open_run_directory(
    checkpoint: Checkpoint, schedule: CheckpointSchedule, identity: RunIdentity, seed: int
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
    folder = as_path(checkpoint.folder)
    if checkpoint.per_fit:
        folder = folder / "fits" / identity.digest()[:16]
    signals = SignalHandler(str(folder))
    with lock_folder(folder) as is_writable:
        fits = _fit_folders(folder)
        for place in [folder, *fits, *(fit / "result" for fit in fits)]:
            # Left by a killed process.
            for part in place.glob(".*.part") if is_writable else ():
                part.unlink(missing_ok=True)
        run = _read_run(folder / _RUN)
        if not is_writable and (run is None or not _has_result(folder)):
            raise CheckpointError(
                f"the checkpoint folder {str(folder)!r} is read-only and contains no finished "
                "fit; use another folder"
            )
        if run is None:
            run = {**identity.plain(), "seed": seed}
            run["digest"] = _digest(run)
            _write_run(folder / _RUN, run)
        differences = identity_differences(run, identity.plain())
        if differences:
            raise CheckpointMismatchError(_mismatch_message(folder, differences))
        if _digest(run) != run["digest"]:
            raise CheckpointMismatchError(
                f"{str(folder / _RUN)!r} was changed after it was written: its digest does not "
                "match. Restore the file, or delete the folder to start over"
            )
        digest = f"{identity.digest()}/{run['seed']}"
        with signals.installed():
            yield RunDirectory(
                folder, schedule, int(run["seed"]), digest, signals, _progress(folder)
            )


def _digest(run: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a run with its seed."""
    text = json.dumps({**run, "digest": None}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _has_result(folder: Path) -> bool:
    return any(StateFiles(folder / name).numbers() for name in ("final", "refit"))


def _fit_folders(folder: Path) -> list[Path]:
    """Return the folders of the fits of this run. `fits` contains other runs."""
    fits = [*sorted(folder.glob("folds/*")), folder / "final", folder / "refit"]
    fits += [fit / "repair" for fit in fits if (fit / "repair").exists()]
    fits += [seed for fit in fits for seed in sorted(fit.glob("seed-*"))]
    return [*fits, *(fold for fit in fits for fold in sorted(fit.glob("inner-*")))]


def _progress(folder: Path) -> str:
    """Describe the progress of the fits in a folder."""
    n_folds, others = 0, []
    for fit in _fit_folders(folder):
        is_fold = fit.parent.name == "folds"
        if StateFiles(fit / "result").numbers():
            n_folds += is_fold
            others += [] if is_fold else [f"{fit.name} done"]
        elif numbers := StateFiles(fit).numbers():
            parent = f"{fit.parent.name} " if fit.name.startswith("inner-") else ""
            others.append(f"{'fold ' * is_fold}{parent}{fit.name} at iteration {numbers[-1]:,}")
    folds = [f"{n_folds} fold{'s' if n_folds > 1 else ''} done"] if n_folds else []
    return ", ".join([*folds, *others])


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
        run = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    keys = {"data", "parameters", "versions", "seed", "digest"}
    return run if isinstance(run, dict) and keys <= set(run) else None


def _mismatch_message(folder: Path, differences: list[str]) -> str:
    lines = "\n".join(f"  - {difference}" for difference in differences)
    return (
        f"the checkpoint folder {str(folder)!r} contains another run with these differences:\n"
        f"{lines}\n"
        "to resume that run, use its data and parameters; to start over, use another folder "
        f"or delete this one: shutil.rmtree({str(folder)!r})"
    )
