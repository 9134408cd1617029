"""Progress output of a fit: one line per stage, progress bars and warnings."""

from __future__ import annotations

import multiprocessing
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from sktrainer.callbacks.early_stopping import MetricValues, Monitor
from sktrainer.exceptions import SktrainerWarning, warn_caller

if TYPE_CHECKING:
    from sktrainer.callbacks.progress_bars import ProgressBars

_ASCII = str.maketrans({"✓": "+", "⚠": "!", "±": "+/-", "…": "..."})
_SECONDS_BETWEEN_LINES = 10.0
_SECONDS_BETWEEN_UPDATES = 0.1


class Progress:
    """Progress output of a fit. Thread-safe, and active in the main process only.

    Parameters
    ----------
    verbose : int, default=0
        0: silent, warnings use the `warnings` module. 1: stages and progress bars. 2:
        every iteration.
    stream : text stream or None, default=None
        If None, the value of `sys.stdout` at the time of writing.

    Examples
    --------
    >>> progress = Progress(verbose=1)
    >>> progress.show_fold(1, 5, {"roc_auc": 0.91}, seconds=1.25)
      fold 1/5  roc_auc 0.9100  1.2 s
    """

    def __init__(self, verbose: int = 0, stream: TextIO | None = None) -> None:
        self.verbose = int(verbose)
        self._stream = stream
        self._lock = threading.RLock()
        self._bars: ProgressBars | None = None
        is_main_process = multiprocessing.current_process().name == "MainProcess"
        self._enabled = self.verbose > 0 and is_main_process

    def show(self, text: str) -> None:
        """Print a line for a completed stage."""
        if self._enabled:
            self._write(f"✓ {text}")

    def warn(self, text: str, category: type[Warning] = SktrainerWarning) -> None:
        """Print a warning, or issue it as a Python warning if output is disabled."""
        if self._enabled:
            self._write(f"⚠ {text}")
        else:
            warn_caller(text, category)

    def show_block(self, make_text: Callable[[], str]) -> None:
        """Print an aligned table, indented by four spaces; make it only if it is printed."""
        if self._enabled and (text := make_text()):
            self._write("\n".join(f"    {line}".rstrip() for line in text.splitlines()))

    def show_fold(
        self,
        number: int,
        n_folds: int,
        scores: Mapping[str, float],
        *,
        seconds: float,
        error: str | None = None,
    ) -> None:
        """Print the first three scores of fold `number` (from 1), or the error if it failed."""
        if not self._enabled:
            return
        name = f"fold {number:>{len(str(n_folds))}}/{n_folds}"
        if error is not None:
            self._write(f"⚠ {name} failed after {seconds:.1f} s: {error}")
            return
        first = [f"{metric} {_short(value)}" for metric, value in list(scores.items())[:3]]
        self._write("  ".join([f"  {name}", *first, f"{seconds:.1f} s"]))

    @contextmanager
    def iterations(self, label: str, total: int | None = None) -> Iterator[IterationDisplay]:
        """Show the iterations of one fit while it runs.

        With `verbose=1`, show a bar on a terminal and one line about every ten seconds
        elsewhere. With `verbose=2`, print one line per iteration.

        Parameters
        ----------
        label : str
            Name of the model or the fold.
        total : int or None, default=None
            Maximum number of iterations.

        Yields
        ------
        IterationDisplay
            Callback for the `on_iteration` parameter of `Monitor`.
        """
        stream = self._current_stream()
        is_terminal = getattr(stream, "isatty", lambda: False)()
        has_bar = self._enabled and self.verbose == 1 and is_terminal
        task = None
        if has_bar:
            from sktrainer.callbacks.progress_bars import ProgressBars

            with self._lock:
                if self._bars is None:
                    self._bars = ProgressBars(stream)
                task = self._bars.open(label, total)
        try:
            yield IterationDisplay(self, label, total, task)
        finally:
            if task is not None and self._bars is not None:
                with self._lock:
                    self._bars.close(task)

    def _current_stream(self) -> TextIO:
        return sys.stdout if self._stream is None else self._stream

    def _write(self, text: str) -> None:
        with self._lock:
            stream = self._current_stream()
            line = _encodable(text, stream)
            if self._bars is not None and self._bars.active:
                self._bars.print(line)
                return
            stream.write(line + "\n")
            stream.flush()


class IterationDisplay:
    """Progress callback of one fit, limited to a few updates per second.

    Most calls return after comparing two times, so the overhead per iteration is small.
    """

    def __init__(
        self, progress: Progress, label: str, total: int | None, task: int | None = None
    ) -> None:
        self._task = task
        self._progress = progress
        self._label = label
        self._total = total
        self._monitor: Monitor | None = None
        self._start = time.monotonic()
        self._pause = _SECONDS_BETWEEN_LINES if task is None else _SECONDS_BETWEEN_UPDATES
        if not progress._enabled:
            self._pause = float("inf")
        elif progress.verbose > 1:
            self._pause = 0.0
        self._next = self._start + self._pause

    def set_monitor(self, monitor: Monitor) -> None:
        """Also show the best iteration of this monitor."""
        self._monitor = monitor

    def __call__(self, iteration: int, values: MetricValues) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + self._pause
        if self._task is None:
            of = "" if self._total is None else f"/{self._total:,}"
            count = f"{iteration:>{len(f'{self._total or 0:,}')},}{of}"
            seconds = f"{now - self._start:.1f} s"
            line = "  ".join([f"  {self._label}", count, self._text(values), seconds])
            self._progress._write(line)
        elif self._progress._bars is not None:
            # A bar has little room, so prefer the validation metrics.
            validation = values.get("validation")
            first = {"validation": validation} if validation else values
            self._progress._bars.update(self._task, iteration, self._text(first))

    def _text(self, values: MetricValues) -> str:
        watched = None if self._monitor is None else self._monitor.metric
        names = {} if watched is None else {watched.name: watched.shown_name or watched.name}
        parts = [
            f"{part} {names.get(metric, metric)} {_short(value)}"
            for part, metrics in values.items()
            for metric, value in list(metrics.items())[:2]
        ]
        if self._monitor is not None and self._monitor.best_iteration is not None:
            best, at = self._monitor.best_value, self._monitor.best_iteration
            parts.append(f"best {_short(best)} at {at:,}")
        return ", ".join(parts)


def _short(value: float) -> str:
    """Format a score with four significant digits, or as an integer if it is large."""
    number = float(value)
    if 1e4 <= abs(number) < 1e9:
        return f"{number:,.0f}"
    return f"{number:#.4g}".rstrip(".")


def _encodable(text: str, stream: TextIO) -> str:
    """Replace the characters that the stream cannot encode by ASCII."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(encoding, "replace").decode(encoding)
    except LookupError:  # unknown encoding
        pass
    return text
