"""Callback that writes the local run, and tells the trackers about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sktrainer.callbacks.base import (
    Callback,
    ErrorEvent,
    FitBeginEvent,
    FitEndEvent,
    FoldEndEvent,
    IterationEvent,
)
from sktrainer.tracking.base import FAILED, FINISHED, INTERRUPTED
from sktrainer.tracking.connection import Connection
from sktrainer.tracking.jsonl import ARTIFACTS, JsonlTracker, LocalRun, plain_number
from sktrainer.tracking.registry import tracker_instances

Warn = Callable[[str], None]


class RunRecorder(Callback):
    """Callback of one fit that records it. It never raises an exception.

    Parameters
    ----------
    settings : JsonlTracker
    connections : sequence of Connection
    warn : callable
        Issues a warning.
    """

    may_draw = False  # nothing here uses the global generators, which would cost time

    def __init__(
        self, settings: JsonlTracker, connections: Sequence[Connection], warn: Warn
    ) -> None:
        self.settings = settings
        self.connections = connections
        self.run: LocalRun | None = None
        self._warn = warn
        self._has_failed = False
        self._attempts: dict[int | None, tuple[int, int]] = {}
        self._end: FitEndEvent | None = None

    @property
    def path(self) -> Path | None:
        """Folder of the run."""
        return None if self.run is None else self.run.path

    def start(self, values: Mapping[str, Any], *, parent: str | None) -> Path:
        """Create the folder of the run.

        Parameters
        ----------
        values : mapping
            Plain values for `run.json`.
        parent : str or None
            Id that the fits of one search have in common.

        Raises
        ------
        FileWriteError
            If the folder cannot be written.
        """
        names = ["jsonl", *(connection.name for connection in self.connections)]
        folder = Path(self.settings.folder).expanduser()
        self.run = LocalRun(folder, {**values, "parent": parent, "trackers": names})
        return self.run.path

    def on_fit_begin(self, event: FitBeginEvent) -> None:
        """Write what is known, and let the trackers read the run."""
        self._try(lambda run: run.update(rows=dict(event.n_rows), n_folds=event.n_folds))
        if self.run is not None:
            for connection in self.connections:
                connection.start(self.run.path)

    def on_iteration(self, event: IterationEvent) -> None:
        """Append the metrics of an iteration."""
        last, attempt = self._attempts.get(event.fold, (0, 1))
        if event.iteration <= last:
            attempt += 1  # a retry starts again
        self._attempts[event.fold] = event.iteration, attempt
        row: dict[str, object] = {
            "time": round(time.time(), 3),
            "fold": event.fold,
            "attempt": attempt,
            "iteration": event.iteration,
            "seconds": round(event.seconds, 4),
        }
        for part, values in event.metrics.items():
            for name, value in values.items():
                row[f"{part}/{name}"] = plain_number(value)
        if len(row) > 5:  # some models report iterations without metrics
            self._try(lambda run: run.append(row))

    def on_fold_end(self, event: FoldEndEvent) -> None:
        """Write the scores of a fold."""
        error = None if event.error is None else event.error.partition(":")[0]
        entry = {
            "fold": event.fold,
            "end": time.time(),
            "seconds": event.seconds,
            "scores": {name: plain_number(value) for name, value in event.scores.items()},
            "error": error,
        }

        def add(run: LocalRun) -> None:
            run.update(folds=[*run.values.get("folds", ()), entry])

        self._try(add)

    def on_fit_end(self, event: FitEndEvent) -> None:
        """Keep the scores until `finish`."""
        self._end = event

    def on_error(self, event: ErrorEvent) -> None:
        """End the run. The message of the error may contain data, so only its type is kept."""
        interrupted = isinstance(event.error, KeyboardInterrupt)
        name = type(event.error).__name__
        self._close(INTERRUPTED if interrupted else FAILED, error=name)

    def finish(self, write_artifacts: Callable[[Path, bool], object]) -> None:
        """Write the artifacts and the scores, end the run, and wait for the trackers.

        Parameters
        ----------
        write_artifacts : callable
            Called with the folder, and whether to write the HTML report and the model, too.
        """
        is_search = self.run is not None and self.run.values["parent"] is not None
        complete = (bool(self.connections) or self.settings.artifacts) and not is_search
        self._try(lambda run: write_artifacts(run.path / ARTIFACTS, complete))
        values: dict[str, object] = {}
        if self._end is not None:
            values = {
                "scores": {
                    part: {name: plain_number(value) for name, value in scores.items()}
                    for part, scores in self._end.scores.items()
                },
                "seconds": self._end.seconds,
                "stop_reason": self._end.stop_reason,
                "n_iter": self._end.n_iter,
                "best_iteration": self._end.best_iteration,
            }
        self._close(FINISHED, **values)

    def _close(self, status: str, **values: object) -> None:
        self._try(lambda run: run.end(status, **values))
        run = self.run
        if run is None:
            return
        run.close()  # also if the last write failed
        is_search = run.values["parent"] is not None
        for connection in self.connections:
            # The fits of a search do not wait: the tracker receives them in the background.
            problem = connection.finish(run.path, wait=not is_search)
            if problem and connection.warns_about(run.values["parent"] or run.values["id"]):
                self._warn(problem)

    def _try(self, write: Callable[[LocalRun], object]) -> None:
        """Write to the run. After an error, warn once and write nothing more."""
        if self.run is None or self._has_failed:
            return
        try:
            write(self.run)
        except Exception as error:  # tracking must never stop a fit
            self._has_failed = True
            self._warn(
                f"the run in {str(self.run.path)!r} is incomplete: {error}. The fit is not "
                "affected"
            )


def make_recorder(trackers: object, warn: Warn) -> RunRecorder | None:
    """Return the recorder for the parameter `trackers`, or None without trackers.

    Raises
    ------
    ImportError
        If the package of a tracker is not installed.
    """
    found = tracker_instances(trackers)
    if not found:
        return None
    settings = next((t for t in found if isinstance(t, JsonlTracker)), JsonlTracker())
    others = [t for t in found if not isinstance(t, JsonlTracker)]
    return RunRecorder(settings, [Connection(tracker) for tracker in others], warn)
