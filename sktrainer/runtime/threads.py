"""Thread-safe, temporary limit on the threads of OpenMP and BLAS."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController


@contextmanager
def limit_threads(n_threads: int | None) -> Iterator[None]:
    """Limit OpenMP and BLAS to at most `n_threads` threads inside the context.

    An OpenMP limit applies to the calling thread only, so each worker of a pool must enter
    its own context. Most BLAS libraries have one limit per process: while several threads
    are inside the context, the lowest limit applies; when the last one leaves, the previous
    limit is restored. A lower limit that is already set is kept.

    `threadpoolctl.threadpool_limits` searches all loaded libraries on each call, which takes
    milliseconds. Here, they are searched again only after a new import. None sets no limit.

    Examples
    --------
    >>> with limit_threads(1):
    ...     pass
    """
    if n_threads is None:
        yield
        return
    per_thread, per_process = _libraries(len(sys.modules))
    before = [(library, library.get_num_threads()) for library in per_thread]
    _PROCESS.enter(per_process, n_threads)
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
    """Process-wide limits of BLAS libraries, shared by all threads inside the context."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits: list[int] = []
        self._before: dict[str, tuple[Any, int]] = {}

    def enter(self, libraries: list[Any], n_threads: int) -> None:
        with self._lock:
            self._limits.append(n_threads)
            for library in libraries:
                if library.filepath not in self._before:
                    threads = library.get_num_threads()
                    if threads is not None:
                        self._before[library.filepath] = (library, threads)
            self._apply()

    def leave(self, n_threads: int) -> None:
        with self._lock:
            self._limits.remove(n_threads)
            self._apply()
            if not self._limits:
                self._before.clear()

    def _apply(self) -> None:
        for library, before in self._before.values():
            threads = min([before, *self._limits])
            if library.get_num_threads() != threads:
                # With threadpoolctl 3.8, only the thread that first limited OpenBLAS can
                # change the limit, but here the last thread to leave may be another one. The
                # lock prevents races, so call the setter of the library directly.
                setter = getattr(library, "_real_set_num_threads", library.set_num_threads)
                setter(threads)


_PROCESS = _ProcessLimits()


@lru_cache(maxsize=1)
def _libraries(n_modules: int) -> tuple[list[Any], list[Any]]:
    """Return the libraries with one limit per thread, and those with one per process.

    A new library can only be loaded by a new import, so the result is cached by the number
    of imported modules.
    """
    libraries = ThreadpoolController().lib_controllers
    per_thread = [library for library in libraries if _is_per_thread(library)]
    return per_thread, [library for library in libraries if not _is_per_thread(library)]


def _is_per_thread(library: Any) -> bool:
    # Microsoft's OpenMP runtime (vcomp) has one limit per process. OpenBLAS has one per
    # thread if it was built with OpenMP.
    if library.user_api == "openmp":
        return not library.prefix.startswith("vcomp")
    return library.internal_api == "openblas" and library.threading_layer == "openmp"
