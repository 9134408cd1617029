"""Comparison with a constant prediction of the original class frequencies."""

from __future__ import annotations

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.metrics import log_loss
from xgboost import XGBRegressor

from sktrainer import DataWarning, ManagedTrainer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1_500, 4))
NOISE = np.where(RNG.random(1_500) < 0.06, "rare", "usual")
SIGNAL = np.where(X[:, 0] > 1.5, "rare", "usual")


def no_better_notes(y, **parameters):
    model = LGBMClassifier(n_estimators=40, learning_rate=0.2, verbose=-1)
    options = {"early_stopping": False, "validation_size": 0.2, "random_state": 0}
    trainer = ManagedTrainer(model, **options, **parameters).fit(X, y)
    rows = y[trainer.split_.train]
    frequencies = [np.mean(rows == "rare"), np.mean(rows == "usual")]
    held = y[trainer.split_.validation]
    constant = log_loss(held, np.tile(frequencies, (len(held), 1)), labels=["rare", "usual"])
    return [n for n in trainer.report_.notes if "no better than a constant" in n], constant


@pytest.mark.parametrize("method", [None, "class_weight", "smote", "oversample"])
@pytest.mark.parametrize("correct", [False, True])
@pytest.mark.filterwarnings("ignore:correct_probabilities:sktrainer.exceptions.DataWarning")
def test_baseline_has_the_original_class_frequencies(method, correct):
    options = {"handle_imbalance": method, "correct_probabilities": correct, "audit": False}
    with pytest.warns(DataWarning, match="no better than a constant prediction"):
        notes, constant = no_better_notes(NOISE, **options)
    assert f"compared with {constant:.4g} for predicting class frequencies" in notes[0]
    assert no_better_notes(SIGNAL, **options)[0] == []


def test_unknown_loss_is_not_compared_with_the_mean():
    def ninety_percent(y_true, y_pred):
        return np.where(y_true > y_pred, -0.9, 0.1), np.ones_like(y_true)

    model = XGBRegressor(objective=ninety_percent, n_estimators=30)
    trainer = ManagedTrainer(model, random_state=0, eval_metric="neg_mean_absolute_error").fit(
        X, RNG.exponential(size=1_500)
    )
    assert not any("constant" in note for note in trainer.report_.notes)
