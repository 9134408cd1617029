"""Default scorers, compared with the functions of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from sktrainer.scoring.default_scorers import default_scorers
from sktrainer.scoring.score_predictions import score_predictions
from tests.scoring.predicted import predicted, table


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_default_scores_equal_those_of_scikit_learn(n_classes):
    y, probabilities = table(n_classes)
    answers, calls = predicted(probabilities)
    scores, _ = score_predictions(default_scorers("classification", n_classes), answers, y)
    labels = probabilities.argmax(axis=1)
    average = {"average": "binary" if n_classes == 2 else "macro"}
    area = (
        metrics.roc_auc_score(y, probabilities[:, 1])
        if n_classes == 2
        else metrics.roc_auc_score(y, probabilities, multi_class="ovr")
    )
    expected = {
        "accuracy": metrics.accuracy_score(y, labels),
        "balanced_accuracy": metrics.balanced_accuracy_score(y, labels),
        "precision": metrics.precision_score(y, labels, **average),
        "recall": metrics.recall_score(y, labels, **average),
        "f1": metrics.f1_score(y, labels, **average),
        "roc_auc": area,
        "log_loss": metrics.log_loss(y, probabilities),
    }
    if n_classes == 2:
        expected["average_precision"] = metrics.average_precision_score(y, probabilities[:, 1])
    assert scores == pytest.approx(expected, rel=1e-12)
    assert calls == ["predict"]


def test_every_default_scorer_uses_sample_weights():
    y, probabilities = table(3)
    weight = np.random.default_rng(1).integers(1, 4, len(y))
    scorers = default_scorers("classification", 3)
    weighted, _ = score_predictions(scorers, predicted(probabilities)[0], y, weight)
    repeated = np.repeat(np.arange(len(y)), weight)
    of_repeated, _ = score_predictions(
        scorers, predicted(probabilities[repeated])[0], y[repeated]
    )
    assert weighted == pytest.approx(of_repeated)


def test_roc_auc_is_defined_when_a_class_is_absent():
    y, probabilities = table(3)
    two = y < 2
    scores, _ = score_predictions(
        default_scorers("classification", 3), predicted(probabilities[two])[0], y[two]
    )
    assert 0.5 < scores["roc_auc"] < 1.0


def test_default_scores_use_the_positive_class():
    y, probabilities = table(2)
    scores, _ = score_predictions(
        default_scorers("classification", 2, 0), predicted(probabilities)[0], y
    )
    labels = probabilities.argmax(axis=1)
    assert scores["precision"] == metrics.precision_score(y, labels, pos_label=0)
    assert scores["recall"] == metrics.recall_score(y, labels, pos_label=0)
    assert scores["f1"] == metrics.f1_score(y, labels, pos_label=0)
    expected = metrics.average_precision_score(y, probabilities[:, 0], pos_label=0)
    assert scores["average_precision"] == pytest.approx(expected)
