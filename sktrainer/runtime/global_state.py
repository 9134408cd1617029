"""Global state of the process (random generators, warning filters) around a fit."""

from __future__ import annotations

import random
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import numpy as np

_CONTEXTS: list[Callable[[], AbstractContextManager[None]]] = []


def preserve_also(context: Callable[[], AbstractContextManager[None]]) -> None:
    """Enter another context in each `preserve_global_state`.

    The registry of backends adds the generators of imported frameworks, which are not known
    at this layer.
    """
    _CONTEXTS.append(context)


@contextmanager
def preserve_global_state(seed: int | None = None) -> Iterator[None]:
    """Restore the global random generators and the warning filters on exit.

    With `seed`, the global generators of NumPy and Python are seeded inside the context, which
    makes libraries that draw from them reproducible. Outside the main thread, the generators
    are unchanged, because threads share them: models fitted there must not draw from them.

    Examples
    --------
    >>> before = np.random.get_state()[1][0]
    >>> with preserve_global_state(seed=1):
    ...     draws = np.random.random(3)
    >>> bool(np.random.get_state()[1][0] == before)
    True
    """
    if threading.current_thread() is threading.main_thread():
        with _restored(seed):
            yield
    else:
        with _filters_of_threads():
            yield


_THREADS = threading.Lock()
_RUNNING: list[list[Any]] = []  # warning filters at the start of each context in a thread


@contextmanager
def _filters_of_threads() -> Iterator[None]:
    """Restore the warning filters as soon as no thread is inside this context.

    `warnings.catch_warnings`, which the libraries use, restores the filters that it found. If
    two threads leave it in the order in which they entered it, the filters of the first one
    remain. Python 3.14 can have filters per thread (`sys.flags.context_aware_warnings`).
    """
    with _THREADS:
        _RUNNING.append(_RUNNING[0] if _RUNNING else list(warnings.filters))
    try:
        yield
    finally:
        with _THREADS:
            filters = _RUNNING.pop()
            if not _RUNNING:
                _restore_filters(filters)


def _restore_filters(filters: list[Any]) -> None:
    if list(warnings.filters) != filters:
        warnings.filters[:] = filters  # type: ignore[index]
        # Invalidate the interpreter's cache of the warnings that were shown.
        warnings._filters_mutated()  # type: ignore[attr-defined]


_EXCLUSIVE = threading.RLock()


@contextmanager
def exclusive_global_state(seed: int | None = None) -> Iterator[None]:
    """Restore the global state on exit, for one thread at a time.

    Networks draw from generators that all threads share. While one thread is inside this
    context, others wait to enter it, so that each fit is the same as if it ran alone.

    Examples
    --------
    >>> with exclusive_global_state(seed=1):
    ...     first = np.random.random()
    >>> with exclusive_global_state(seed=1):
    ...     first == np.random.random()
    True
    """
    with _EXCLUSIVE, _restored(seed):
        yield


@contextmanager
def _restored(seed: int | None) -> Iterator[None]:
    with ExitStack() as stack:
        for context in _CONTEXTS:
            stack.enter_context(context())
        numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
        filters = list(warnings.filters)
        if seed is not None:
            np.random.seed(seed)  # noqa: NPY002 - some libraries use the global generator
            random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(numpy_state)  # noqa: NPY002
            random.setstate(python_state)
            _restore_filters(filters)
