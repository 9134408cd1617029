"""Progress of a hyperparameter search: one line for the search, one for each running fit."""

from __future__ import annotations

import math
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from sktrainer.callbacks.base import CallbackList, ErrorEvent, IterationEvent
from sktrainer.callbacks.observer import FitObserver, RunObserver
from sktrainer.callbacks.progress import FitDisplay, Progress

if TYPE_CHECKING:
    from sktrainer.callbacks.connection import RemoteObserver


class SearchProgress:
    """Live progress of a search of scikit-learn over a trainer, also in other processes.

    Pass it to the search: `GridSearchCV(trainer, ...).set_callbacks(SearchProgress())`. The
    first line shows the number of fits that are done, the best validation value so far and the
    time left. Below it is one line for each fit that is running. Without a terminal or a
    notebook, a plain line is written every five seconds. The trainers print nothing themselves.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sktrainer import ManagedTrainer, SearchProgress
    >>> X, y = load_iris(return_X_y=True)
    >>> trainer = ManagedTrainer(LogisticRegression())
    >>> search = GridSearchCV(trainer, {"estimator__C": [0.1, 1.0]}, cv=2)
    >>> search = search.set_callbacks(SearchProgress()).fit(X, y)  # doctest: +ELLIPSIS
    ✓ GridSearchCV: 4 fits and the refit in ... s
    """

    max_propagation_depth = None  # also through a Pipeline
    shows_progress = True

    def __init__(self) -> None:
        self._observer: RemoteObserver | None = None
        self._run: _SearchRun | None = None
        self._fits = threading.local()

    def setup(self, estimator: Any, context: Any) -> None:
        """Start the display."""
        from sktrainer.callbacks.connection import accept_observers

        self._run = _SearchRun(type(estimator).__name__)
        self._observer = self._run.stack.enter_context(accept_observers(self._run))

    def teardown(self, estimator: Any, context: Any) -> None:
        """End the display."""
        run, self._run, self._observer = self._run, None, None
        if run is not None:
            run.end()

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Show a fit, or read the number of fits of the search."""
        if self._run is not None and context.task_name == "search":
            self._run.begin_search(context.max_subtasks)
        if self._observer is None or not _is_fit(context):
            return
        self._close()  # a fit that failed
        stack = ExitStack()
        is_refit = context.source_task_name == "refit-with-best-params"
        label = "refit" if is_refit else f"fit {context.task_id + 1}"
        observer = stack.enter_context(self._observer.fit(label, None))
        self._fits.current, self._fits.last = (stack, observer), None

    def on_fit_task_end(self, estimator: Any, context: Any) -> None:
        """Remove the line of a fit, or note that the search has ended without an error."""
        if self._run is not None and context.parent is None:
            self._run.succeeded = True
        found = getattr(self._fits, "current", None)
        if found is not None and _is_fit(context):
            if found[1] is not None and self._fits.last is not None:
                found[1].pass_on(self._fits.last, at_once=True)
            self._close()

    def on_error(self, event: ErrorEvent) -> None:
        """Remove the line of a fit that failed."""
        self._close()

    def _close(self) -> None:
        found = getattr(self._fits, "current", None)
        if found is not None:
            self._fits.current = None
            found[0].close()

    def on_iteration(self, event: IterationEvent) -> None:
        """Show an iteration of the fit of this thread."""
        found = getattr(self._fits, "current", None)
        observer: FitObserver | None = None if found is None else found[1]
        if observer is not None and event.fold is None:
            self._fits.last = event
            observer.pass_on(event)

    def __getstate__(self) -> dict[str, Any]:
        # The display stays in the process of the search.
        return {"_observer": self._observer}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]
        self._observer = state["_observer"]


def _is_fit(context: Any) -> bool:
    """Return whether a task is a fit of a trainer that a search has started."""
    return context.source_task_name in ("candidate-split-evaluation", "refit-with-best-params")


class _SearchRun(RunObserver):
    """Observer of the fits of a search, in the process of the search."""

    def __init__(self, name: str) -> None:
        super().__init__(Progress(1), CallbackList())
        self.stack = ExitStack()
        self._name = name
        self._start = time.monotonic()
        self._total: int | None = None
        self._line: FitDisplay | None = None
        self._n_done = self._n_fits = 0
        self._best: tuple[float, int, str] | None = None
        self.succeeded = False

    def begin_search(self, n_fits: int | None) -> None:
        """Show the line of the search."""
        self._total = n_fits
        if self._line is None:
            line = self.progress.fit_line(self._name, n_fits)
            self._line = self.stack.enter_context(line)

    def fit_ended(self, label: str, last: IterationEvent | None) -> None:
        """Count a fit that has ended, and compare it with the best one."""
        with self._lock:
            self._n_fits += 1
            if label == "refit" or self._line is None:
                return
            self._n_done += 1
            if last is not None and not math.isnan(last.best_value):
                value = last.best_value if last.greater_is_better else -last.best_value
                text = f"best validation {last.metric} {last.best_value:#.4g} in {label}"
                # Of equal values, that of the first fit, in whatever order the fits end.
                found = value, -int(label.removeprefix("fit ")), text
                self._best = found if self._best is None else max(self._best, found)
            parts = [] if self._best is None else [self._best[2]]
            seconds = time.monotonic() - self._start
            self._line.show_count(self._n_done, self._total, parts, seconds)

    def end(self) -> None:
        """Remove the display, and print the number of fits and the time."""
        self.has_ended = True
        self.stack.close()
        if not self.succeeded:
            return
        rest = self._n_fits - self._n_done
        text = f"{self._name}: {self._n_done:,} fits" + (" and the refit" if rest else "")
        best = "" if self._best is None else f", {self._best[2]}"
        self.progress.show(f"{text} in {time.monotonic() - self._start:.1f} s{best}")
