"""Contract checks of sample weights. Each is a function of a `Case`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sktrainer.backends.estimators import unwrap_pipeline
from sktrainer.backends.registry import find_backend
from sktrainer.testing.cases import Case, bit_identical, model_outputs, replace_with_noise
from sktrainer.trainer import ManagedTrainer
from sktrainer.types import Array


def check_zero_weight_equals_absent_row(case: Case) -> None:
    """Check that rows of weight zero have no influence, or that weights are rejected."""
    X, y = case.table()
    trainer = case.trainer(early_stopping=False)
    weight = np.ones(len(y))
    weight[::3] = 0.0
    if not _accepts_weights(case):
        _check_weights_are_rejected(trainer, X, y, weight)
        return
    weighted = trainer.fit(X, y, sample_weight=weight)
    noise, labels = replace_with_noise(X, y, np.flatnonzero(weight == 0.0))
    again = case.trainer(early_stopping=False).fit(noise, labels, sample_weight=weight)
    assert bit_identical(
        model_outputs(weighted, case.probe()), model_outputs(again, case.probe())
    )


def check_unit_weights_equal_no_weights(case: Case) -> None:
    """Check that weights of 1 give a bit-identical fit, or that weights are rejected."""
    X, y = case.table()
    ones = np.ones(len(y))
    if not _accepts_weights(case):
        _check_weights_are_rejected(case.trainer(), X, y, ones)
        return
    weighted = case.trainer().fit(X, y, sample_weight=ones)
    assert bit_identical(
        model_outputs(case.fitted, case.probe()), model_outputs(weighted, case.probe())
    )
    history = weighted.history_.drop(columns="seconds")
    pd.testing.assert_frame_equal(
        case.fitted.history_.drop(columns="seconds"), history, check_exact=True
    )


def _accepts_weights(case: Case) -> bool:
    model = unwrap_pipeline(case.trainer().estimator).model
    return find_backend(model).capabilities(model, case.task).accepts_sample_weight


def _check_weights_are_rejected(trainer: ManagedTrainer, X: Any, y: Any, weight: Array) -> None:
    try:
        trainer.fit(X, y, sample_weight=weight)
    except ValueError as error:
        if "weight" not in str(error):
            raise
    else:
        raise AssertionError("a model that does not support sample weights ignored them")
