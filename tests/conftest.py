"""Settings of all tests: deterministic hypothesis, long tests, and a check of global state."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
from hypothesis import settings
from threadpoolctl import ThreadpoolController

settings.register_profile(
    "sktrainer", derandomize=True, deadline=None, database=None, print_blob=True
)
settings.load_profile("sktrainer")

collect_ignore = ["keras_parts.py"]  # importing it loads TensorFlow; it has no examples
LONG_SHARE = 10  # CI runs one in this many long tests

# Parts of the ids of tests that run in the same process, which imports TensorFlow, or starts
# the fork server with all libraries, once for all of them.
PROCESS_GROUPS = {
    "checkpoints": ("tests/checkpoints/",),
    "keras": ("keras", "Keras", "SKLearnClassifier"),
}


@cache
def long_tests_seed() -> str:
    """Return what chooses the long tests of a CI run: LONG_TESTS_SEED or the commit hash.

    It must be the same in all processes of a run, so it cannot be drawn here.
    """
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    folder = Path(__file__).parent
    head = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return os.environ.get("LONG_TESTS_SEED") or head.stdout.strip() or "0"


def _runs_long_sample(config: pytest.Config) -> bool:
    return os.environ.get("CI") == "true" and not config.option.markexpr


def pytest_report_header(config: pytest.Config) -> str | None:
    """Print how to repeat the choice of long tests."""
    if not _runs_long_sample(config):
        return None
    return f"long tests: one in {LONG_SHARE}, chosen by LONG_TESTS_SEED={long_tests_seed()}"


def process_group(nodeid: str) -> str:
    """Return what the tests that run in the same process have in common.

    It is the file, and for the contract also the model family, because checks that only read
    the fitted trainer share it.

    Examples
    --------
    >>> process_group("tests/test_contract.py::test_contract_holds[Ridge-check_time_order]")
    'tests/test_contract.py::test_contract_holds[Ridge'
    """
    for group, parts in PROCESS_GROUPS.items():
        if any(part in nodeid for part in parts):
            return group
    return nodeid.split("-" if "::test_contract_holds[" in nodeid else "::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return the scheduler of ``--dist loadfile``, with our groups in place of files."""
    from xdist.scheduler import LoadFileScheduling

    if config.getoption("dist") != "loadfile":
        return None

    class GroupScheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return process_group(nodeid)

    return GroupScheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect long tests, unless `-m` names the marker or the CI sample has them."""
    if "long" in config.option.markexpr:
        return

    def is_selected(item: pytest.Item) -> bool:
        if item.get_closest_marker("long") is None:
            return True
        key = f"{long_tests_seed()} {item.nodeid}"
        return _runs_long_sample(config) and zlib.crc32(key.encode()) % LONG_SHARE == 0

    selected = [item for item in items if is_selected(item)]
    if len(selected) < len(items):
        config.hook.pytest_deselected(items=[i for i in items if not is_selected(i)])
        items[:] = selected


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
            threads={
                pool["filepath"]: pool["num_threads"]
                for pool in _controller(len(sys.modules)).info()
            },
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
    numpy_state, packages = np.random.get_state(), _packages(len(sys.modules))
    before = GlobalState.now()
    yield
    changed = before.changes(imported=_packages(len(sys.modules)) != packages)
    if USES_GLOBAL_GENERATOR in request.node.name:
        changed = [name for name in changed if name != "numpy_generator"]
    np.random.set_state(numpy_state)
    random.setstate(before.python_generator)
    if changed:
        pytest.fail(f"the test changed global state: {', '.join(changed)}", pytrace=False)


# Both take milliseconds, and their results change only if modules were imported.
@lru_cache(maxsize=1)
def _packages(n_modules: int) -> set[str]:
    return {name.partition(".")[0] for name in sys.modules}


@lru_cache(maxsize=1)
def _controller(n_modules: int) -> ThreadpoolController:
    return ThreadpoolController()
