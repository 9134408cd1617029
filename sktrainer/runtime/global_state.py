"""Global state of the process (random generators, warning filters) around a fit."""

from __future__ import annotations

import random
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

__all__ = ["preserve_global_state"]


@contextmanager
def preserve_global_state(seed: int | None = None) -> Iterator[None]:
    """Restore the global random generators and the warning filters on exit.

    Parameters
    ----------
    seed : int or None, default=None
        Seed for the global generators of NumPy and Python inside the context. It makes
        libraries that draw from them reproducible. Outside the main thread, the context
        does nothing, because threads share the generators: models fitted there must not
        draw from them.

    Examples
    --------
    >>> before = np.random.get_state()[1][0]
    >>> with preserve_global_state(seed=1):
    ...     draws = np.random.random(3)
    >>> bool(np.random.get_state()[1][0] == before)
    True
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    filters = list(warnings.filters)
    # torch is not imported for this. If it is loaded, its data loaders draw in predict too.
    torch: Any = sys.modules.get("torch")
    torch_state = None if torch is None else torch.get_rng_state()
    if seed is not None:
        np.random.seed(seed)  # noqa: NPY002 - some libraries draw from the global generator
        random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
        if torch is not None:
            torch.set_rng_state(torch_state)
        if list(warnings.filters) != filters:
            warnings.filters[:] = filters  # type: ignore[index]
            # The interpreter caches which warnings were shown; this invalidates the cache.
            warnings._filters_mutated()  # type: ignore[attr-defined]
