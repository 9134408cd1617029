"""Stage timer, progress, notes and warnings of one fit."""

from __future__ import annotations

import pickle
import re
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import Any

import pandas as pd

from sktrainer.callbacks.base import (
    CallbackList,
    ErrorEvent,
    FitBeginEvent,
    FitEndEvent,
    StageEvent,
    is_callback,
)
from sktrainer.callbacks.observer import FitObserver, RunObserver, with_task
from sktrainer.callbacks.progress import Progress
from sktrainer.callbacks.sklearn_callbacks import FitTask
from sktrainer.exceptions import CallbackError, SktrainerWarning
from sktrainer.reporting.content import LibraryWarning
from sktrainer.runtime.memory import MemoryUse
from sktrainer.runtime.stopwatch import Stopwatch, Usage

_LOCK = threading.Lock()
_LOGS: list[tuple[int, FitLog]] = []  # of the fits that are running, and their threads
_PREVIOUS: list[Callable[..., None]] = []
_SHOW_BY_DEFAULT: Callable[..., None] = warnings._showwarning_orig  # type: ignore[attr-defined]
MAX_NOTES = 50  # a library may warn in each iteration


def _show_and_record(message: Any, category: type[Warning], *args: Any, **kwargs: Any) -> None:
    """Show a warning as before, and add it to the notes of the fit that caused it."""
    show = _PREVIOUS[-1] if _PREVIOUS else _SHOW_BY_DEFAULT
    show(message, category, *args, **kwargs)
    thread = threading.get_ident()
    logs = [log for owner, log in _LOGS if owner == thread]
    # A thread that a model starts has no log. With fits in several threads, its fit is unknown.
    if not logs and len({owner for owner, _ in _LOGS}) == 1:
        logs = [log for _, log in _LOGS]
    if not logs:
        return
    text = " ".join(str(message).split())
    if issubclass(category, SktrainerWarning):
        logs[-1].add_new_notes([text])
    else:
        logs[-1].add_library_warning(category.__name__, text)


def warning_filters() -> list[Any]:
    """Return the warning filters for a worker process, in which warnings are never errors."""
    filters = [
        ("default" if action == "error" else action, *rest)
        for action, *rest in warnings.filters
    ]
    try:
        pickle.dumps(filters)
    except Exception:  # a category that another process cannot import
        return []
    return filters


@contextmanager
def use_warning_filters(filters: Sequence[Any]) -> Iterator[None]:
    """Use warning filters in a worker process, if there are any."""
    if not filters:
        yield
        return
    with warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.filters[:] = filters  # type: ignore[index]
        yield


class FitLog:
    """Log of one fit: usage per stage, notes for the report, and output on the terminal.

    `notes` are for the report, in the order in which they were added. `task` passes the fit to
    scikit-learn's callbacks.
    """

    def __init__(
        self,
        verbose: int = 0,
        callbacks: Sequence[object] = (),
        task: FitTask | None = None,
        watch: Stopwatch | None = None,
    ) -> None:
        self.notes: list[str] = []
        self.task = task
        self._warnings: dict[tuple[str, str], LibraryWarning] = {}
        self._running: list[str] = []
        # A callback that a search has passed on may get the events of this fit, too.
        others = [] if task is None else [c for c in task.callbacks if is_callback(c)]
        if others:
            others = [c for c in others if all(c is not own for own in callbacks)]
        shows_progress = any(getattr(c, "shows_progress", False) for c in others)
        self._verbose = 0 if shows_progress else verbose
        self._callbacks = [*callbacks, *others] if others else callbacks
        self._has_begun = False
        self._watch = watch or Stopwatch()

    @cached_property
    def progress(self) -> Progress:
        """Terminal output. Created on first use, because `verbose` may be invalid before."""
        return Progress(self._verbose)

    @cached_property
    def observer(self) -> RunObserver:
        """Observer of the run: the terminal output and the callbacks."""
        return RunObserver(self.progress, CallbackList(self._callbacks))

    def add_callback(self, callback: object) -> None:
        """Add a callback before the fit begins. It is called after those of the user."""
        self._callbacks = (*self._callbacks, callback)

    def begin(self, event: FitBeginEvent) -> None:
        """Call the callbacks when the fit begins. Before, they get no other events."""
        self._has_begun = True
        self.observer.call("on_fit_begin", event)

    def keep_model(self) -> None:
        """Show errors of callbacks as warnings from now on, because a model is trained."""
        self.observer.model_is_trained = True

    def end(self, event: FitEndEvent) -> None:
        """Call the callbacks at the end of the fit."""
        self.observer.call("on_fit_end", event)

    @contextmanager
    def report_errors(self) -> Iterator[None]:
        """Call the callbacks if the enclosed block raises an exception."""
        try:
            yield
        except BaseException as error:
            if self._has_begun:
                try:
                    self.observer.call("on_error", ErrorEvent(error))
                except CallbackError as other:  # must not hide the error
                    error.add_note(str(other))
            raise

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the enclosed block. Usage of a repeated name is merged."""
        if self._has_begun:
            self.observer.call("on_stage", StageEvent(name))
        self._running.append(name)
        try:
            with self._watch.stage(name):
                yield
        finally:
            self._running.pop()

    def measure(self) -> AbstractContextManager[None]:
        """Measure the enclosed fit as a whole."""
        return self._watch.whole_fit()

    def add_usage(self, stage: str, usage: Usage) -> None:
        """Add what was measured in another process, or by the library."""
        self._watch.add(stage, usage)

    def seconds(self, *stages: str) -> float:
        """Return the total seconds of these stages, or of the whole fit if none is named."""
        return self._watch.usage(*stages).seconds if stages else self._watch.elapsed

    def usage(self, *stages: str) -> Usage:
        """Return the merged usage of these stages."""
        return self._watch.usage(*stages)

    @property
    def memory_increase_mb(self) -> float:
        """Memory that the whole fit has added so far; NaN if it is unknown."""
        return self._watch.memory_increase_mb

    @property
    def fullest(self) -> MemoryUse | None:
        """The moment of the fit with the least memory left, if it is known."""
        return self._watch.fullest

    def stages(self) -> pd.DataFrame:
        """Return one row per stage with what it used."""
        return self._watch.to_frame()

    def add_library_warning(self, category: str, message: str) -> None:
        """Add a warning of a library in the stage that is running."""
        stage = self._running[-1] if self._running else ""
        stages = (stage,) if stage else ()
        self._add_warning(
            LibraryWarning(category=category, message=message, stages=stages, count=1)
        )

    def add_library_warnings(
        self, warnings_of_fold: Iterable[LibraryWarning], fold: int
    ) -> None:
        """Add the warnings of a fold."""
        for each in warnings_of_fold:
            stages = tuple(f"fold {fold}: {stage}" for stage in each["stages"])
            self._add_warning({**each, "stages": stages})

    def _add_warning(self, new: LibraryWarning) -> None:
        # The same warning often has other numbers in each iteration.
        key = (new["category"], re.sub(r"\d+", "", new["message"]))
        known = self._warnings.get(key)
        if known is not None:
            stages = tuple(dict.fromkeys((*known["stages"], *new["stages"])))
            count = known["count"] + new["count"]
            self._warnings[key] = {**known, "stages": stages, "count": count}
        elif len(self._warnings) < MAX_NOTES:
            self._warnings[key] = new

    def library_warnings(self) -> tuple[LibraryWarning, ...]:
        """Return the warnings of libraries, without repetitions."""
        return tuple(self._warnings.values())

    def add_notes(self, *notes: str) -> None:
        """Add notes to the report."""
        self.notes += notes

    def add_new_notes(self, notes: Iterable[str]) -> None:
        """Add notes about warnings that are not in the report yet, up to a limit."""
        for note in notes:
            if note not in self.notes and len(self.notes) < MAX_NOTES:
                self.add_notes(note)

    def show(self, text: str) -> None:
        """Print a line for a completed stage."""
        self.progress.show(text)

    def add_warning(self, text: str, category: type[Warning]) -> None:
        """Print or issue a warning, and add it to the notes of the report."""
        if text not in self.notes:
            self.add_notes(text)
        self.progress.warn(text, category)

    @contextmanager
    def record_warnings(self) -> Iterator[None]:
        """Add the warnings that are shown in the enclosed block to the notes.

        They are still shown. Warnings of a thread that has its own log are not added.
        """
        thread = threading.get_ident()
        with _LOCK:
            if not _LOGS:
                # `catch_warnings` in another thread may restore this function after the fit.
                is_stale = warnings.showwarning is _show_and_record
                _PREVIOUS.append(_SHOW_BY_DEFAULT if is_stale else warnings.showwarning)
                warnings.showwarning = _show_and_record
            _LOGS.append((thread, self))
        try:
            yield
        finally:
            with _LOCK:
                _LOGS.remove((thread, self))
                if not _LOGS:
                    warnings.showwarning = _PREVIOUS.pop()

    @contextmanager
    def iterations(
        self,
        name: str,
        total: int | None,
        task: FitTask | None = None,
        iteration_name: str = "iteration",
    ) -> Iterator[FitObserver | None]:
        """Show the iterations of the enclosed fit. Yield None if nobody reads them."""
        with self.observer.fit(name, total) as observer:
            yield with_task(observer, task, total, iteration_name)
