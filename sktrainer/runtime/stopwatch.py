"""Wall time, CPU time and memory of the stages of a fit."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from sktrainer.runtime.memory import MemoryMeter, MemoryUse, sample_memory

_LOCK = threading.Lock()
_RUNNING: list[Stopwatch] = []  # those whose whole fit is being measured


@dataclass(frozen=True)
class Usage:
    """What a stage used. NaN is unknown.

    Attributes
    ----------
    seconds, cpu_seconds : float
        CPU time is that of all threads.
    memory_increase_mb : float
        How much more memory the process had at the peak than at the start.
    gpu_memory_mb : float
        Peak of the memory that the library allocated on the GPU.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    memory_increase_mb: float = math.nan
    gpu_memory_mb: float = math.nan

    def merged(self, other: Usage) -> Usage:
        """Add up the times; of the memory, the larger one counts."""
        return Usage(
            self.seconds + other.seconds,
            self.cpu_seconds + other.cpu_seconds,
            _larger(self.memory_increase_mb, other.memory_increase_mb),
            _larger(self.gpu_memory_mb, other.gpu_memory_mb),
        )


def _larger(a: float, b: float) -> float:
    return b if math.isnan(a) or b > a else a


class Stopwatch:
    """Meter of named stages.

    Parameters
    ----------
    cpu_clock : callable or None, default=time.process_time
        Clock of the CPU time. None: it is unknown.
    measures_memory : bool, default=True
        False if other work in this process at the same time makes it unknown.

    Examples
    --------
    >>> watch = Stopwatch()
    >>> with watch.stage("split"):
    ...     pass
    >>> list(watch.to_frame().columns)
    ['stage', 'seconds', 'cpu_seconds', 'memory_increase_mb']
    """

    def __init__(
        self,
        cpu_clock: Callable[[], float] | None = time.process_time,
        *,
        measures_memory: bool = True,
    ) -> None:
        self._stages: dict[str, Usage] = {}
        self._start = time.perf_counter()
        self._cpu_clock = cpu_clock
        self._measures_memory = measures_memory
        self._meter: MemoryMeter | None = None
        self._thread = 0
        self._is_alone = True

    @contextmanager
    def whole_fit(self) -> Iterator[None]:
        """Measure the enclosed fit as a whole, and sample the memory of its stages.

        If another thread runs a fit at the same time, the CPU time and the memory of both are
        unknown, because they are those of the process.
        """
        self._thread = threading.get_ident()
        with _LOCK:
            _RUNNING.append(self)
            if len({watch._thread for watch in _RUNNING}) > 1:
                for watch in _RUNNING:
                    watch._is_alone = False
        try:
            with sample_memory():
                self._meter = MemoryMeter()
                try:
                    yield
                finally:
                    self._meter.stop()
        finally:
            with _LOCK:
                _RUNNING.remove(self)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the enclosed block. Usage of a repeated name is merged."""
        meter = MemoryMeter() if self._measures_memory else None
        start, cpu = time.perf_counter(), self._cpu()
        try:
            yield
        finally:
            seconds, cpu = time.perf_counter() - start, self._cpu() - cpu
            if meter is not None:
                meter.stop()
            increase = math.nan if meter is None else meter.increase
            self.add(name, Usage(seconds, cpu, increase))

    def add(self, name: str, usage: Usage) -> None:
        """Add what was measured elsewhere."""
        self._stages[name] = self.usage(name).merged(usage)

    def usage(self, *names: str) -> Usage:
        """Return the merged usage of some stages; that of a stage that did not run is 0."""
        total = Usage()
        for name in names:
            total = total.merged(self._stages.get(name, Usage()))
        return total if self._is_alone else _only_seconds(total)

    @property
    def elapsed(self) -> float:
        """Seconds since this stopwatch was created."""
        return time.perf_counter() - self._start

    @property
    def memory_increase_mb(self) -> float:
        """Memory that the whole fit has added so far; NaN outside `whole_fit`."""
        if self._meter is None or not self._is_alone:
            return math.nan
        self._meter.update()
        return self._meter.increase

    @property
    def fullest(self) -> MemoryUse | None:
        """The moment of the fit with the least memory left, if it is known."""
        return None if self._meter is None else self._meter.fullest

    def to_frame(self) -> pd.DataFrame:
        """Return one row per stage, with `gpu_memory_mb` if a GPU was used."""
        used = [self.usage(name) for name in self._stages]
        columns = {
            field.name: np.array([getattr(each, field.name) for each in used], dtype=float)
            for field in fields(Usage)
        }
        if not np.isfinite(columns["gpu_memory_mb"]).any():
            del columns["gpu_memory_mb"]
        return pd.DataFrame({"stage": pd.Series([*self._stages], dtype="str"), **columns})

    def _cpu(self) -> float:
        return math.nan if self._cpu_clock is None else self._cpu_clock()


def _only_seconds(usage: Usage) -> Usage:
    return Usage(usage.seconds, math.nan, math.nan, usage.gpu_memory_mb)
