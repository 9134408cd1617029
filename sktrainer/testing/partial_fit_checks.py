"""Contract checks of `partial_fit`. They do not apply to models without it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import joblib
import numpy as np
import pandas as pd

from sktrainer.testing.cases import (
    Case,
    CheckNotApplicable,
    bit_identical,
    model_outputs,
    replace_with_noise,
    transform_rows,
)
from sktrainer.testing.isolation_checks import assert_state_unchanged, stable_pickle
from sktrainer.trainer import ManagedTrainer
from sktrainer.types import Array

N_CHUNKS = 3


def _chunks(X: Any, y: Any) -> Iterator[tuple[Any, Any]]:
    # Whole batches of 32 rows: TensorFlow traces and compiles a smaller last batch separately.
    size = len(y) // N_CHUNKS // 32 * 32
    for start in range(0, size * N_CHUNKS, size):
        yield X[start : start + size], y[start : start + size]


def _require_partial_fit(case: Case) -> None:
    if not hasattr(case.trainer(), "partial_fit"):
        raise CheckNotApplicable("the model has no partial_fit")


def _options(case: Case, y: Any) -> dict[str, Any]:
    return {"classes": np.unique(y)} if case.task == "classification" else {}


def _fit_chunks(case: Case, X: Any, y: Any, *, pickled: bool = False) -> ManagedTrainer:
    trainer = case.trainer()
    for rows, labels in _chunks(X, y):
        trainer.partial_fit(rows, labels, **_options(case, y))
        if pickled:
            trainer = pickle.loads(pickle.dumps(trainer))  # noqa: S301 - pickled here
    return trainer


def check_first_chunk_fixes_encoding(case: Case) -> None:
    """Check that later chunks do not change the preprocessing."""
    _require_partial_fit(case)
    X, y = case.table()
    later = np.arange(len(y) // N_CHUNKS, len(y))
    first = _fit_chunks(case, X, y)
    second = _fit_chunks(case, *replace_with_noise(X, y, later))
    assert bit_identical(
        transform_rows(first, case.probe()), transform_rows(second, case.probe())
    ), "noise in later chunks changed the preprocessing"
    assert first.n_iter_ == N_CHUNKS


def check_partial_fit_is_reproducible(case: Case) -> None:
    """Check that chunks are reproducible, also in another process and when pickled between."""
    _require_partial_fit(case)
    here = _outputs_of_chunks(case)
    assert bit_identical(here, _outputs_of_chunks(case)), "the same chunks give another model"
    assert bit_identical(here, _outputs_of_chunks(case, pickled=True)), (
        "pickling changes the model"
    )
    with joblib.parallel_config("loky", n_jobs=2):
        there, _ = joblib.Parallel()(
            joblib.delayed(_outputs_of_chunks)(case, pickled=pickled)
            for pickled in (False, True)
        )
    assert bit_identical(here, there), "another process gives another model"


def _outputs_of_chunks(case: Case, *, pickled: bool = False) -> Array:
    return model_outputs(_fit_chunks(case, *case.table(), pickled=pickled), case.probe())


def check_partial_fit_preserves_state(case: Case) -> None:
    """Check that `partial_fit` does not change the estimator, the data or global state."""
    _require_partial_fit(case)
    X, y = case.table()
    X_before, y_before = X.copy(), y.copy()
    trainer = case.trainer()
    estimator = trainer.estimator
    pickled_before = stable_pickle(estimator)
    trainer.partial_fit(X, y)  # lets libraries do their one-time initialization
    with assert_state_unchanged("partial_fit"):
        trainer.partial_fit(X, y)
    assert trainer.estimator is estimator
    assert stable_pickle(estimator) == pickled_before, "partial_fit changed the estimator"
    pd.testing.assert_frame_equal(X, X_before)
    pd.testing.assert_series_equal(y, y_before)


def check_rejected_chunk_changes_nothing(case: Case) -> None:
    """Check that a chunk with wrong columns, length or class does not change the model."""
    _require_partial_fit(case)
    X, y = case.table()
    bad: list[tuple[Any, Any]] = [
        (X.drop(columns="size"), y),
        (X.assign(size="large"), y),
        (X[X.columns[::-1]], y),
        (X, y[:-1]),
    ]
    if case.task == "classification":
        bad.append((X, y.replace("c1", "unseen")))
    trainer = case.trainer()
    for rows, labels in _chunks(X, y):
        trainer.partial_fit(rows, labels, **_options(case, y))
        for wrong, targets in bad:
            _check_is_rejected(trainer, wrong, targets, case.probe())
    assert bit_identical(model_outputs(trainer, case.probe()), _outputs_of_chunks(case))


def _check_is_rejected(trainer: ManagedTrainer, X: Any, y: Any, probe: object) -> None:
    before = model_outputs(trainer, probe)
    try:
        trainer.partial_fit(X, y)
    except ValueError:
        assert bit_identical(model_outputs(trainer, probe), before), (
            "an invalid chunk changed the model"
        )
    else:
        raise AssertionError("partial_fit accepted a chunk that does not match the first one")


def check_partial_fit_zero_weights(case: Case) -> None:
    """Check that rows of weight zero influence neither the preprocessing nor the model."""
    _require_partial_fit(case)
    X, y = case.table()
    weight = np.ones(len(y))
    weight[::3] = 0.0
    noise, labels = replace_with_noise(X, y, np.flatnonzero(weight == 0.0))
    outputs = []
    for rows, targets in ((X, y), (noise, labels)):
        trainer = case.trainer()
        try:
            for _ in range(2):
                trainer.partial_fit(rows, targets, sample_weight=weight)
        except ValueError as error:
            if "weights" not in str(error):
                raise
            raise CheckNotApplicable(f"partial_fit rejects weights: {error}") from error
        outputs.append(model_outputs(trainer, case.probe()))
    assert bit_identical(*outputs)


def check_partial_fit_after_fit(case: Case) -> None:
    """Check that `partial_fit` continues a fit and keeps its preprocessing."""
    _require_partial_fit(case)
    X, y = case.table()
    trainer = case.trainer().fit(X, y)
    fitted, n_iter = model_outputs(trainer, case.probe()), trainer.n_iter_ or 0
    steps = transform_rows(trainer, case.probe())
    trainer.partial_fit(*replace_with_noise(X, y, np.arange(len(y))))
    assert bit_identical(steps, transform_rows(trainer, case.probe())), (
        "a chunk changed the preprocessing"
    )
    assert trainer.n_iter_ == n_iter + 1
    assert bit_identical(fitted, model_outputs(trainer.fit(X, y), case.probe()))
