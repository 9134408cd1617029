from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from sktrainer.scoring.curves import MOST_CURVES, MOST_POINTS, classification_curves


def _binary(n_rows=5000, seed=0):
    generator = np.random.default_rng(seed)
    y = generator.integers(2, size=n_rows)
    likely = np.clip(generator.normal(0.4 + 0.2 * y, 0.15), 0, 1)
    return y, np.column_stack([1 - likely, likely])


@pytest.mark.parametrize("positive", [0, 1])
def test_curves_of_two_classes_are_those_of_the_positive_class(positive):
    y, probabilities = _binary()
    found = classification_curves(y, ["no", "yes"], probabilities, None, positive)
    (curve,) = found["curves"]
    score = probabilities[:, positive]
    assert curve["label"] == ["no", "yes"][positive]
    assert curve["n_rows"] == np.count_nonzero(y == positive)
    assert curve["roc_auc"] == pytest.approx(metrics.roc_auc_score(y == positive, score))
    expected = metrics.average_precision_score(y == positive, score)
    assert curve["average_precision"] == pytest.approx(expected)


def test_thinned_curves_keep_their_area_and_their_ends():
    y, probabilities = _binary()
    (curve,) = classification_curves(y, ["0", "1"], probabilities, None, 1)["curves"]
    false_rate, true_rate = curve["false_positive_rate"], curve["true_positive_rate"]
    assert len(false_rate) <= MOST_POINTS
    assert (false_rate[0], true_rate[0], false_rate[-1], true_rate[-1]) == (0, 0, 1, 1)
    assert metrics.auc(false_rate, true_rate) == pytest.approx(curve["roc_auc"], abs=1e-3)
    area = metrics.auc(curve["recall"], curve["precision"])
    assert area == pytest.approx(curve["average_precision"], abs=5e-3)


def test_thresholds_give_the_scores_of_predictions_at_them():
    y, probabilities = _binary(800)
    table = classification_curves(y, ["0", "1"], probabilities, None, 1)["thresholds"]
    assert len(table["threshold"]) <= MOST_POINTS + 2
    for position in (0, len(table["threshold"]) // 2, -1):
        predicted = probabilities[:, 1] >= table["threshold"][position]
        assert table["f1"][position] == pytest.approx(metrics.f1_score(y, predicted))
        assert table["recall"][position] == pytest.approx(metrics.recall_score(y, predicted))
        assert table["false_positives"][position] == np.count_nonzero(predicted & (y == 0))
        assert table["false_negatives"][position] == np.count_nonzero(~predicted & (y == 1))


def test_calibration_bins_hold_equally_many_rows():
    y, probabilities = _binary(4000)
    found = classification_curves(y, ["0", "1"], probabilities, None, 1)
    bins = found["calibration"]
    assert sum(bins["rows"]) == 4000
    assert max(bins["rows"]) - min(bins["rows"]) <= 20
    first = probabilities[:, 1] <= np.quantile(probabilities[:, 1], 0.1)
    assert bins["predicted"][0] == pytest.approx(probabilities[first, 1].mean())
    assert bins["observed"][0] == pytest.approx(y[first].mean())
    histogram = found["score_histogram"]
    assert sum(histogram["yes"]) == y.sum()
    assert sum(histogram["no"]) == len(y) - y.sum()


def test_decision_values_have_no_calibration():
    y, probabilities = _binary(300)
    found = classification_curves(y, ["0", "1"], None, probabilities[:, 1] - 0.5, 0)
    expected = metrics.roc_auc_score(y, probabilities[:, 1])
    assert found["curves"][0]["roc_auc"] == pytest.approx(expected)
    assert "calibration" not in found


def test_many_classes_show_those_with_the_lowest_roc_auc():
    generator = np.random.default_rng(0)
    y = generator.integers(12, size=2000)
    raw = generator.random((2000, 12)) + np.linspace(0, 1, 12) * np.eye(12)[y]
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    found = classification_curves(y, [str(c) for c in range(12)], probabilities, None, None)
    areas = [curve["roc_auc"] for curve in found["curves"]]
    assert len(areas) == MOST_CURVES
    assert areas == sorted(areas)
    assert found["curves"][0]["label"] in ("0", "1")
    right = probabilities.argmax(axis=1) == y
    assert sum(found["score_histogram"]["yes"]) == right.sum()
    assert "thresholds" not in found


@pytest.mark.parametrize("code", [0, 1])
def test_rows_of_one_class_have_no_curves(code):
    y, probabilities = np.full(5, code), np.tile([0.3, 0.7], (5, 1))
    found = classification_curves(y, ["0", "1"], probabilities, None, 1)
    assert found == {"n_rows": 5}
