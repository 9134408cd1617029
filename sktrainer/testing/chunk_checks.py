"""Contract checks of `partial_fit`. They return early for models without it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import joblib
import numpy as np
import pandas as pd

from sktrainer.testing.answers import answers, same_bits
from sktrainer.testing.cases import Case, with_noise
from sktrainer.testing.checks import encoded
from sktrainer.testing.state_checks import pickled_whole, state_left_alone
from sktrainer.trainer import ManagedTrainer
from sktrainer.types import Array

N_CHUNKS = 3


def _chunks(X: Any, y: Any) -> Iterator[tuple[Any, Any]]:
    size = len(y) // N_CHUNKS
    for start in range(0, size * N_CHUNKS, size):
        yield X[start : start + size], y[start : start + size]


def _learns(case: Case) -> bool:
    return hasattr(case.trainer(), "partial_fit")


def _options(case: Case, y: Any) -> dict[str, Any]:
    return {"classes": np.unique(y)} if case.task == "classification" else {}


def _fed(case: Case, X: Any, y: Any, *, pickled: bool = False) -> ManagedTrainer:
    trainer = case.trainer()
    for rows, labels in _chunks(X, y):
        trainer.partial_fit(rows, labels, **_options(case, y))
        if pickled:
            trainer = pickle.loads(pickle.dumps(trainer))  # noqa: S301 - pickled here
    return trainer


def check_the_first_chunk_decides_the_encoding(case: Case) -> None:
    """Check that later chunks do not change the preprocessing."""
    if not _learns(case):
        return
    X, y = case.table()
    later = np.arange(len(y) // N_CHUNKS, len(y))
    first = _fed(case, X, y)
    second = _fed(case, *with_noise(X, y, later))
    assert same_bits(encoded(first, case.probe()), encoded(second, case.probe())), (
        "noise in later chunks changed the preprocessing"
    )
    assert first.n_iter_ == N_CHUNKS


def check_chunks_give_the_same_bits_again(case: Case) -> None:
    """Check that chunks are reproducible, also in another process and when pickled between."""
    if not _learns(case):
        return
    here = _fed_and_answered(case)
    assert same_bits(here, _fed_and_answered(case)), "the same chunks give another model"
    assert same_bits(here, _fed_and_answered(case, pickled=True)), "pickling changes the model"
    with joblib.parallel_config("loky", n_jobs=2):
        there, _ = joblib.Parallel()(
            joblib.delayed(_fed_and_answered)(case, pickled=pickled)
            for pickled in (False, True)
        )
    assert same_bits(here, there), "another process gives another model"


def _fed_and_answered(case: Case, *, pickled: bool = False) -> Array:
    return answers(_fed(case, *case.table(), pickled=pickled), case.probe())


def check_chunks_leave_the_caller_alone(case: Case) -> None:
    """Check that `partial_fit` does not change the estimator, the data or global state."""
    if not _learns(case):
        return
    X, y = case.table()
    X_before, y_before = X.copy(), y.copy()
    trainer = case.trainer()
    estimator = trainer.estimator
    pickled_before = pickled_whole(estimator)
    trainer.partial_fit(X, y)  # lets libraries do their one-time initialization
    with state_left_alone("partial_fit"):
        trainer.partial_fit(X, y)
    assert trainer.estimator is estimator
    assert pickled_whole(estimator) == pickled_before, "partial_fit changed the estimator"
    pd.testing.assert_frame_equal(X, X_before)
    pd.testing.assert_series_equal(y, y_before)


def check_a_refused_chunk_changes_nothing(case: Case) -> None:
    """Check that a chunk with wrong columns, length or class does not change the model."""
    if not _learns(case):
        return
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
            _check_is_refused(trainer, wrong, targets, case.probe())
    assert same_bits(answers(trainer, case.probe()), _fed_and_answered(case))


def _check_is_refused(trainer: ManagedTrainer, X: Any, y: Any, probe: Any) -> None:
    before = answers(trainer, probe)
    try:
        trainer.partial_fit(X, y)
    except ValueError:
        assert same_bits(answers(trainer, probe), before), "an invalid chunk changed the model"
    else:
        raise AssertionError("partial_fit accepted a chunk that does not match the first one")


def check_rows_of_weight_zero_are_absent_from_chunks(case: Case) -> None:
    """Check that rows of weight zero influence neither the preprocessing nor the model."""
    if not _learns(case):
        return
    X, y = case.table()
    weight = np.ones(len(y))
    weight[::3] = 0.0
    noise, labels = with_noise(X, y, np.flatnonzero(weight == 0.0))
    found = []
    for rows, targets in ((X, y), (noise, labels)):
        trainer = case.trainer()
        try:
            for _ in range(2):
                trainer.partial_fit(rows, targets, sample_weight=weight)
        except ValueError as error:
            if "weights" not in str(error):
                raise
            return
        found.append(answers(trainer, case.probe()))
    assert same_bits(*found)


def check_chunks_go_on_from_a_fit(case: Case) -> None:
    """Check that `partial_fit` continues a fit and keeps its preprocessing."""
    if not _learns(case):
        return
    X, y = case.table()
    trainer = case.trainer().fit(X, y)
    fitted, n_iter = answers(trainer, case.probe()), trainer.n_iter_ or 0
    steps = encoded(trainer, case.probe())
    trainer.partial_fit(*with_noise(X, y, np.arange(len(y))))
    assert same_bits(steps, encoded(trainer, case.probe())), "a chunk changed the preprocessing"
    assert trainer.n_iter_ == n_iter + 1
    assert same_bits(fitted, answers(trainer.fit(X, y), case.probe()))
