"""Observer of a run: passes every iteration to the display and to the callbacks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from sktrainer.callbacks.base import CallbackList, IterationEvent, MetricValues
from sktrainer.callbacks.early_stopping import Monitor
from sktrainer.callbacks.progress import FitDisplay, Progress
from sktrainer.exceptions import CallbackError


class Observer(Protocol):
    """Observer in the process of the run, or a connection to it from another process."""

    def fit(
        self, label: str, total: int | None, fold: int | None = None
    ) -> AbstractContextManager[FitObserver | None]:
        """Observe one fit. The value is None if nobody reads its iterations."""


class FitObserver:
    """The `on_iteration` of one `Monitor`: makes an event of each iteration and passes it on.

    Parameters
    ----------
    send : callable
        Called as ``send(event)``; returns whether to stop.
    total : int or None
        Maximum number of iterations.
    fold : int or None
    pause : float
        Seconds between two iterations that are sent; 0: every iteration.

    Attributes
    ----------
    error : CallbackError or None
        Error of a callback. It has stopped the fit, and is raised afterwards.
    """

    def __init__(
        self,
        send: Callable[[IterationEvent], bool],
        total: int | None,
        fold: int | None,
        pause: float,
    ) -> None:
        self.error: CallbackError | None = None
        self._send = send
        self._total = total
        self._fold = fold
        self._pause = pause
        self._start = time.monotonic()
        self._next = self._start + pause
        self._monitor: Monitor | None = None

    def set_monitor(self, monitor: Monitor) -> None:
        """Read the best iteration and the patience from this monitor."""
        self._monitor = monitor

    def __call__(self, iteration: int, values: MetricValues) -> bool:
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._pause
        try:
            return self._send(self._event(iteration, values, now - self._start))
        except CallbackError as error:
            self.error = error
            return True

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
        )


class RunObserver:
    """Observer in the process of the run. Thread-safe.

    Parameters
    ----------
    progress : Progress
    callbacks : CallbackList
    """

    def __init__(self, progress: Progress, callbacks: CallbackList) -> None:
        self.progress = progress
        self.callbacks = callbacks
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
            pause = 0.0 if self.reads_every_iteration or display is None else display.pause

            def send(event: IterationEvent) -> bool:
                return self.receive(event, display)

            yield FitObserver(send, total, fold, pause)

    def receive(self, event: IterationEvent, display: FitDisplay | None) -> bool:
        """Show an iteration, call the callbacks, and return whether to stop the fit.

        Raises
        ------
        CallbackError
            If a callback raises an exception.
        """
        with self._lock:
            if display is not None:
                display.show(event)
            return self.callbacks.call("on_iteration", event)

    def call(self, method: str, event: Any) -> None:
        """Call another method of the callbacks."""
        with self._lock:
            self.callbacks.call(method, event)
