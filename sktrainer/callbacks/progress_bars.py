"""Live display of the fits that are running, based on rich. Imported only when it is shown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.errors import LiveError
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

REFRESH_PER_SECOND = 5
MIN_BAR, MAX_BAR = 8, 24
MIN_WIDTH_WITH_BAR = 90
# The display must not be taller than the terminal, because it could not be redrawn.
MAX_LINES = 10


def _now() -> float:
    return time.monotonic()


@dataclass
class FitLine:
    """One line of the display: a fit that is running.

    Attributes
    ----------
    label : str
    total : int or None
        Maximum number of iterations.
    done : int
        Iterations so far. 0: the model reports none, or not yet.
    parts : list of str
        Values to the right of the bar, the most important ones first.
    start : float
        Time at which the fit began.
    first : tuple of (int, float)
        The first iteration that was shown, and its time, for the time left.
    """

    label: str
    total: int | None
    done: int = 0
    parts: list[str] = field(default_factory=list)
    start: float = field(default_factory=_now)
    first: tuple[int, float] = (0, 0.0)

    def seconds_left(self, now: float) -> float | None:
        """Return the estimated time until the last iteration, or None if it is unknown."""
        done, since = self.first
        if self.total is None or self.done <= done or now <= since:
            return None
        return (self.total - self.done) * (now - since) / (self.done - done)


class ProgressBars:
    """Live display of all concurrent fits, with one line each.

    It exists while at least one fit is running and is erased afterwards.
    """

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream)
        self._spinner = Spinner("dots")
        self._lines: dict[int, FitLine] = {}
        self._live: Live | None = None
        self._next = 0

    @property
    def active(self) -> bool:
        """Whether the live display is currently active."""
        return self._live is not None

    def open(self, label: str, total: int | None) -> int | None:
        """Add a line and return its id, or None if another live display is active."""
        if self._live is None:
            live = Live(
                self,
                console=self._console,
                transient=True,
                refresh_per_second=REFRESH_PER_SECOND,
            )
            try:
                live.start()
            except LiveError:  # rich allows one live display per console
                return None
            self._live = live
        return self._add(label, total)

    def _add(self, label: str, total: int | None) -> int:
        self._next += 1
        self._lines[self._next] = FitLine(label, total)
        return self._next

    def update(
        self, line: int, label: str, done: int, total: int | None, parts: list[str]
    ) -> None:
        """Set the progress of a fit. The display redraws at its own refresh rate."""
        if (fit := self._lines.get(line)) is not None:
            if not fit.done or label != fit.label or done < fit.done:
                fit.label, fit.total = label, total
                fit.first = (done, time.monotonic())
            fit.done, fit.parts = done, parts

    def close(self, line: int) -> None:
        """Remove a line. Stop the display when the last one is removed."""
        self._lines.pop(line, None)
        if not self._lines and self._live is not None:
            self._live.stop()
            self._live = None

    def print(self, text: str) -> None:
        """Print a line above the display."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = [*self._lines.values()]
        limit = max(1, min(MAX_LINES, console.height - 2))
        shown = lines if len(lines) <= limit else lines[: limit - 1]
        longest = max((len(line.label) for line in shown), default=0)
        width = options.max_width
        share = width // 3 if width >= MIN_WIDTH_WITH_BAR else width * 3 // 10
        label_width = min(longest, share)
        for line in shown:
            yield self._render(line, label_width, width)
        if len(shown) < len(lines):
            yield Text(f"  … and {len(lines) - len(shown)} more", no_wrap=True)

    def _render(self, line: FitLine, label_width: int, width: int) -> Text:
        """Return one line that fits into `width` characters.

        The bar needs space that a narrow terminal has not; the values are more important.
        """
        now = time.monotonic()
        elapsed = _clock(now - line.start)
        label = _shortened(line.label, label_width)
        text = Text(no_wrap=True)
        if not line.done or line.total is None:
            count = [f"{line.done:,}"] if line.done else []
            pieces = [*count, elapsed, *line.parts]
            text.append(f"  {self._spinner.render(now)} {label}  ")
            text.append("  ".join(_fitting(pieces, width - 1 - len(text))))
            return text
        count_text = f"{line.done:>{len(f'{line.total:,}')},}/{line.total:,}"
        left = line.seconds_left(now)
        is_wide = width >= MIN_WIDTH_WITH_BAR
        seconds = elapsed
        if left is not None:
            seconds = f"{elapsed}, {_clock(left)} left" if is_wide else f"{_clock(left)} left"
        text.append(f"  {label}  ")
        space = width - 1 - len(text)  # the last column would wrap in some terminals
        first = [p if is_wide else p.replace("validation", "val") for p in line.parts[:1]]
        pieces = [count_text, *first, seconds, *line.parts[1:]]
        tail = "  ".join(_fitting(pieces, space - (MIN_BAR + 2) * is_wide))
        bar_width = min(MAX_BAR, space - len(tail) - 2)
        if bar_width >= MIN_BAR:
            filled = round(bar_width * min(1.0, line.done / line.total))
            text.append("━" * filled, style="bar.complete")
            text.append("─" * (bar_width - filled), style="bar.back")
            text.append("  ")
        text.append(tail)
        return text


def _shortened(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"


def _fitting(pieces: list[str], width: int) -> list[str]:
    """Return the pieces that fit into a line; the first one is always kept."""

    def kept() -> Iterator[str]:
        used = 0
        for i, piece in enumerate(pieces):
            used += len(piece) + (2 if i else 0)
            if i and used > width:
                return
            yield piece

    return list(kept())


def _clock(seconds: float) -> str:
    """Format a duration as minutes and seconds, or hours, minutes and seconds.

    Examples
    --------
    >>> _clock(75), _clock(3_700)
    ('1:15', '1:01:40')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
