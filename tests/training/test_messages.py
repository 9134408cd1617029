"""Messages about scores and classes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier

from sktrainer import ManagedTrainer
from sktrainer.exceptions import ClassImbalanceWarning, DataWarning

X = np.random.default_rng(0).normal(size=(400, 2))
RARE = np.where(np.arange(400) % 20, "usual", "rare")
MODEL = DummyClassifier(strategy="most_frequent")


@pytest.mark.parametrize(
    ("options", "rows"),
    [({"test_size": 0.25}, "100 test rows"), ({"cv": 4}, "400 out-of-fold rows")],
)
def test_class_that_is_never_predicted_is_named(options, rows):
    trainer = ManagedTrainer(MODEL, random_state=0, **options)
    with pytest.warns(ClassImbalanceWarning, match=f"never predicted for the {rows}") as caught:
        trainer.fit(X, RARE)
    text = str(caught[0].message)
    assert text.startswith("class 'rare' (")
    assert text in trainer.report_.notes


def test_class_that_is_never_predicted_is_only_a_note_without_imbalance():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = np.where(np.arange(400) % 3, "usual", "other")
        trainer = ManagedTrainer(MODEL, test_size=0.25, random_state=0).fit(X, y)
    assert any("'other' (34 rows) is never predicted" in n for n in trainer.report_.notes)


NUMBERS = np.random.default_rng(3).normal(size=400)
LABELS = np.where(np.random.default_rng(1).random(400) < 0.5, "a", "b")


@pytest.mark.parametrize(
    ("model", "y", "scores"),
    [
        (Ridge(), NUMBERS, r"r2 -0\.\d+ \(constant -0\.\d+\)"),
        (LogisticRegression(), LABELS, r"accuracy 0\.\d+ .*, balanced_accuracy .*, roc_auc "),
    ],
)
def test_model_without_skill_on_test_rows_is_warned_of(model, y, scores):
    trainer = ManagedTrainer(model, test_size=0.25, random_state=1)
    with pytest.warns(DataWarning, match=f"constant prediction on the test rows: {scores}"):
        trainer.fit(X, y)
    assert any("on the test rows" in note for note in trainer.report_.notes)


def test_boosting_without_skill_on_validation_rows_is_warned_of():
    model = LGBMClassifier(n_estimators=40, learning_rate=0.5, verbose=-1)
    trainer = ManagedTrainer(model, early_stopping=False, validation_size=0.2, random_state=0)
    with pytest.warns(DataWarning, match="no better than a constant prediction: log loss"):
        trainer.fit(X, LABELS)


@pytest.mark.parametrize(
    ("model", "y", "options"),
    [
        (Ridge(), NUMBERS + X[:, 0], {"test_size": 0.25}),
        (Ridge(), NUMBERS, {"test_size": 0.25, "scoring": "r2"}),
        (Ridge(), NUMBERS, {"test_size": 29}),
        (DummyRegressor(), NUMBERS, {"test_size": 0.25}),
    ],
)
@pytest.mark.filterwarnings("ignore::sktrainer.SmallDataWarning")
def test_skill_constant_models_own_scoring_and_few_rows_are_not_warned_of(model, y, options):
    trainer = ManagedTrainer(model, random_state=1, **options).fit(X, y)
    assert not any("no better" in note for note in trainer.report_.notes)


@pytest.mark.parametrize(
    ("n_classes", "text"),
    [
        (2, "log_loss is not computed: RidgeClassifier has no predict_proba"),
        (3, "roc_auc, log_loss are not computed: RidgeClassifier has no predict_proba"),
    ],
)
def test_scores_that_need_a_missing_method_are_named(n_classes, text, capsys):
    y = (X[:, 0] + NUMBERS > 0).astype(int) + (n_classes - 2) * (X[:, 1] > 1)
    trainer = ManagedTrainer(RidgeClassifier(), test_size=0.25, random_state=0, verbose=1)
    trainer.fit(X, y)
    assert text in trainer.report_.notes
    assert text in capsys.readouterr().out
