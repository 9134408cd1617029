"""Checkpoints of one fit: what is written, and what a resumed fit reports."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from sktrainer import (
    CheckpointWarning,
)
from sktrainer.testing import bit_identical, model_outputs
from tests.checkpoints.fits import PROBE, X, states, trainer, y


@pytest.mark.parametrize(
    "model",
    [
        HistGradientBoostingClassifier(max_iter=20),
        RandomForestClassifier(20),
        MLPClassifier((4,), max_iter=20),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_checkpoint_does_not_change_models_without_segments(model, tmp_path):
    plain = trainer(tmp_path, model, checkpoint=None).fit(X, y)
    kept = trainer(tmp_path, model).fit(X, y)
    assert bit_identical(model_outputs(plain, PROBE), model_outputs(kept, PROBE))


def test_only_the_newest_states_are_kept(tmp_path):
    trainer(tmp_path, keep=3).fit(X, y)
    assert len(states(tmp_path)) == 3


def test_unpicklable_model_is_fitted_with_a_warning(tmp_path):
    class Local(LogisticRegression):
        """Classifier that other processes cannot import."""

    with pytest.warns(CheckpointWarning, match="cannot be saved"):
        fitted = trainer(tmp_path, Local()).fit(X, y)
    assert fitted.predict(PROBE).shape == (len(PROBE),)
    assert states(tmp_path) == []


def test_booster_without_possible_splits_finishes(tmp_path):
    constant = np.ones((100, 2))
    model = LGBMClassifier(n_estimators=30)
    plain = trainer(tmp_path, model, checkpoint=None).fit(constant, y[:100])
    kept = trainer(tmp_path, model).fit(constant, y[:100])
    assert (kept.n_iter_, kept.best_iteration_) == (plain.n_iter_, plain.best_iteration_)
    assert bit_identical(plain.predict_proba(constant), kept.predict_proba(constant))


def test_history_seconds_increase_after_resuming(tmp_path):
    model = MLPClassifier((4,), max_iter=30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer(tmp_path, model).fit(X, y)
        states(tmp_path)[-1].unlink()
        resumed = trainer(tmp_path, model).fit(X, y)
    seconds = resumed.history_["seconds"]
    assert isinstance(resumed.history_, pd.DataFrame)
    assert (seconds.diff().dropna() >= 0).all()
