"""What a fit may disturb in the caller's process, and how it is put back."""

from __future__ import annotations

import random
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

__all__ = ["kept"]


@contextmanager
def kept(seed: int | None = None) -> Iterator[None]:
    """Put back the global random generators and the warnings filters at the end.

    Parameters
    ----------
    seed : int or None, default=None
        Inside, NumPy's and Python's global generators start from this seed, so that a
        library which draws from them gives the same bits again. Only in the main thread:
        in others the generators are shared, and what is fitted there must not draw.

    Examples
    --------
    >>> before = np.random.get_state()[1][0]
    >>> with kept(seed=1):
    ...     draws = np.random.random(3)
    >>> bool(np.random.get_state()[1][0] == before)
    True
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    filters = list(warnings.filters)
    torch: Any = sys.modules.get("torch")  # where it is in use: its loaders draw to predict
    torch_state = None if torch is None else torch.get_rng_state()
    if seed is not None:
        np.random.seed(seed)  # noqa: NPY002 - libraries draw from the global one
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
            warnings._filters_mutated()  # type: ignore[attr-defined]
