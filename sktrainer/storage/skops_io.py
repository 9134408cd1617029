"""skops, imported without the frameworks that looking for all of scikit-learn imports."""

from __future__ import annotations

import importlib
import sys
import threading
from types import ModuleType

__all__ = ["skops_io"]

WAYS_TO_FRAMEWORKS = tuple(
    f"sklearn.externals.array_api_compat.{name}" for name in ("cupy", "dask", "torch")
)
_LOCK = threading.Lock()


def skops_io() -> ModuleType:
    """Return `skops.io`.

    It lists scikit-learn's estimators by walking through all of its packages, and some of
    these, which hold no estimator, import torch, dask or cupy where they are installed:
    seconds, and hundreds of megabytes. The walk passes over packages that cannot be
    imported; so for its time they cannot.
    """
    with _LOCK:
        if "skops.io" in sys.modules:
            return sys.modules["skops.io"]
        barred = [name for name in WAYS_TO_FRAMEWORKS if name not in sys.modules]
        for name in barred:
            sys.modules[name] = None  # type: ignore[assignment]
        try:
            return importlib.import_module("skops.io")
        finally:
            for name in barred:
                del sys.modules[name]
