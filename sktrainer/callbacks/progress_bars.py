"""Terminal progress bars based on rich. Imported only when a bar is shown."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.errors import LiveError
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class ProgressBars:
    """Progress bars of all concurrent fits, in one shared live display.

    The display exists while at least one bar is open and is erased afterwards.
    """

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream)
        self._progress: Progress | None = None
        self._n_open = 0

    @property
    def active(self) -> bool:
        """Whether the live display is currently active."""
        return self._progress is not None

    def open(self, label: str, total: int | None) -> int | None:
        """Add a bar and return its id, or None if another live display is active."""
        if self._progress is None:
            progress = Progress(
                TextColumn("  {task.description}", markup=False),
                BarColumn(bar_width=24),
                TextColumn("{task.completed:,.0f}{task.fields[of]}"),
                TextColumn("{task.fields[values]}", markup=False),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
                refresh_per_second=5,
            )
            try:
                progress.start()
            except LiveError:  # rich allows one live display per console
                return None
            self._progress = progress
        self._n_open += 1
        of = "" if total is None else f" of {total:,}"
        return int(self._progress.add_task(label, total=total, of=of, values=""))

    def update(self, task: int, iteration: int, values: str) -> None:
        """Set the progress of a bar. The display redraws at its own refresh rate."""
        if self._progress is not None:
            self._progress.update(TaskID(task), completed=iteration, values=values)

    def close(self, task: int) -> None:
        """Remove a bar. Stop the display when the last bar is removed."""
        if self._progress is None:
            return
        self._progress.remove_task(TaskID(task))
        self._n_open -= 1
        if self._n_open == 0:
            self._progress.stop()
            self._progress = None

    def print(self, text: str) -> None:
        """Print a line above the bars."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
