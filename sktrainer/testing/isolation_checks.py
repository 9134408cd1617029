"""Contract checks that a fit does not change global state, the estimator or the data."""

from __future__ import annotations

import contextlib
import os
import pickle
import random
import re
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_info

from sktrainer.backends.estimators import encode_networks
from sktrainer.backends.registry import framework_random_states
from sktrainer.testing.cases import Case, bit_identical, model_outputs
from sktrainer.trainer import ManagedTrainer
from sktrainer.types import Array


def check_global_state_is_restored(case: Case) -> None:
    """Check that `fit` leaves random generators, warning filters, threads etc. unchanged."""
    X, y = case.table()
    case.trainer().fit(X, y)  # lets libraries do their one-time initialization
    with assert_state_unchanged("the fit"):
        case.trainer(cv=2).fit(X, y)


def check_fits_in_threads_equal_serial_fit(case: Case) -> None:
    """Check that two fits at the same time give the same model as one."""
    X, y = case.table()

    def fit(_: int) -> Array:
        return model_outputs(case.trainer().fit(X, y), case.probe())

    alone = model_outputs(case.fitted, case.probe())
    # `warnings.catch_warnings`, which scikit-learn uses, does not restore filters in threads.
    with warnings.catch_warnings(), ThreadPoolExecutor(2) as pool:
        outputs = list(pool.map(fit, range(2)))
    for found in outputs:
        assert bit_identical(alone, found), "a fit in a thread gives other predictions"


@contextlib.contextmanager
def assert_state_unchanged(action: str) -> Iterator[None]:
    """Raise AssertionError if the enclosed block changes global state.

    The block runs in an empty working directory, because other test processes may write to
    the shared one at the same time.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        before = _caller_state()
        yield
        after = _caller_state()
    for name, value in before.items():
        assert value == after[name], f"{action} changed global state: {name}"


def _caller_state() -> dict[str, Any]:
    name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 - it is checked
    return {
        "NumPy generator": (name, np.asarray(keys).tobytes(), *rest),
        "Python generator": random.getstate(),
        **{f"{name} generator": state for name, state in framework_random_states().items()},
        "warning filters": list(warnings.filters),
        "thread limits": [
            (library["filepath"], library["num_threads"]) for library in threadpool_info()
        ],
        "environment": dict(os.environ),
        "working directory": sorted(file.name for file in Path.cwd().iterdir()),
    }


def check_estimator_is_not_modified(case: Case) -> None:
    """Check that `fit` does not change the wrapped estimator."""
    X, y = case.table()
    trainer = case.trainer()
    estimator = trainer.estimator
    before = stable_pickle(estimator)
    parameters = _parameters_of(trainer)
    trainer.fit(X, y)
    assert trainer.estimator is estimator
    assert stable_pickle(estimator) == before, "fit changed the wrapped estimator"
    assert _parameters_of(trainer) == parameters


def stable_pickle(estimator: Any) -> bytes:
    """Return a deterministic pickle; those of networks may contain the time."""
    return pickle.dumps(encode_networks({"estimator": estimator}))


def _parameters_of(trainer: ManagedTrainer) -> str:
    # Remove memory addresses: some libraries create default objects on every call.
    return re.sub(r" at 0x[0-9a-f]+", "", repr(trainer.get_params()))


def check_data_is_not_modified(case: Case) -> None:
    """Check that `fit` and `predict` do not change X and y."""
    X, y = case.table()
    X_before, y_before = X.copy(), y.copy()
    case.trainer(test_size=0.2).fit(X, y).predict(X)
    pd.testing.assert_frame_equal(X, X_before)
    pd.testing.assert_series_equal(y, y_before)
