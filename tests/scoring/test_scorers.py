"""Scorers applied to cached predictions."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from sktrainer.data.predictions import CachedPredictor
from sktrainer.scoring.scorers import (
    default_scorers,
    is_supported,
    named_scorer,
    resolve_scoring,
    score_predictions,
    scorer_for_missing_classes,
)

RNG = np.random.default_rng(0)


def predicted(probabilities):
    codes = np.arange(probabilities.shape[1])
    calls = []

    def predict():
        calls.append("predict")
        return probabilities.argmax(axis=1)

    answers = CachedPredictor("classification", codes, predict, lambda: probabilities)
    return answers, calls


def table(n_classes, n_rows=200):
    y = RNG.integers(0, n_classes, n_rows)
    probabilities = RNG.dirichlet(np.ones(n_classes), n_rows).round(2) + 1e-3
    probabilities[np.arange(n_rows), y] += 0.2
    return y, probabilities / probabilities.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_default_scores_equal_those_of_scikit_learn(n_classes):
    y, probabilities = table(n_classes)
    answers, calls = predicted(probabilities)
    scores = score_predictions(default_scorers("classification", n_classes), answers, y)
    labels = probabilities.argmax(axis=1)
    average = {"average": "binary" if n_classes == 2 else "macro"}
    area = (
        metrics.roc_auc_score(y, probabilities[:, 1])
        if n_classes == 2
        else metrics.roc_auc_score(y, probabilities, multi_class="ovr")
    )
    expected = {
        "accuracy": metrics.accuracy_score(y, labels),
        "precision": metrics.precision_score(y, labels, **average),
        "recall": metrics.recall_score(y, labels, **average),
        "f1": metrics.f1_score(y, labels, **average),
        "roc_auc": area,
        "log_loss": metrics.log_loss(y, probabilities),
    }
    assert scores == pytest.approx(expected, rel=1e-12)
    assert calls == ["predict"]


def test_every_default_scorer_uses_sample_weights():
    y, probabilities = table(3)
    weight = RNG.integers(1, 4, len(y))
    scorers = default_scorers("classification", 3)
    weighted = score_predictions(scorers, predicted(probabilities)[0], y, weight)
    repeated = np.repeat(np.arange(len(y)), weight)
    of_repeated = score_predictions(scorers, predicted(probabilities[repeated])[0], y[repeated])
    assert weighted == pytest.approx(of_repeated)


def test_roc_auc_is_defined_when_a_class_is_absent():
    y, probabilities = table(3)
    two = y < 2
    scores = score_predictions(
        default_scorers("classification", 3), predicted(probabilities[two])[0], y[two]
    )
    assert 0.5 < scores["roc_auc"] < 1.0


def test_inapplicable_score_is_nan_and_others_are_computed():
    y, probabilities = table(2)
    one = np.zeros_like(y)
    scores = score_predictions(
        default_scorers("classification", 2), predicted(probabilities)[0], one
    )
    assert np.isnan(scores["roc_auc"])
    assert np.isfinite(scores["accuracy"])


def test_strict_scoring_raises_the_error_of_the_scorer():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        score_predictions(
            {"accuracy": named_scorer("accuracy")},
            predicted(table(2)[1])[0],
            np.zeros(3),
            strict=True,
        )


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


def test_fold_without_a_class_has_finite_scores():
    scoring = resolve_scoring(["roc_auc_ovr", "neg_log_loss"], "classification", 3)
    y, probabilities = table(3)
    some = y < 2
    answers, _ = predicted(probabilities[some])
    assert np.isfinite(
        list(score_predictions(scoring.scorers, answers, y[some]).values())
    ).all()
