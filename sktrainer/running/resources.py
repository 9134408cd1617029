"""Cores, threads, seconds and memory: how much there is, and how much was used."""

from __future__ import annotations

import multiprocessing
import os
import platform
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib import metadata
from pathlib import Path

import joblib
import pandas as pd
from joblib.parallel import get_active_backend

from sktrainer.exceptions import ParameterError
from sktrainer.running.threads import limited_threads

__all__ = [
    "Stopwatch",
    "library_versions",
    "limited_threads",
    "n_cores",
    "peak_memory_mb",
    "plan_jobs",
]

_STATUS = Path("/proc/self/status")
_DISTRIBUTIONS = {"sklearn": "scikit-learn", "imblearn": "imbalanced-learn"}


class Stopwatch:
    """Times named stages and notes the memory that the process had needed by their end.

    Examples
    --------
    >>> watch = Stopwatch()
    >>> with watch.stage("split"):
    ...     pass
    >>> list(watch.frame().columns)
    ['stage', 'seconds', 'peak_memory_mb']
    """

    def __init__(self) -> None:
        self._stages: dict[str, tuple[float, float]] = {}
        self._start = time.perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what runs inside; a name that comes again adds to its seconds."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - start)

    def add(self, name: str, seconds: float) -> None:
        """Note seconds that were measured elsewhere."""
        before = self._stages.get(name, (0.0, 0.0))[0]
        self._stages[name] = (before + seconds, peak_memory_mb())

    def seconds(self, name: str) -> float:
        """Return the seconds of one stage, 0.0 where it did not run."""
        return self._stages.get(name, (0.0, 0.0))[0]

    @property
    def elapsed(self) -> float:
        """Seconds since this stopwatch was made."""
        return time.perf_counter() - self._start

    def frame(self) -> pd.DataFrame:
        """Return a row a stage, in the order they began: seconds and peak memory in MB."""
        return pd.DataFrame(
            {
                "stage": pd.Series(list(self._stages), dtype="str"),
                "seconds": [seconds for seconds, _ in self._stages.values()],
                "peak_memory_mb": [peak for _, peak in self._stages.values()],
            }
        ).astype({"seconds": float, "peak_memory_mb": float})


def peak_memory_mb() -> float:
    """Return the most memory that this process has held at once, in MB; NaN if unknown.

    Linux hands a parent's `ru_maxrss` down to the programs it starts, so the process's
    own high-water mark is read first.
    """
    try:
        with _STATUS.open(encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) / 1024
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def n_cores() -> int:
    """Return how many threads a model may use here, at least 1.

    The cores that affinity and the container's quota leave, no more than
    `OMP_NUM_THREADS`; inside a worker of joblib, what joblib left for it.

    Examples
    --------
    >>> n_cores() >= 1
    True
    """
    cores = _cores_left()
    return min(cores, _omp_num_threads() or cores)


def plan_jobs(n_jobs: int | None, n_tasks: int) -> tuple[int, int]:
    """Share the cores between tasks that run at once and the threads inside each.

    Parameters
    ----------
    n_jobs : int or None
        As in joblib: None is 1 unless `joblib.parallel_config` says otherwise, -1 all
        cores, -2 all but one.
    n_tasks : int

    Returns
    -------
    workers, threads_per_worker : int
        Both at least 1; their product is never above the cores.

    Raises
    ------
    ParameterError
        `n_jobs` is 0 or no whole number.

    Examples
    --------
    >>> plan_jobs(1, 5)[0]
    1
    """
    if n_jobs is not None and (not hasattr(n_jobs, "__index__") or int(n_jobs) == 0):
        raise ParameterError(
            f"n_jobs must be None, a positive count or a negative one (-1: all cores), "
            f"got {n_jobs!r}; set n_jobs=1 for one fold after the other"
        )
    if n_jobs is None:
        n_jobs = get_active_backend()[1] or 1
    cores = _cores_left()
    wanted = int(n_jobs) if n_jobs > 0 else max(cores + 1 + int(n_jobs), 1)
    workers = max(1, min(wanted, n_tasks, cores))
    threads = cores // workers
    return workers, min(threads, _omp_num_threads() or threads)


def _cores_left() -> int:
    """Count the cores that are free for this thread to use."""
    if threading.current_thread().daemon or multiprocessing.current_process().daemon:
        # joblib's and multiprocessing's pools run their tasks in such ones, a task a core.
        return 1
    cores = int(joblib.cpu_count())
    if get_active_backend()[0].nesting_level:
        # A loky worker: joblib sets this variable there to the cores that are its share.
        return min(cores, _omp_num_threads() or 1)
    return cores


def _omp_num_threads() -> int | None:
    """Read OMP_NUM_THREADS, of which the first number counts for the outer level."""
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) > 0 else None


def library_versions(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of those libraries that are there, importing none of them.

    Parameters
    ----------
    names : iterable of str
        Import names; "python" is the interpreter.

    Examples
    --------
    >>> list(library_versions(["sklearn", "no_such_library"]))
    ['sklearn']
    """
    found = {name: _version(name) for name in names}
    return {name: version for name, version in found.items() if version is not None}


@lru_cache(maxsize=256)
def _version(name: str) -> str | None:
    if name == "python":
        return platform.python_version()
    loaded = getattr(sys.modules.get(name), "__version__", None)
    if isinstance(loaded, str):
        return loaded
    try:
        return metadata.version(_DISTRIBUTIONS.get(name, name))
    except metadata.PackageNotFoundError:
        return None
