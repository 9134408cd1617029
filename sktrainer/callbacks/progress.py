"""Progress output of a fit: one line per stage, progress bars and warnings."""

from __future__ import annotations

import math
import multiprocessing
import shutil
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from sktrainer.callbacks.base import IterationEvent, MetricValues
from sktrainer.exceptions import SktrainerWarning, in_wording, warn_caller

if TYPE_CHECKING:
    from sktrainer.callbacks.progress_bars import ProgressBars

_ASCII = str.maketrans({"✓": "+", "⚠": "!", "±": "+/-", "…": "..."})
_SECONDS_BETWEEN_LINES = 5.0
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
        self.enabled = self.verbose > 0 and is_main_process

    def show(self, text: str) -> None:
        """Print a line for a completed stage."""
        if self.enabled:
            self._write(self._wrapped(f"✓ {text}"))

    def warn(self, text: str, category: type[Warning] = SktrainerWarning) -> None:
        """Print a warning, or issue it as a Python warning if output is disabled."""
        if self.enabled:
            self._write(self._wrapped(f"⚠ {in_wording(text)}"))
        else:
            warn_caller(text, category)

    def show_block(self, *make_texts: Callable[[], str]) -> None:
        """Print an aligned table, indented by four spaces.

        The functions make the same table in several widths, and are called only if needed. The
        first table that fits into the terminal is printed, otherwise the last one.
        """
        if not self.enabled:
            return
        lines: list[str] = []
        for make_text in make_texts:
            lines = [f"    {line}".rstrip() for line in make_text().splitlines()]
            if max(map(len, lines), default=0) <= self._width:
                break
        if lines:
            self._write("\n".join(lines))

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
        if not self.enabled:
            return
        name = f"fold {number:>{len(str(n_folds))}}/{n_folds}"
        if error is not None:
            self._write(f"⚠ {name} failed after {seconds:.1f} s: {error}")
            return
        first = [f"{metric} {_short(value)}" for metric, value in list(scores.items())[:3]]
        self._write("  ".join([f"  {name}", *first, f"{seconds:.1f} s"]))

    @contextmanager
    def fit_line(self, label: str, total: int | None = None) -> Iterator[FitDisplay | None]:
        """Show one fit while it runs.

        With `verbose=1`, show a live line on a terminal and one line every few seconds
        elsewhere. With `verbose=2`, print one line per iteration.

        Parameters
        ----------
        label : str
            Name of the model or the fold.
        total : int or None, default=None
            Maximum number of iterations.

        Yields
        ------
        FitDisplay or None
            None if nothing is shown.
        """
        if not self.enabled:
            yield None
            return
        with self._lock:
            bars = self._live_bars()
            line = None if bars is None else bars.open(label, total)
        try:
            yield FitDisplay(self, label, line)
        finally:
            if line is not None and bars is not None:
                with self._lock:
                    bars.close(line)

    def _live_bars(self) -> ProgressBars | None:
        """Return the live display of the terminal or the notebook, if there is one."""
        if self._bars is None and self.verbose == 1:
            if self._is_notebook:
                from sktrainer.callbacks.notebook import NotebookBars

                self._bars = NotebookBars()
            elif self._is_terminal:
                from sktrainer.callbacks.progress_bars import ProgressBars

                self._bars = ProgressBars(self._current_stream())
        return self._bars

    @property
    def _is_notebook(self) -> bool:
        if self._stream is not None or "IPython" not in sys.modules:
            return False
        from sktrainer.callbacks.notebook import notebook_shell

        return notebook_shell() is not None

    def _current_stream(self) -> TextIO:
        return sys.stdout if self._stream is None else self._stream

    @property
    def _is_terminal(self) -> bool:
        return bool(getattr(self._current_stream(), "isatty", lambda: False)())

    @property
    def _width(self) -> float:
        """Width of the terminal; infinite for a file or a pipe."""
        if self._is_notebook:
            from sktrainer.callbacks.notebook import NOTEBOOK_WIDTH

            return NOTEBOOK_WIDTH
        return shutil.get_terminal_size().columns if self._is_terminal else math.inf

    def _wrapped(self, text: str) -> str:
        """Break a line at spaces if it is wider than the terminal."""
        width = self._width
        if len(text) <= width:
            return text
        return textwrap.fill(
            text,
            max(20, int(width)),
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )

    def _write(self, text: str) -> None:
        with self._lock:
            stream = self._current_stream()
            line = _encodable(text, stream)
            bars = self._live_bars() if self._is_notebook else self._bars
            if bars is not None and bars.active:
                bars.print(line)
                return
            stream.write(line + "\n")
            stream.flush()


class FitDisplay:
    """Display of one fit, updated a few times per second at most.

    Attributes
    ----------
    pause : float
        Seconds between two updates.
    """

    def __init__(self, progress: Progress, label: str, line: int | None = None) -> None:
        self.pause = _SECONDS_BETWEEN_LINES if line is None else _SECONDS_BETWEEN_UPDATES
        if progress.verbose > 1:
            self.pause = 0.0
        self._line = line
        self._progress = progress
        self._label = label
        self._next = time.monotonic() + self.pause

    def show(
        self, event: IterationEvent, label: str | None = None, *, is_part: bool = False
    ) -> None:
        """Show an iteration, unless the last one was shown a moment ago.

        `is_part`: of a fit inside this one, which `verbose=2` does not print. `label` is its
        name.
        """
        now = time.monotonic()
        if now < self._next or (is_part and self.pause == 0.0):
            return
        self._next = now + self.pause
        label = label or self._label
        if self._line is None:
            total = event.max_iter
            of = "" if total is None else f"/{total:,}"
            count = f"{event.iteration:>{len(f'{total or 0:,}')},}{of}"
            values = ", ".join(_values(event.metrics) + _best(event))
            line = [f"  {label}", count, *([values] if values else [])]
            self._progress._write("  ".join([*line, f"{event.seconds:.1f} s"]))
        elif self._progress._bars is not None:
            # A line has little room, so prefer the validation metrics.
            validation = event.metrics.get("validation")
            first = {"validation": validation} if validation else event.metrics
            patience = [] if event.patience is None else [f"patience {event.patience:,}"]
            parts = [*_values(first), *_best(event), *patience]
            done, total = event.iteration, event.max_iter
            self._progress._bars.update(self._line, label, done, total, parts)

    def show_count(
        self, done: int, total: int | None, parts: list[str], seconds: float
    ) -> None:
        """Show how many of several fits are done."""
        if self._line is not None and self._progress._bars is not None:
            self._progress._bars.update(self._line, self._label, done, total, parts)
        elif self._line is None and (now := time.monotonic()) >= self._next:
            self._next = now + self.pause
            of = "" if total is None else f"/{total:,}"
            pieces = [f"  {self._label}", f"{done:,}{of} fits", *parts, f"{seconds:.1f} s"]
            self._progress._write("  ".join(pieces))


def _values(metrics: MetricValues) -> list[str]:
    return [
        f"{part} {metric} {_short(value)}"
        for part, values in metrics.items()
        for metric, value in list(values.items())[:2]
    ]


def _best(event: IterationEvent) -> list[str]:
    if event.best_iteration is None:
        return []
    return [f"best {_short(event.best_value)} at {event.best_iteration:,}"]


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
