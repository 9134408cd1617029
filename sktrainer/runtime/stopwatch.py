"""Wall time of the stages of a fit."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pandas as pd

from sktrainer.runtime.resources import peak_memory_mb


class Stopwatch:
    """Timer of named stages. It also records the peak memory of the process.

    Examples
    --------
    >>> watch = Stopwatch()
    >>> with watch.stage("split"):
    ...     pass
    >>> list(watch.to_frame().columns)
    ['stage', 'seconds', 'peak_memory_mb']
    """

    def __init__(self) -> None:
        self._stages: dict[str, tuple[float, float]] = {}
        self._start = time.perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the enclosed block. Add up the times of a repeated name."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - start)

    def add(self, name: str, seconds: float) -> None:
        """Add seconds that were measured elsewhere."""
        self._stages[name] = (self.seconds(name) + seconds, peak_memory_mb())

    def seconds(self, name: str) -> float:
        """Return the seconds of one stage, or 0.0 if it did not run."""
        return self._stages.get(name, (0.0, 0.0))[0]

    @property
    def elapsed(self) -> float:
        """Seconds since this stopwatch was created."""
        return time.perf_counter() - self._start

    def to_frame(self) -> pd.DataFrame:
        """Return one row per stage with its seconds and the peak memory in MB."""
        rows = [(name, *values) for name, values in self._stages.items()]
        dtypes: dict[str, Any] = {"stage": "str", "seconds": float, "peak_memory_mb": float}
        return pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)
