"""Scorers that a fit uses, and their positive class."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from sktrainer.data.predictions import CachedPredictor
from sktrainer.scoring.scorers import (
    is_supported,
    named_scorer,
    resolve_scoring,
    scorer_for_missing_classes,
    scores_one_class,
)
from sktrainer.types import PositiveClass
from tests.scoring.predicted import predicted, table

BAD = PositiveClass(0, "bad", "good")
GOOD = PositiveClass(1, "good", "bad")


def test_named_scorers_accept_cached_predictions():
    y, probabilities = table(2)
    answers, _ = predicted(probabilities)
    for name in ("roc_auc", "neg_log_loss", "f1", "average_precision", "neg_brier_score"):
        assert np.isfinite(named_scorer(name)(answers, np.empty((len(y), 0)), y))


def test_can_serve_checks_the_response_method():
    without = CachedPredictor("classification", np.arange(2), lambda: np.zeros(3))
    assert is_supported(named_scorer("accuracy"), without)
    assert not is_supported(named_scorer("roc_auc"), without)
    assert is_supported(lambda estimator, X, y: 0.0, without)


@pytest.mark.parametrize(
    ("scoring", "names", "single"),
    [
        (None, ["r2", "rmse", "mae"], False),
        ("r2", ["r2"], True),
        (["r2", "neg_mean_absolute_error"], ["r2", "neg_mean_absolute_error"], False),
        ({"mine": "r2"}, ["mine"], False),
        (metrics.make_scorer(metrics.r2_score), ["r2_score"], True),
    ],
)
def test_resolve_scoring_uses_given_names_or_metric_names(scoring, names, single):
    found = resolve_scoring(scoring, "regression", 0)
    assert list(found.scorers) == names
    assert found.single == single
    assert list(found.first().scorers) == names[:1]


@pytest.mark.parametrize(
    "name",
    ["neg_log_loss", "neg_brier_score", "roc_auc_ovr", "top_k_accuracy", "d2_log_loss_score"],
)
def test_tolerant_probability_scorers_accept_an_absent_class(name):
    scorer = scorer_for_missing_classes(named_scorer(name), 4)
    y, probabilities = table(4)
    answers, _ = predicted(probabilities)
    rows = np.empty((len(y), 0))
    assert scorer(answers, rows, y) == pytest.approx(named_scorer(name)(answers, rows, y))
    some = y != 2
    answers, _ = predicted(probabilities[some])
    assert np.isfinite(scorer(answers, rows[some], y[some]))


@pytest.mark.parametrize("name", ["neg_log_loss", "neg_brier_score", "roc_auc", "f1"])
def test_tolerant_binary_scorers_equal_those_of_scikit_learn(name):
    y, probabilities = table(2)
    answers, _ = predicted(probabilities)
    rows = np.empty((len(y), 0))
    scorer = scorer_for_missing_classes(named_scorer(name), 2)
    assert scorer(answers, rows, y) == named_scorer(name)(answers, rows, y)


@pytest.mark.parametrize(
    "name",
    ["f1", "precision", "recall", "jaccard", "average_precision", "positive_likelihood_ratio"],
)
def test_scorers_of_one_class_use_the_positive_class(name):
    y, probabilities = table(2)
    probabilities[:, 1] += 1e-6  # no ties
    flipped = predicted(probabilities[:, ::-1])[0]
    for positive, expected in (
        (BAD, named_scorer(name)(flipped, np.empty((len(y), 0)), 1 - y)),
        (GOOD, named_scorer(name)(predicted(probabilities)[0], np.empty((len(y), 0)), y)),
    ):
        scoring = resolve_scoring(name, "classification", 2, positive)
        found = scoring.scorers[name](predicted(probabilities)[0], np.empty((len(y), 0)), y)
        assert found == pytest.approx(expected)
        assert scoring.shown(name) == f"{name} ({positive.label!r})"


@pytest.mark.parametrize(
    "name", ["roc_auc", "neg_brier_score", "f1_macro", "accuracy", "matthews_corrcoef"]
)
def test_symmetric_scorers_do_not_depend_on_the_positive_class(name):
    y, probabilities = table(2)
    rows = np.empty((len(y), 0))
    scoring = resolve_scoring([name], "classification", 2, BAD)
    expected = named_scorer(name)(predicted(probabilities)[0], rows, y)
    assert scoring.scorers[name](predicted(probabilities)[0], rows, y) == pytest.approx(
        expected
    )
    assert scoring.shown(name) == name


def test_user_defined_scorer_keeps_its_own_positive_class():
    own = metrics.make_scorer(metrics.f1_score, pos_label="good")
    scoring = resolve_scoring(
        {"own": own, "ours": metrics.make_scorer(metrics.f1_score)}, "classification", 2, BAD
    )
    assert scoring.shown_names == {"own": "own ('good')", "ours": "ours ('bad')"}
    y = np.array(["bad", "good", "good", "bad"])
    labels = CachedPredictor(
        "classification", np.array(["bad", "good"]), lambda: np.array(["bad"] * 4)
    )
    found = {name: scorer(labels, None, y) for name, scorer in scoring.scorers.items()}
    assert found == {"own": 0.0, "ours": pytest.approx(2 / 3)}


def test_scorers_of_code_1_are_unchanged_for_native_metrics():
    scorer = resolve_scoring("average_precision", "classification", 2, GOOD).scorers
    assert repr(scorer["average_precision"]) == repr(named_scorer("average_precision"))


def test_macro_averages_do_not_score_one_class():
    assert not scores_one_class(named_scorer("precision_macro"))
    assert scores_one_class(metrics.make_scorer(metrics.fbeta_score, beta=2))
