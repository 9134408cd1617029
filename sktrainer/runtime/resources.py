"""Available cores and threads."""

from __future__ import annotations

import multiprocessing
import os
import threading

import joblib
from joblib.parallel import get_active_backend


def n_cores() -> int:
    """Return the number of threads that a model may use, at least 1.

    This is the number of cores allowed by CPU affinity and the container's quota, limited
    by `OMP_NUM_THREADS`. In a joblib worker, it is the worker's share of the cores.
    """
    cores = _available_cores()
    return min(cores, _omp_num_threads() or cores)


def split_cores(n_jobs: int | None, n_tasks: int) -> tuple[int, int]:
    """Divide the cores between parallel tasks and the threads of each task.

    `n_jobs` has the meaning that it has in joblib: None means 1 unless set by
    `joblib.parallel_config`, -1 means all cores, -2 all cores but one. Return the number of
    workers and the threads of each. Both are at least 1, and their product does not exceed the
    number of cores.

    Examples
    --------
    >>> split_cores(1, 5)[0]
    1
    """
    if n_jobs is None:
        n_jobs = get_active_backend()[1] or 1
    cores = _available_cores()
    requested = int(n_jobs) if n_jobs > 0 else max(cores + 1 + int(n_jobs), 1)
    workers = max(1, min(requested, n_tasks, cores))
    threads = cores // workers
    return workers, min(threads, _omp_num_threads() or threads)


def _available_cores() -> int:
    """Return the number of cores available to the current thread."""
    if threading.current_thread().daemon or multiprocessing.current_process().daemon:
        # Pools of joblib and multiprocessing run one task per core in daemon workers.
        return 1
    cores = int(joblib.cpu_count())
    if get_active_backend()[0].nesting_level:
        # In a loky worker, joblib sets OMP_NUM_THREADS to the worker's share of the cores.
        return min(cores, _omp_num_threads() or 1)
    return cores


def _omp_num_threads() -> int | None:
    """Return the first number in OMP_NUM_THREADS. It applies to the outermost level."""
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) > 0 else None
