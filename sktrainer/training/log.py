"""Stage timer, progress, notes and warnings of one fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property

import pandas as pd

from sktrainer.callbacks.progress import IterationDisplay, Progress
from sktrainer.runtime.stopwatch import Stopwatch


class FitLog:
    """Log of one fit: seconds per stage, notes for the report, and output on the terminal.

    Parameters
    ----------
    verbose : int, default=0
        As in `ManagedTrainer`.

    Attributes
    ----------
    notes : list of str
        Notes for the report, in the order in which they were added.
    """

    def __init__(self, verbose: int = 0) -> None:
        self.notes: list[str] = []
        self._verbose = verbose
        self._watch = Stopwatch()

    @cached_property
    def progress(self) -> Progress:
        """Terminal output. Created on first use, because `verbose` may be invalid before."""
        return Progress(self._verbose)

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Time the enclosed block. Add up the times of a repeated name."""
        return self._watch.stage(name)

    def seconds(self, *stages: str) -> float:
        """Return the total seconds of these stages, or of the whole fit if none is named."""
        if not stages:
            return self._watch.elapsed
        return sum(self._watch.seconds(stage) for stage in stages)

    def stages(self) -> pd.DataFrame:
        """Return one row per stage with its seconds and the peak memory in MB."""
        return self._watch.to_frame()

    def add_notes(self, *notes: str) -> None:
        """Add notes to the report."""
        self.notes += notes

    def show(self, text: str) -> None:
        """Print a line for a completed stage."""
        self.progress.show(text)

    def add_warning(self, text: str, category: type[Warning]) -> None:
        """Print or issue a warning, and add it to the notes of the report."""
        self.progress.warn(text, category)
        self.add_notes(text)

    @contextmanager
    def iterations(self, name: str, total: int | None) -> Iterator[IterationDisplay | None]:
        """Show the iterations of the enclosed fit. Yield None if nothing is shown."""
        with self.progress.iterations(name, total) as display:
            yield display if self.progress.verbose else None
