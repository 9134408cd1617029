"""Progress bars on a terminal, by rich; imported only where one is shown."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.errors import LiveError
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

__all__ = ["Bars"]


class Bars:
    """The bars of all fits that run at once, in the one display that a terminal has.

    The display is there while at least one bar is open, and leaves nothing behind.

    Parameters
    ----------
    stream : text stream
        A terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream)
        self._progress: Progress | None = None
        self._n_open = 0

    @property
    def shown(self) -> bool:
        """Whether a display is on the terminal now."""
        return self._progress is not None

    def open(self, label: str, total: int | None) -> int | None:
        """Add a bar; None where another display holds the terminal."""
        if self._progress is None:
            progress = _display(self._console)
            try:
                progress.start()
            except LiveError:
                return None
            self._progress = progress
        self._n_open += 1
        of = "" if total is None else f" of {total:,}"
        return int(self._progress.add_task(label, total=total, of=of, values=""))

    def update(self, task: int, iteration: int, values: str) -> None:
        """Move a bar; the display redraws itself by its own clock."""
        if self._progress is not None:
            self._progress.update(TaskID(task), completed=iteration, values=values)

    def close(self, task: int) -> None:
        """Take a bar away, and with the last one the display."""
        if self._progress is None:
            return
        self._progress.remove_task(TaskID(task))
        self._n_open -= 1
        if self._n_open == 0:
            self._progress.stop()
            self._progress = None

    def print(self, text: str) -> None:
        """Write a line above the bars."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _display(console: Console) -> Progress:
    return Progress(
        TextColumn("  {task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:,.0f}{task.fields[of]}"),
        TextColumn("{task.fields[values]}", markup=False),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        refresh_per_second=5,
    )
