"""Tests of the scores of each set; no row is predicted twice."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from sktrainer import ManagedTrainer
from sktrainer.scoring import evaluate
from sktrainer.scoring.decoded_model import DecodedModel
from sktrainer.scoring.evaluate import SetPredictor, score_rows, score_sets
from sktrainer.scoring.predictor import Predictor
from sktrainer.scoring.scorers import resolve_scoring
from sktrainer.types import Rows

X = np.random.default_rng(0).normal(size=(60, 2))
Y = (X[:, 0] > 0).astype(int)


class Counts(ClassifierMixin, BaseEstimator):
    """Classifier that counts the calls of its methods."""

    def __init__(self):
        self.calls = []

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        self.calls.append("predict")
        return self.classes_[(X[:, 0] > 0).astype(int)]

    def predict_proba(self, X):
        self.calls.append("predict_proba")
        likely = 1 / (1 + np.exp(-X[:, 0]))
        return np.column_stack([1 - likely, likely])


def predictor(*, predict_is_argmax=False):
    codes, step = np.array([0, 1]), FunctionTransformer(np.array).fit(X)
    model = DecodedModel(Counts().fit(X, Y), codes, codes, predict_is_argmax=predict_is_argmax)
    return Predictor(Pipeline([("double", step), ("model", model)]), "classification")


@pytest.mark.parametrize(
    ("argmax", "calls"), [(False, ["predict", "predict_proba"]), (True, ["predict_proba"])]
)
def test_each_method_of_the_model_is_called_once_for_all_scorers(argmax, calls):
    fitted = predictor(predict_is_argmax=argmax)
    scores = score_sets(
        {"test": SetPredictor(fitted, Y, lambda: X)},
        resolve_scoring(None, "classification", 2),
        Y,
    )
    assert sorted(fitted.model.calls) == calls
    assert scores.table.loc["test", "accuracy"] == 1.0
    assert scores.confusion.to_numpy().trace() == len(Y)


def test_raw_rows_are_taken_at_most_once_and_only_if_needed():
    taken = []

    def take():
        taken.append(1)
        return X

    encoded = SetPredictor(predictor(), Y, take, encoded=X)
    encoded.predict()
    assert taken == []
    raw = SetPredictor(predictor(), Y, take)
    raw.predict_proba()
    raw.predict()
    assert taken == [1]


def test_method_that_the_model_lacks_is_missing():
    predicted = SetPredictor(predictor(), Y, lambda: X)
    assert hasattr(predicted, "predict_proba")
    assert not hasattr(predicted, "decision_function")


def test_predictions_are_freed_without_the_garbage_collector():
    predicted = SetPredictor(predictor(), Y, lambda: X)
    predicted.predict()
    reference = weakref.ref(predicted)
    gc.disable()
    try:
        del predicted
        assert reference() is None
    finally:
        gc.enable()


@pytest.mark.filterwarnings("ignore::sktrainer.SmallDataWarning")
def test_user_defined_scorer_receives_rows_and_original_labels():
    seen = []

    def scorer(estimator, X, y):
        seen.append((X.shape, set(y)))
        return 0.5

    model = LGBMClassifier(n_estimators=3, verbose=-1)
    labels = np.where(Y, "yes", "no")
    trainer = ManagedTrainer(model, scoring=scorer, test_size=0.2, random_state=0)
    trainer.fit(X, labels)
    assert trainer.scores_.loc["test", "scorer"] == 0.5
    assert seen[-1] == ((12, 2), {"no", "yes"})


def test_score_rows_uses_sample_weights():
    wrong = Y.copy()
    wrong[0] = 1 - wrong[0]
    scoring = resolve_scoring("accuracy", "classification", 2)
    weight = np.zeros(60)
    weight[0] = 1.0
    assert score_rows(predictor(), Rows(X, wrong), scoring)["accuracy"] == 59 / 60
    assert score_rows(predictor(), Rows(X, wrong, weight), scoring)["accuracy"] == 0.0


@pytest.mark.parametrize("n_classes", [2, 3])
def test_constant_scores_of_many_rows_are_those_of_every_row(n_classes, monkeypatch):
    rng = np.random.default_rng(n_classes)
    y = rng.choice(n_classes, p=[0.7, 0.3] if n_classes == 2 else [0.2, 0.5, 0.3], size=500)
    X = rng.normal(size=(500, 2))
    found = []
    for limit in (10_000, 10):
        monkeypatch.setattr(evaluate, "MANY_ROWS", limit)
        trainer = ManagedTrainer(LogisticRegression(), test_size=0.3, random_state=0)
        found.append(trainer.fit(X, y).report_.baseline)
    assert found[0].notna().all(axis=None)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)
