"""A limit on the threads of OpenMP and BLAS that leaves no trace, from any thread."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController

__all__ = ["limited_threads"]


@contextmanager
def limited_threads(n_threads: int | None) -> Iterator[None]:
    """Keep OpenMP and BLAS, inside, to at most so many threads; None sets no limit.

    OpenMP's limit belongs to the thread that enters: each worker of a pool enters by
    itself. Most BLAS libraries have one limit for the whole process: while several
    threads are inside, the lowest of their limits holds, and what was there before
    comes back when the last one leaves. A limit that was there already is never raised.

    `threadpoolctl.threadpool_limits` looks through all loaded libraries each time, some
    milliseconds; here they are looked up again only after something was imported.

    Parameters
    ----------
    n_threads : int or None

    Examples
    --------
    >>> with limited_threads(1):
    ...     pass
    """
    if n_threads is None:
        yield
        return
    of_thread, of_process = _libraries(len(sys.modules))
    before = [(library, library.get_num_threads()) for library in of_thread]
    _PROCESS.enter(of_process, n_threads)
    try:
        for library, threads in before:
            if threads is not None and threads > n_threads:
                library.set_num_threads(n_threads)
        yield
    finally:
        _PROCESS.leave(n_threads)
        for library, threads in before:
            if threads is not None:
                library.set_num_threads(threads)


class _ProcessLimits:
    """The limits that hold for a whole process, and the threads that asked for them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: list[int] = []
        self._before: dict[str, tuple[Any, int]] = {}

    def enter(self, libraries: list[Any], n_threads: int) -> None:
        with self._lock:
            self._asked.append(n_threads)
            for library in libraries:
                if library.filepath not in self._before:
                    threads = library.get_num_threads()
                    if threads is not None:
                        self._before[library.filepath] = (library, threads)
            self._apply()

    def leave(self, n_threads: int) -> None:
        with self._lock:
            self._asked.remove(n_threads)
            self._apply()
            if not self._asked:
                self._before.clear()

    def _apply(self) -> None:
        for library, before in self._before.values():
            threads = min([before, *self._asked])
            if library.get_num_threads() != threads:
                _set_for_process(library, threads)


def _set_for_process(library: Any, n_threads: int) -> None:
    # threadpoolctl 3.8 lets only the first thread that asked change OpenBLAS, until that
    # thread lets go; the last one to leave here may be another. The lock above keeps
    # them apart, so the library is told directly.
    tell = getattr(library, "_real_set_num_threads", library.set_num_threads)
    tell(n_threads)


_PROCESS = _ProcessLimits()


@lru_cache(maxsize=1)
def _libraries(n_modules: int) -> tuple[list[Any], list[Any]]:
    """Return the libraries whose limit is a thread's own, and those of the process.

    A library comes into the process with the import of a module that needs it: so long
    as the number of modules is the same, no library is new.
    """
    libraries = ThreadpoolController().lib_controllers
    of_thread = [library for library in libraries if _is_per_thread(library)]
    return of_thread, [library for library in libraries if not _is_per_thread(library)]


def _is_per_thread(library: Any) -> bool:
    if library.user_api == "openmp":
        return not library.prefix.startswith("vcomp")
    return library.internal_api == "openblas" and library.threading_layer == "openmp"
