"""Checkpoints of a single model fit: the interface that backends use."""

from __future__ import annotations

import json
import pickle
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from sktrainer.callbacks.early_stopping import Monitor
from sktrainer.checkpoints.schedule import CheckpointSchedule
from sktrainer.checkpoints.signals import SignalHandler
from sktrainer.checkpoints.state_files import StateFiles
from sktrainer.exceptions import (
    CheckpointError,
    CheckpointMismatchError,
    CheckpointWarning,
    warn_caller,
)
from sktrainer.files.atomic_write import atomic_write
from sktrainer.types import ModelFit

__all__ = [
    "FitCheckpoint",
    "ResumePoint",
    "StateMembers",
    "different_rows_error",
    "pickle_member",
    "unpickle_member",
]

StateMembers = Mapping[str, bytes]
FORMAT = 1
_META, _MODEL = "checkpoint.json", "model.pickle"
_SCRATCH = "sktrainer-scratch-"
_MAX_TIME_SHARE = 0.1


@dataclass(frozen=True)
class ResumePoint:
    """Saved state of a fit after `iteration` iterations, from which it resumes."""

    iteration: int
    state: StateMembers


class _NotPicklableError(Exception):
    """A part of a model cannot be pickled, because another process cannot import it."""


def pickle_member(name: str, value: Any) -> StateMembers:
    """Return a state with a single pickled member, for arbitrary Python objects.

    Loading it can execute code; see docs/checkpoints.md.
    """
    try:
        return {name: pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)}
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise _NotPicklableError(str(error)) from error


def unpickle_member(name: str, state: StateMembers) -> Any:
    """Return the value that was stored by `pickled`."""
    return pickle.loads(state[name])  # noqa: S301 - the user's own file, digest verified


def different_rows_error(folder: Path) -> CheckpointMismatchError:
    """Return the error for a checkpoint of the same run but a different random split."""
    return CheckpointMismatchError(
        f"the checkpoint in {str(folder)!r} was written for other rows than this split "
        "selects; set random_state on the splitter. To start over, delete the checkpoint folder"
    )


def _write_note(note: Path, folder: Path) -> None:
    try:
        with atomic_write(note) as part:
            part.write_text(str(folder), encoding="utf-8")
    except OSError as error:
        raise CheckpointError(f"cannot write {str(note)!r}: {error}") from error


def _clear_scratch(note: Path) -> None:
    with suppress(OSError, ValueError):
        left = Path(note.read_text(encoding="utf-8"))
        # The file could be damaged: delete only a folder that `scratch` can have created.
        if left.name.startswith(_SCRATCH) and left.parent == Path(tempfile.gettempdir()):
            shutil.rmtree(left, ignore_errors=True)


class FitCheckpoint:
    """Reader and writer of the checkpoints of one fit.

    A backend calls `restore` once, before the first iteration, and `save_if_due` after every
    iteration from which it can resume. The state of the monitor is saved with each
    checkpoint. `owner` is a digest of the run and the rows; checkpoints of another owner
    are rejected.
    """

    def __init__(
        self,
        files: StateFiles,
        rhythm: CheckpointSchedule,
        owner: str,
        interrupts: SignalHandler,
        monitor: Monitor,
    ) -> None:
        self.resumed_from: int | None = None
        self.ended = False
        self._files = files
        self._rhythm = rhythm
        self._owner = owner
        self._interrupts = interrupts
        self._monitor = monitor
        self._last = 0
        self._cost = 0.0
        self._is_unkept = False
        self._clock = time.perf_counter()
        self._meta, self._state = self._load()

    @property
    def segment_length(self) -> int:
        """Rounds per segment, for models that are trained in segments."""
        return self._rhythm.every

    @property
    def min_seconds(self) -> float:
        """Minimum time between two checkpoints."""
        return self._rhythm.seconds or 0.0

    def restore(self, *, replayed: bool = False) -> ResumePoint | None:
        """Return the state to resume from and restore the monitor. None for a new fit.

        With `replayed`, the monitor is not restored, because the library reports the whole
        history again.
        """
        if self._state is None:
            return None
        self.resumed_from = self._last
        if not replayed:
            self._monitor.load_state_dict(self._meta["monitor"])
        return ResumePoint(self._last, self._state)

    def load_finished_fit(self) -> ModelFit | None:
        """Return the completed fit that `finish` saved, or None."""
        outcome = self._meta.get("finished")
        if outcome is None or self._state is None:
            return None
        self.restore()
        model = unpickle_member(_MODEL, self._state)
        return ModelFit(model, evaluations=self._monitor.evaluations, **outcome)

    def save_finished_fit(self, fit: ModelFit) -> None:
        """Save the fitted model, unless it can be rebuilt from the last state."""
        if self.ended:
            return
        own = [
            field.name for field in fields(fit) if field.name not in ("model", "evaluations")
        ]
        outcome = {name: getattr(fit, name) for name in own}
        number = max(fit.n_iter or 1, self._last + 1)  # must be newer than the last state
        self._write(number, lambda: pickle_member(_MODEL, fit.model), {"finished": outcome})

    @contextmanager
    def defer_signals(self) -> Iterator[None]:
        """Defer Ctrl-C and SIGTERM to the next call of `reached` or `poll`."""
        with self._interrupts.deferred():
            yield

    def save_if_due(
        self, iteration: int, state: Callable[[], StateMembers], *, end: bool = False
    ) -> None:
        """Report a state from which the fit can resume. Save it if a checkpoint is due.

        Parameters
        ----------
        iteration : int
            Number of completed iterations.
        state : callable
            Returns the members of the state as a mapping of name to bytes. Called only if
            a checkpoint is due.
        end : bool, default=False
            Whether training is complete, so that this state yields the final model.

        Raises
        ------
        TrainingInterrupted
            If a signal was received. The state is saved first.
        CheckpointError
            If the state could not be written.
        """
        asked = self._interrupts.signal is not None
        if (end or asked or self._is_due(iteration)) and iteration > self._last:
            start = time.perf_counter()
            self._write(iteration, state, {})
            self._clock = time.perf_counter()
            self._cost = self._clock - start
        self.ended = end
        if not end:
            self.raise_if_interrupted()

    def save_library_state(self, iteration: int, state: StateMembers) -> None:
        """Save a state that the library created on its own schedule."""
        self._write(max(iteration, self._last + 1), lambda: state, {})

    @contextmanager
    def scratch_folder(self) -> Iterator[Path]:
        """Provide an empty temporary folder for files of the library.

        The folder is in the system's temporary directory, because a library may end the
        process if the disk with the checkpoints is full. Its path is saved in the
        checkpoint folder, so that the next fit can delete it after a kill.
        """
        note = self._files.folder / "scratch.txt"
        _clear_scratch(note)
        folder = Path(tempfile.mkdtemp(prefix=_SCRATCH))
        try:
            _write_note(note, folder)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            note.unlink(missing_ok=True)

    def raise_if_interrupted(self) -> None:
        """Raise TrainingInterrupted if a signal was received. Save nothing."""
        if self._interrupts.signal is not None:
            saved = f"the last checkpoint is at iteration {self._last:,}" if self._last else ""
            raise self._interrupts.error(saved)

    def _is_due(self, iteration: int) -> bool:
        if iteration - self._last < self._rhythm.every:
            return False
        if self._rhythm.seconds is None:
            return True
        # The last write took `_cost` seconds: wait longer if large states take long to write.
        pause = max(self._rhythm.seconds, self._cost / _MAX_TIME_SHARE)
        return time.perf_counter() - self._clock >= pause

    def _write(
        self, number: int, state: Callable[[], StateMembers], more: Mapping[str, Any]
    ) -> None:
        try:
            members = state()
        except _NotPicklableError as error:
            if not self._is_unkept:
                warn_caller(
                    f"the model cannot be saved in a checkpoint ({error}), so an interrupted "
                    "fit starts over; define its classes and functions in an importable module",
                    CheckpointWarning,
                )
            self._is_unkept = True
            return
        meta = {
            "format": FORMAT,
            "owner": self._owner,
            "iteration": number,
            "monitor": self._monitor.state_dict(),
            **more,
        }
        self._files.write(number, {_META: json.dumps(meta).encode(), **members})
        self._last = number

    def _load(self) -> tuple[dict[str, Any], StateMembers | None]:
        newest = self._files.newest()
        if newest is None:
            return {}, None
        number, members = newest
        meta = json.loads(members.pop(_META))
        if meta["owner"] != self._owner:
            raise different_rows_error(self._files.folder)
        self._last = number
        return meta, members
