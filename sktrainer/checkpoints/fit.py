"""Checkpoints of a single model fit: the interface that backends use."""

from __future__ import annotations

import json
import pickle
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
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

StateMembers = Mapping[str, bytes]
FORMAT = 1  # increase it when a state can no longer be read by older code
_META, _MODEL = "checkpoint.json", "model.pickle"
_SCRATCH_PREFIX = "sktrainer-scratch-"
_MAX_TIME_SHARE = 0.1


@dataclass(frozen=True)
class ResumePoint:
    """Saved state of a fit after `iteration` iterations, from which it resumes."""

    iteration: int
    state: StateMembers


class NotPicklableError(Exception):
    """Raised if a part of a model cannot be written to a checkpoint."""


def pickle_member(name: str, value: object) -> StateMembers:
    """Return a state with a single pickled member, for arbitrary Python objects.

    Loading it can execute code; see docs/checkpoints.md.
    """
    try:
        return {name: pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)}
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise NotPicklableError(str(error)) from error


def unpickle_member(name: str, state: StateMembers) -> Any:
    """Return the value that was stored by `pickle_member`."""
    return pickle.loads(state[name])  # noqa: S301 - the user's own file, digest verified


def check_owner(meta: Mapping[str, Any], owner: str, folder: Path) -> None:
    """Raise an error if a file in the folder has another format or belongs to another fit."""
    if meta.get("format") != FORMAT:
        raise CheckpointError(
            f"the checkpoint in {str(folder)!r} has format {meta.get('format')!r}, but this "
            f"version of sktrainer reads format {FORMAT}; resume with the version that wrote "
            "it, or delete the checkpoint folder to start over"
        )
    if meta["owner"] != owner:
        raise CheckpointMismatchError(
            f"the checkpoint in {str(folder)!r} was written for other rows than this split "
            "selects; set random_state on the splitter. To start over, delete the checkpoint "
            "folder"
        )


class FitCheckpoint:
    """Reader and writer of the checkpoints of one fit.

    A backend calls `restore` once, before the first iteration, and `save_if_due` after every
    iteration from which it can resume. The state of the monitor is saved with each
    checkpoint. `owner` is a digest of the run and the rows; checkpoints of another owner
    or of another format are rejected.
    """

    def __init__(
        self,
        files: StateFiles,
        schedule: CheckpointSchedule,
        owner: str,
        signals: SignalHandler,
        monitor: Monitor,
    ) -> None:
        self.resumed_from: int | None = None
        self.ended = False
        self._files = files
        self._schedule = schedule
        self._owner = owner
        self._signals = signals
        self._monitor = monitor
        self._last = 0
        self._write_seconds = 0.0
        self._has_warned = False
        self._last_write = time.perf_counter()
        self._meta: dict[str, Any] = {}
        self._state: StateMembers | None = None
        newest = files.newest()
        if newest is not None:
            number, members = newest
            self._meta = json.loads(members.pop(_META))
            check_owner(self._meta, owner, files.folder)
            self._last, self._state = number, members

    @property
    def segment_length(self) -> int:
        """Rounds per segment, for models that are trained in segments."""
        return self._schedule.every

    @property
    def min_seconds(self) -> float:
        """Minimum time between two checkpoints."""
        return self._schedule.seconds or 0.0

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
        """Return the completed fit that `save_finished_fit` saved, or None."""
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
        outcome = {
            field.name: getattr(fit, field.name)
            for field in fields(fit)
            if field.name not in ("model", "evaluations")
        }
        number = max(fit.n_iter or 1, self._last + 1)  # must be newer than the last state
        self._write(number, lambda: pickle_member(_MODEL, fit.model), {"finished": outcome})

    def defer_signals(self) -> AbstractContextManager[None]:
        """Defer Ctrl-C and SIGTERM to `save_if_due` or `raise_if_interrupted`."""
        return self._signals.deferred()

    def save_if_due(
        self, iteration: int, state: Callable[[], StateMembers], *, end: bool = False
    ) -> None:
        """Report a state from which the fit can resume. Save it if a checkpoint is due.

        `state` returns the members of the state as a mapping of name to bytes. It is called
        only if a checkpoint is due. `end` states whether training is complete, so that this
        state yields the final model.

        Raises
        ------
        TrainingInterrupted
            If a signal was received. The state is saved first.
        CheckpointError
            If the state could not be written.
        """
        interrupted = self._signals.signal is not None
        if (end or interrupted or self._is_due(iteration)) and iteration > self._last:
            start = time.perf_counter()
            self._write(iteration, state, {})
            self._last_write = time.perf_counter()
            self._write_seconds = self._last_write - start
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
        with suppress(OSError, ValueError):
            old = Path(note.read_text(encoding="utf-8"))
            # The note could be damaged: delete only what this function can have created.
            if old.name.startswith(_SCRATCH_PREFIX) and old.parent == Path(
                tempfile.gettempdir()
            ):
                shutil.rmtree(old, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=_SCRATCH_PREFIX))
        try:
            try:
                with atomic_write(note) as part:
                    part.write_text(str(folder), encoding="utf-8")
            except OSError as error:
                raise CheckpointError(str(error)) from error
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            note.unlink(missing_ok=True)

    def raise_if_interrupted(self) -> None:
        """Raise TrainingInterrupted if a signal was received. Save nothing."""
        if self._signals.signal is not None:
            saved = f"the last checkpoint is at iteration {self._last:,}" if self._last else ""
            raise self._signals.error(saved)

    def _is_due(self, iteration: int) -> bool:
        if iteration - self._last < self._schedule.every:
            return False
        if self._schedule.seconds is None:
            return True
        # Wait longer if large states take long to write.
        pause = max(self._schedule.seconds, self._write_seconds / _MAX_TIME_SHARE)
        return time.perf_counter() - self._last_write >= pause

    def _write(
        self, number: int, state: Callable[[], StateMembers], more: Mapping[str, Any]
    ) -> None:
        try:
            members = state()
        except NotPicklableError as error:
            if not self._has_warned:
                warn_caller(
                    f"the model cannot be saved in a checkpoint ({error}), so an interrupted "
                    "fit starts over; define its classes and functions in an importable module",
                    CheckpointWarning,
                )
            self._has_warned = True
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
