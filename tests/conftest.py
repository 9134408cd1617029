"""Settings of all tests: deterministic hypothesis, and a check of global state."""

from __future__ import annotations

import os
import random
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pytest
import sklearn
from hypothesis import settings
from threadpoolctl import threadpool_info

settings.register_profile(
    "sktrainer", derandomize=True, deadline=None, database=None, print_blob=True
)
settings.load_profile("sktrainer")


# This scikit-learn check shuffles rows with NumPy's global generator.
USES_GLOBAL_GENERATOR = "check_methods_sample_order_invariance"


@dataclass(frozen=True)
class GlobalState:
    """Snapshot of the state that a test must not change, comparable by value."""

    numpy_generator: Any
    python_generator: Any
    threads: dict[str, int]
    sklearn_config: dict[str, Any]
    warnings_filters: list[Any]
    environment: dict[str, str]

    @classmethod
    def now(cls) -> GlobalState:
        name, keys, *rest = np.random.get_state(legacy=True)
        return cls(
            numpy_generator=(name, np.asarray(keys).tobytes(), *rest),
            python_generator=random.getstate(),
            threads={pool["filepath"]: pool["num_threads"] for pool in threadpool_info()},
            sklearn_config=sklearn.get_config(),
            warnings_filters=list(warnings.filters),
            environment={k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"},
        )

    def changes(self, *, imported: bool) -> list[str]:
        """Return the names of the fields that changed.

        If something was `imported`, ignore warning filters, environment variables and new
        thread pools, because some libraries add them on import.
        """
        now = GlobalState.now()
        names = [field.name for field in fields(self) if field.name != "threads"]
        if imported:
            names = [name for name in names if name not in ("warnings_filters", "environment")]
        changed = [name for name in names if getattr(self, name) != getattr(now, name)]
        known = {path: now.threads[path] for path in self.threads if path in now.threads}
        if any(self.threads[path] != n_threads for path, n_threads in known.items()):
            changed.append("threads")
        return changed


@pytest.fixture(autouse=True)
def _check_global_state(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that changes global state, and restore the random generators."""
    numpy_state, packages = np.random.get_state(), _packages()
    before = GlobalState.now()
    yield
    changed = before.changes(imported=_packages() != packages)
    if USES_GLOBAL_GENERATOR in request.node.name:
        changed = [name for name in changed if name != "numpy_generator"]
    np.random.set_state(numpy_state)
    random.setstate(before.python_generator)
    if changed:
        pytest.fail(f"the test changed global state: {', '.join(changed)}", pytrace=False)


def _packages() -> set[str]:
    return {name.partition(".")[0] for name in sys.modules}
