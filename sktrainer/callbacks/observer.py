"""Observer of a run: passes every iteration to the display and to the callbacks."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from sktrainer.callbacks.base import CallbackList, IterationEvent, MetricValues
from sktrainer.callbacks.early_stopping import Monitor
from sktrainer.callbacks.progress import FitDisplay, Progress
from sktrainer.exceptions import CallbackError
from sktrainer.runtime.global_state import exclusive_global_state

if TYPE_CHECKING:
    from sktrainer.callbacks.sklearn_callbacks import FitTask


Send: TypeAlias = "Callable[[IterationEvent | PartEvent], bool]"


class Observer(Protocol):
    """Observer in the process of the run, or a connection to it from another process."""

    def fit(
        self, label: str, total: int | None, fold: int | None = None
    ) -> AbstractContextManager[FitObserver | None]:
        """Observe one fit. The value is None if nobody reads its iterations."""


@dataclass(frozen=True)
class PartEvent:
    """Iteration of a fit inside another one, which is only shown.

    Attributes
    ----------
    event : IterationEvent
    label : str or None
        Name of the part. None: that of the fit.
    """

    event: IterationEvent
    label: str | None


class FitObserver:
    """The `on_iteration` of one `Monitor`: makes an event of each iteration and passes it on.

    Parameters
    ----------
    send : callable or None
        Called as ``send(event)``; returns whether to stop. None: only `task` is observed.
    total : int or None
        Maximum number of iterations.
    fold : int or None
    pause : float
        Seconds between two iterations that are sent; 0: every iteration.
    shown_pause : float or None, default=None
        The same for iterations that are only shown. None: nothing is shown.

    Attributes
    ----------
    error : CallbackError or None
        Error of a callback. It has stopped the fit, and is raised afterwards.
    task : FitTask or None
        The fit as a task for scikit-learn's callbacks.
    iteration_name : str
        Name of an iteration in this task.
    """

    def __init__(
        self,
        send: Send | None,
        total: int | None,
        fold: int | None,
        pause: float,
        shown_pause: float | None = None,
    ) -> None:
        self.error: CallbackError | None = None
        self.task: FitTask | None = None
        self.iteration_name = "iteration"
        self._send = send
        self._total = total
        self._fold = fold
        self._pause = pause
        self._shown_pause = shown_pause
        self._start = time.monotonic()
        self._next = self._start + pause
        self._monitor: Monitor | None = None

    def set_monitor(self, monitor: Monitor) -> None:
        """Read the best iteration and the patience from this monitor."""
        self._monitor = monitor

    @property
    def reads_models(self) -> bool:
        """Whether a callback reads the model after each iteration."""
        return self.task is not None and self.task.reads_models

    def __call__(self, iteration: int, values: MetricValues) -> bool:
        stop, now = False, time.monotonic()
        try:
            if self._send is not None and now >= self._next:
                self._next = now + self._pause
                stop = self._send(self._event(iteration, values, now - self._start))
            if self.task is not None:
                snapshot = None if self._monitor is None else self._monitor.snapshot
                name = self.iteration_name
                stop = self.task.end_iteration(name, iteration, snapshot) or stop
        except CallbackError as error:
            self.error = error
            return True
        return stop

    def pass_on(self, event: IterationEvent, *, at_once: bool = False) -> None:
        """Send an iteration of another observer, unless one was sent a moment ago."""
        now = time.monotonic()
        if self._send is not None and (at_once or now >= self._next):
            self._next = now + self._pause
            self._send(event)

    def part(
        self, label: str | None, total: int | None, task: FitTask | None
    ) -> FitObserver | None:
        """Return the observer of a fit inside this one; None if nobody reads it.

        It is shown, and is a task for scikit-learn's callbacks. Other callbacks do not get its
        iterations. `label` has the place of the part: "1/5".
        """
        send, pause = self._send, self._shown_pause
        shown = None
        if send is not None and pause is not None:
            prefix = "inner fold" if self._fold is None else f"fold {self._fold}, inner"
            name = None if label is None else f"{prefix} {label}"

            def shown(event: IterationEvent | PartEvent) -> bool:
                assert isinstance(event, IterationEvent)
                return send(PartEvent(event, name))

        if shown is None and task is None:
            return None
        inner = FitObserver(shown, total, self._fold, pause or 0.0)
        inner.task, inner.iteration_name = task, self.iteration_name
        return inner

    def without_task(self) -> FitObserver:
        """Return an observer for the same readers other than scikit-learn's callbacks."""
        other = copy.copy(self)
        other.task = None
        return other

    def raise_error(self) -> None:
        """Raise the error of a callback, if there was one."""
        if self.error is not None:
            raise self.error

    def _event(self, iteration: int, values: MetricValues, seconds: float) -> IterationEvent:
        monitor = self._monitor
        if monitor is None:
            return IterationEvent(
                self._fold,
                iteration,
                self._total,
                values,
                "",
                None,
                float("nan"),
                None,
                seconds,
            )
        name, shown = monitor.watched[0], monitor.metric.shown_name
        if shown and shown != name:
            values = {
                part: {shown if metric == name else metric: v for metric, v in of.items()}
                for part, of in values.items()
            }
        return IterationEvent(
            fold=self._fold,
            iteration=iteration,
            max_iter=self._total,
            metrics=values,
            metric=shown or name,
            best_iteration=monitor.best_iteration,
            best_value=monitor.best_value,
            patience=monitor.patience,
            seconds=seconds,
            greater_is_better=monitor.watched[1],
        )


class RunObserver:
    """Observer in the process of the run. Thread-safe.

    Parameters
    ----------
    progress : Progress
    callbacks : CallbackList

    Attributes
    ----------
    model_is_trained : bool
        Whether the errors of callbacks are warnings, because they must not discard a model.
    has_ended : bool
        Whether connections that send nothing are closed.
    """

    def __init__(self, progress: Progress, callbacks: CallbackList) -> None:
        self.progress = progress
        self.callbacks = callbacks
        self.model_is_trained = False
        self.has_ended = False
        self._lock = threading.RLock()

    @property
    def reads_every_iteration(self) -> bool:
        """Whether a callback reads the iterations, or each one is printed."""
        return self.callbacks.reads_iterations or self.progress.verbose > 1

    @property
    def is_active(self) -> bool:
        """Whether iterations are read at all."""
        return self.callbacks.reads_iterations or self.progress.enabled

    @contextmanager
    def fit(
        self, label: str, total: int | None, fold: int | None = None
    ) -> Iterator[FitObserver | None]:
        """Observe one fit. Yield None if nobody reads its iterations."""
        if not self.is_active:
            yield None
            return
        with self.progress.fit_line(label, total) as display:
            shown = None if display is None else display.pause
            pause = 0.0 if self.reads_every_iteration or shown is None else shown

            def send(event: IterationEvent | PartEvent) -> bool:
                return self.receive(event, display)

            yield FitObserver(send, total, fold, pause, shown)

    def fit_ended(self, label: str, last: IterationEvent | None) -> None:
        """Do nothing. Called when a fit of another process has ended."""

    def receive(self, event: IterationEvent | PartEvent, display: FitDisplay | None) -> bool:
        """Show an iteration, call the callbacks, and return whether to stop the fit.

        Raises
        ------
        CallbackError
            If a callback raises an exception.
        """
        if isinstance(event, PartEvent):
            if display is not None:
                display.show(event.event, event.label, is_part=True)
            return False
        if display is not None:
            display.show(event)
        return self.call("on_iteration", event) if self.callbacks.reads_iterations else False

    def call(self, method: str, event: Any) -> bool:
        """Call a method of the callbacks, which may draw from the global generators."""
        if not self.callbacks:
            return False
        warn = self.progress.warn if self.model_is_trained else None
        state = exclusive_global_state() if self.callbacks.may_draw else nullcontext()
        with state, self._lock:  # in this order, as in the fit of a network
            return self.callbacks.call(method, event, warn)


def with_task(
    observer: FitObserver | None, task: FitTask | None, total: int | None, name: str
) -> FitObserver | None:
    """Return the observer of a fit that is also a task with iterations of this name."""
    if task is None:
        return observer
    observer = observer or FitObserver(None, total, None, 0.0)
    observer.task, observer.iteration_name = task, name
    return observer
