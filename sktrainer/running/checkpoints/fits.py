"""The checkpoints of one fit of one model: what a backend sees of them."""

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

from sktrainer.exceptions import (
    CheckpointError,
    CheckpointMismatchError,
    CheckpointWarning,
    warn_caller,
)
from sktrainer.running.checkpoint import Rhythm
from sktrainer.running.checkpoints.interrupts import Interrupts
from sktrainer.running.checkpoints.states import StateFiles
from sktrainer.running.early_stopping import Monitor
from sktrainer.running.files import written_whole
from sktrainer.types import ModelFit

__all__ = ["FitCheckpoint", "Found", "State", "other_rows", "pickled", "unpickled"]

State = Mapping[str, bytes]
FORMAT = 1
_META, _MODEL = "checkpoint.json", "model.pickle"
_SCRATCH = "sktrainer-scratch-"
_SHARE_OF_TIME = 0.1
"""Where the rhythm is one of time, writing may take no more than this share of it."""


@dataclass(frozen=True)
class Found:
    """What a fit goes on from: its state after `iteration` iterations."""

    iteration: int
    state: State


class _CannotBeKeptError(Exception):
    """A part of a model is of a class or a function that no other process can import."""


def pickled(name: str, value: Any) -> State:
    """Return one file: for what is an object of any class, nested without end.

    docs/checkpoints.md says whom a folder with such files asks to be trusted.
    """
    try:
        return {name: pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)}
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise _CannotBeKeptError(str(error)) from error


def unpickled(name: str, state: State) -> Any:
    """Return the value that `pickled` was given."""
    return pickle.loads(state[name])  # noqa: S301 - the caller's own, checked by its digest


def other_rows(folder: Path) -> CheckpointMismatchError:
    """Return the error for a checkpoint of the same run on rows that were drawn otherwise."""
    return CheckpointMismatchError(
        f"{str(folder)!r} holds a checkpoint of other rows than those that were drawn now; "
        "give the splitter a random_state. To start afresh, delete the checkpoint folder"
    )


def _write_note(note: Path, folder: Path) -> None:
    try:
        with written_whole(note) as part:
            part.write_text(str(folder), encoding="utf-8")
    except OSError as error:
        raise CheckpointError(f"{str(note)!r} cannot be written ({error})") from error


def _clear_scratch(note: Path) -> None:
    with suppress(OSError, ValueError):
        left = Path(note.read_text(encoding="utf-8"))
        if left.name.startswith(_SCRATCH) and left.parent == Path(tempfile.gettempdir()):
            shutil.rmtree(left, ignore_errors=True)


class FitCheckpoint:
    """Writes the state of a fit as often as the rhythm says, and finds the newest one.

    A backend calls `found` once, before its first iteration, and `reached` after every
    iteration that it can go on from. The monitor's state goes with the backend's.

    Parameters
    ----------
    files : StateFiles
    rhythm : Rhythm
    owner : str
        Digest of the run and of the rows; states of another owner are refused.
    interrupts : Interrupts
    monitor : Monitor
    """

    def __init__(
        self,
        files: StateFiles,
        rhythm: Rhythm,
        owner: str,
        interrupts: Interrupts,
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
    def segment(self) -> int:
        """Rounds of a segment, for a model that is trained in segments."""
        return self._rhythm.every

    @property
    def seconds(self) -> float:
        """Least time between two checkpoints."""
        return self._rhythm.seconds or 0.0

    def found(self, *, replayed: bool = False) -> Found | None:
        """Return what to go on from, and put the monitor where it stood; None: begin.

        The monitor is left alone where the library will tell it all of the history anew.
        """
        if self._state is None:
            return None
        self.resumed_from = self._last
        if not replayed:
            self._monitor.restore(self._meta["monitor"])
        return Found(self._last, self._state)

    def finished(self) -> ModelFit | None:
        """Return the whole fit where it had ended, for a backend that cannot go to the end."""
        outcome = self._meta.get("finished")
        if outcome is None or self._state is None:
            return None
        self.found()
        model = unpickled(_MODEL, self._state)
        return ModelFit(model, evaluations=self._monitor.evaluations, **outcome)

    def finish(self, fit: ModelFit) -> None:
        """Keep the fitted model, where the last state is not one that leads to it."""
        if self.ended:
            return
        own = [
            field.name for field in fields(fit) if field.name not in ("model", "evaluations")
        ]
        outcome = {name: getattr(fit, name) for name in own}
        number = max(fit.n_iter or 1, self._last + 1)
        self._write(number, lambda: pickled(_MODEL, fit.model), {"finished": outcome})

    @contextmanager
    def polled(self) -> Iterator[None]:
        """Let Ctrl-C and SIGTERM wait, inside, for the next `reached` or `poll`."""
        with self._interrupts.polled():
            yield

    def reached(self, iteration: int, state: Callable[[], State], *, end: bool = False) -> None:
        """Say that a fit can go on from here; write that down where it is time.

        Parameters
        ----------
        iteration : int
            Iterations done so far.
        state : callable
            Returns the members of the state, as bytes by name; called where it is time.
        end : bool, default=False
            The fit is over, and from this state leads to its model without training.

        Raises
        ------
        TrainingInterrupted
            A signal asked for it; the state is written.
        CheckpointError
            The state could not be written.
        """
        asked = self._interrupts.signal is not None
        if (end or asked or self._is_due(iteration)) and iteration > self._last:
            start = time.perf_counter()
            self._write(iteration, state, {})
            self._clock = time.perf_counter()
            self._cost = self._clock - start
        self.ended = end
        if not end:
            self.poll()

    def keep(self, iteration: int, state: State) -> None:
        """Write a state that the library made by a rhythm of its own."""
        self._write(max(iteration, self._last + 1), lambda: state, {})

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Lend an empty folder for files of the library's own; gone after.

        It is not on the checkpoint's disk but where the system keeps such files: a library
        may end the process where its disk is full. A note tells where, so that the next
        fit clears away what a killed one left.
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

    def poll(self) -> None:
        """End the fit where a signal asked for it; what was written last stands."""
        if self._interrupts.signal is not None:
            saved = f"the checkpoint holds {self._last:,} iterations" if self._last else ""
            raise self._interrupts.error(saved)

    def _is_due(self, iteration: int) -> bool:
        if iteration - self._last < self._rhythm.every:
            return False
        if self._rhythm.seconds is None:
            return True
        pause = max(self._rhythm.seconds, self._cost / _SHARE_OF_TIME)
        return time.perf_counter() - self._clock >= pause

    def _write(self, number: int, state: Callable[[], State], more: Mapping[str, Any]) -> None:
        try:
            members = state()
        except _CannotBeKeptError as error:
            if not self._is_unkept:
                warn_caller(
                    f"the model cannot be kept in a checkpoint ({error}), and a fit that is "
                    "killed begins anew; use classes and functions that can be imported",
                    CheckpointWarning,
                )
            self._is_unkept = True
            return
        meta = {
            "format": FORMAT,
            "owner": self._owner,
            "iteration": number,
            "monitor": self._monitor.state(),
            **more,
        }
        self._files.write(number, {_META: json.dumps(meta).encode(), **members})
        self._last = number

    def _load(self) -> tuple[dict[str, Any], State | None]:
        newest = self._files.newest()
        if newest is None:
            return {}, None
        number, members = newest
        meta = json.loads(members.pop(_META))
        if meta["owner"] != self._owner:
            raise other_rows(self._files.folder)
        self._last = number
        return meta, members
