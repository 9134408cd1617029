"""Scores of cached predictions, and the reasons why some cannot be computed."""

from __future__ import annotations

import numpy as np
import pytest

from sktrainer.data.predictions import CachedPredictor
from sktrainer.scoring.default_scorers import default_scorers
from sktrainer.scoring.score_predictions import UNDEFINED, score_predictions
from sktrainer.scoring.scorers import named_scorer, resolve_scoring
from tests.scoring.predicted import predicted, table


def test_inapplicable_score_is_nan_and_others_are_computed():
    y, probabilities = table(2)
    one = np.zeros_like(y)
    scores, problems = score_predictions(
        default_scorers("classification", 2), predicted(probabilities)[0], one
    )
    undefined = {"precision", "recall", "f1", "average_precision", "roc_auc"}
    assert set(problems) == undefined
    assert all(np.isnan(scores[name]) for name in undefined)
    assert problems["roc_auc"] == "all rows have the same class"
    assert problems["f1"] == "no row has the positive class"
    assert np.isfinite(scores["accuracy"])


def test_reason_is_the_error_of_the_scorer():
    values, problems = score_predictions(
        {"accuracy": named_scorer("accuracy")}, predicted(table(2)[1])[0], np.zeros(3, int)
    )
    assert np.isnan(values["accuracy"])
    assert "inconsistent numbers of samples" in problems["accuracy"]


def test_reason_states_the_number_of_predicted_values():
    y = np.arange(4.0)
    several = CachedPredictor("regression", None, lambda: np.ones((4, 3)))
    values, problems = score_predictions({"r2": named_scorer("r2")}, several, y)
    assert np.isnan(values["r2"])
    assert problems["r2"].startswith("the model predicts 3 values per row, but y has 1.")


def test_r2_of_one_row_is_undefined():
    one = CachedPredictor("regression", None, lambda: np.ones(1))
    values, problems = score_predictions({"r2": named_scorer("r2")}, one, np.ones(1))
    assert np.isnan(values["r2"])
    assert problems["r2"] in UNDEFINED


def test_missing_method_of_the_model_is_no_problem():
    without = CachedPredictor("classification", np.arange(2), lambda: np.zeros(3, int))
    named = {"neg_log_loss": named_scorer("neg_log_loss")}
    values, problems = score_predictions(named, without, np.array([0, 1, 0]))
    assert np.isnan(values["neg_log_loss"])
    assert problems == {}


UNKNOWN = {
    # Two of ten rows have an unknown class. The others are predicted correctly.
    "accuracy": 0.8,
    "balanced_accuracy": 2 / 3,
    "recall": 1.0,
    "precision": 4 / 5,
    "f1": 8 / 9,
    "f1_macro": (8 / 9 + 8 / 9 + 0.0) / 3,
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_rows_of_an_unknown_class_are_wrong(name):
    y = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 0, 1])
    answers = CachedPredictor("classification", np.arange(2), lambda: labels)
    scorers = resolve_scoring([name], "classification", 2).scorers
    values, problems = score_predictions(scorers, answers, y)
    assert problems == {}
    assert values[name] == pytest.approx(UNKNOWN[name])


@pytest.mark.parametrize("n_classes", [2, 3])
def test_unknown_class_has_a_probability_of_zero(n_classes):
    y, probabilities = table(n_classes, 50)
    y = np.append(y[:-1], n_classes)
    scorers = resolve_scoring(["neg_log_loss", "roc_auc_ovr"], "classification", n_classes)
    values, problems = score_predictions(scorers.scorers, predicted(probabilities)[0], y)
    assert problems == {}
    least = np.finfo(np.float64).eps
    losses = -np.log([*probabilities[np.arange(49), y[:-1]], least])
    assert values["neg_log_loss"] == pytest.approx(-losses.mean())
    assert 0.5 < values["roc_auc_ovr"] < 1.0


def test_fold_without_a_class_has_finite_scores():
    scoring = resolve_scoring(["roc_auc_ovr", "neg_log_loss"], "classification", 3)
    y, probabilities = table(3)
    some = y < 2
    answers, _ = predicted(probabilities[some])
    values, problems = score_predictions(scoring.scorers, answers, y[some])
    assert problems == {}
    assert np.isfinite(list(values.values())).all()
