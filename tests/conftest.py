"""What holds for every test: hypothesis is deterministic, global state is left alone."""

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


# scikit-learn's own check draws its order of rows from NumPy's global generator.
DRAWS_GLOBALLY = "check_methods_sample_order_invariance"


@dataclass(frozen=True)
class GlobalState:
    """What a test may not leave changed, each in a form that compares by value."""

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
        """Name what differs now, but for what a first import of a library explains.

        Some libraries add warnings filters and environment variables when they are
        imported, and each brings thread pools of its own.
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
def _global_state_is_left_alone(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test that changes global state, and put the generators back for the next."""
    numpy_state, packages = np.random.get_state(), _packages()
    before = GlobalState.now()
    yield
    changed = before.changes(imported=_packages() != packages)
    if DRAWS_GLOBALLY in request.node.name:
        changed = [name for name in changed if name != "numpy_generator"]
    np.random.set_state(numpy_state)
    random.setstate(before.python_generator)
    if changed:
        pytest.fail(f"the test left global state changed: {', '.join(changed)}", pytrace=False)


def _packages() -> set[str]:
    return {name.partition(".")[0] for name in sys.modules}
