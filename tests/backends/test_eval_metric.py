"""Tests of the scores of validation rows during a fit."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, make_scorer, max_error

from sktrainer.backends.eval_metric import call_scorer
from sktrainer.data.predictions import CachedPredictor

Y = np.array([0, 1, 1])
WEIGHTS = np.array([2.0, 1.0, 1.0])


def weighted_accuracy(estimator, X, y, sample_weight=None):
    return accuracy_score(y, estimator.predict(X), sample_weight=sample_weight)


def plain_accuracy(estimator, X, y):
    return accuracy_score(y, estimator.predict(X))


def accuracy_with_options(y, predicted, **options):
    return accuracy_score(y, predicted, **options)


@pytest.mark.parametrize(
    ("scorer", "expected"),
    [
        (make_scorer(accuracy_score), 0.75),
        (make_scorer(accuracy_with_options), 0.75),
        (weighted_accuracy, 0.75),
        (plain_accuracy, 2 / 3),
        (make_scorer(max_error), 1.0),
    ],
    ids=["scorer", "metric with options", "function", "function without weights", "max_error"],
)
def test_weights_are_passed_if_the_scorer_accepts_them(scorer, expected):
    predicted = CachedPredictor("classification", np.arange(2), lambda: np.array([0, 1, 0]))
    X = np.empty((3, 0))
    assert call_scorer(scorer, predicted, X, Y, WEIGHTS) == pytest.approx(expected)
    assert call_scorer(scorer, predicted, X, Y, None) == scorer(predicted, X, Y)
