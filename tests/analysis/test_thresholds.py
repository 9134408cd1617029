from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from sktrainer.analysis.thresholds import tune

LABELS = ("no", "yes")


def _rows(n_rows=400, seed=0):
    generator = np.random.default_rng(seed)
    y = generator.random(n_rows) < 0.2
    return y, np.clip(generator.normal(0.25 + 0.3 * y, 0.15), 0, 1)


SCORES = {
    "f1": metrics.f1_score,
    "accuracy": metrics.accuracy_score,
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "jaccard": metrics.jaccard_score,
    "matthews_corrcoef": metrics.matthews_corrcoef,
}


@pytest.mark.parametrize("metric", SCORES)
def test_value_is_that_of_the_metric_and_the_highest_one(metric):
    y, likely = _rows()
    found = tune(y, likely, LABELS, metric, None, "validation")
    score = SCORES[metric]
    assert found.value == pytest.approx(score(y, likely >= found.threshold))
    assert found.value_at_default == pytest.approx(score(y, likely >= 0.5))
    others = [score(y, likely >= t) for t in np.linspace(0.01, 0.99, 99)]
    assert found.value >= max(others) - 1e-12
    middle = found.table.iloc[len(found.table) // 2]
    assert middle["value"] == pytest.approx(score(y, likely >= middle["threshold"]))


def test_costs_are_minimized_per_row():
    y, likely = _rows()
    costs = {"false_positive": 1, "false_negative": 10}
    found = tune(y, likely, LABELS, "f1", costs, "validation")

    def cost(threshold):
        wrong = (likely >= threshold) != y
        return (wrong * np.where(y, 10, 1)).mean()

    assert found.metric == "cost"
    assert found.value == pytest.approx(cost(found.threshold))
    assert found.value <= min(cost(t) for t in np.linspace(0, 1, 101)) + 1e-12
    assert found.threshold < tune(y, likely, LABELS, "f1", None, "validation").threshold


def test_metric_function_gets_labels():
    y, likely = _rows(100)

    def recall_of_no(true, predicted):
        assert set(true) <= set(LABELS)
        return metrics.recall_score(true, predicted, pos_label="no")

    found = tune(y, likely, LABELS, recall_of_no, None, "validation")
    assert found.value == 1.0
    assert found.metric == "recall_of_no"
    assert not (likely >= found.threshold)[~y].any()


def test_probabilities_of_one_are_never_excluded():
    y = np.array([False, False, True, False])
    found = tune(y, np.array([0.1, 0.2, 1.0, 1.0]), LABELS, "accuracy", None, "validation")
    assert found.value == 0.75
    assert found.threshold <= 1.0
    assert found.value == np.mean((np.array([0.1, 0.2, 1.0, 1.0]) >= found.threshold) == y)


def test_text_names_class_rows_and_gain():
    y, likely = _rows()
    text = str(tune(y, likely, LABELS, "f1", None, "out-of-fold"))
    assert text.startswith("class 'yes' is predicted from a probability of 0.")
    assert "on 400 out-of-fold rows" in text
