from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics
from sklearn.metrics import make_scorer

from sktrainer.data.predictions import CachedPredictor
from sktrainer.scoring import row_statistics
from sktrainer.scoring.intervals import (
    PredictedRows,
    bootstrap_scores,
    describe_reasons,
    intervals_of,
)
from sktrainer.scoring.resamples import N_RESAMPLES, Resampling
from sktrainer.scoring.score_predictions import score_predictions
from sktrainer.scoring.scorers import resolve_scoring
from sktrainer.types import PositiveClass


def _classes(n_classes, n_rows=300, seed=0):
    generator = np.random.default_rng(seed)
    y = generator.integers(n_classes, size=n_rows)
    raw = generator.random((n_rows, n_classes)) + 0.7 * np.eye(n_classes)[y]
    probabilities = np.round(raw / raw.sum(axis=1, keepdims=True), 2)  # with ties
    probabilities[:, -1] = 1 - probabilities[:, :-1].sum(axis=1)
    return y, probabilities.argmax(axis=1), probabilities


def _scored(scoring, y, predicted, probabilities=None):
    task = "regression" if probabilities is None else "classification"
    classes = None if probabilities is None else np.arange(probabilities.shape[1])
    likely = None if probabilities is None else lambda: probabilities
    cached = CachedPredictor(task, classes, lambda: predicted, likely)
    return score_predictions(scoring.scorers, cached, y)[0]


def _intervals(
    scores, scoring, y, predicted, probabilities=None, decision=None, positive=1, **resampling
):
    rows = PredictedRows(y, predicted, probabilities, decision, positive)
    drawn = bootstrap_scores(rows, scores, scoring, Resampling(len(y), **resampling))
    return intervals_of(drawn.values)


@pytest.mark.parametrize(("n_classes", "positive"), [(2, 1), (2, 0), (4, 1)])
def test_every_default_score_of_classes_has_an_interval_around_it(n_classes, positive):
    y, predicted, probabilities = _classes(n_classes)
    given = PositiveClass(positive, positive, 1 - positive) if n_classes == 2 else None
    scoring = resolve_scoring(None, "classification", n_classes, given)
    scores = _scored(scoring, y, predicted, probabilities)
    found = _intervals(scores, scoring, y, predicted, probabilities, positive=positive)
    assert list(found.index) == list(scoring.scorers)
    for name, (low, high) in zip(found.index, found.to_numpy(), strict=True):
        assert low < scores[name] < high
        assert high - low < 0.35


@pytest.mark.parametrize("shape", [(400,), (400, 2)])
def test_every_default_score_of_numbers_has_an_interval_around_it(shape):
    generator = np.random.default_rng(0)
    y = generator.normal(1e6, 1.0, size=shape)
    predicted = y + generator.normal(0, 0.5, size=shape)
    names = ["r2", "neg_mean_squared_error", "neg_mean_absolute_percentage_error"]
    for scoring in (
        resolve_scoring(None, "regression", 0),
        resolve_scoring(names, "regression", 0),
    ):
        scores = _scored(scoring, y, predicted)
        found = _intervals(scores, scoring, y, predicted)
        assert list(found.index) == list(scoring.scorers)
        for name, (low, high) in zip(found.index, found.to_numpy(), strict=True):
            assert low < scores[name] < high


@pytest.mark.parametrize("n_classes", [2, 3])
def test_interval_equals_that_of_scores_of_resampled_rows(n_classes):
    y, predicted, probabilities = _classes(n_classes)
    default = resolve_scoring(None, "classification", n_classes)
    tolerances = {"roc_auc": 0.004, "f1": 1e-9, "log_loss": 1e-9}
    scoring = replace(default, scorers={n: default.scorers[n] for n in tolerances})
    scores = _scored(scoring, y, predicted, probabilities)
    found = _intervals(scores, scoring, y, predicted, probabilities, seed=3)
    drawn = np.random.default_rng(3).integers(len(y), size=(N_RESAMPLES, len(y)))
    resampled = [_scored(scoring, y[i], predicted[i], probabilities[i]) for i in drawn]
    for name, tolerance in tolerances.items():
        expected = np.quantile([each[name] for each in resampled], [0.025, 0.975])
        # The macro average of ROC AUC is linearized.
        exact = tolerance if n_classes > 2 else 1e-9
        np.testing.assert_allclose(found.loc[name], expected, atol=exact)


def test_areas_of_many_rows_are_linearized_with_almost_the_same_interval(monkeypatch):
    y, predicted, probabilities = _classes(2, 3000)
    scoring = resolve_scoring(["roc_auc", "average_precision"], "classification", 2)
    scores = _scored(scoring, y, predicted, probabilities)
    linear = _intervals(scores, scoring, y, predicted, probabilities)
    monkeypatch.setattr(row_statistics, "_MOST_EXACT", 5000)
    exact = _intervals(scores, scoring, y, predicted, probabilities)
    assert not linear.equals(exact)
    widths = (exact["high"] - exact["low"]).to_numpy()[:, None]
    assert (abs(linear - exact) / widths).to_numpy().max() < 0.02


def test_interval_of_r2_equals_that_of_resampled_rows():
    generator = np.random.default_rng(0)
    y = generator.normal(5, 2, size=200)
    predicted = y + generator.normal(size=200)
    scoring = resolve_scoring("r2", "regression", 0)
    found = _intervals({"r2": metrics.r2_score(y, predicted)}, scoring, y, predicted, seed=1)
    drawn = np.random.default_rng(1).integers(200, size=(N_RESAMPLES, 200))
    values = [metrics.r2_score(y[i], predicted[i]) for i in drawn]
    np.testing.assert_allclose(found.loc["r2"], np.quantile(values, [0.025, 0.975]))


def test_same_seed_gives_the_same_interval():
    y, predicted, probabilities = _classes(2)
    scoring = resolve_scoring("accuracy", "classification", 2)
    scores = _scored(scoring, y, predicted, probabilities)
    first, again, other = (
        _intervals(scores, scoring, y, predicted, probabilities, seed=seed)
        for seed in (1, 1, 2)
    )
    assert first.equals(again)
    assert not first.equals(other)


def test_rows_of_a_group_are_resampled_together():
    y, predicted, probabilities = _classes(2, 50)
    y, predicted, probabilities = (
        np.repeat(v, 20, axis=0) for v in (y, predicted, probabilities)
    )
    scoring = resolve_scoring("accuracy", "classification", 2)
    scores = _scored(scoring, y, predicted, probabilities)
    groups = np.repeat(np.arange(50), 20)
    rows, whole = (
        _intervals(scores, scoring, y, predicted, probabilities, groups=given)
        for given in (None, groups)
    )
    widths = [float(np.diff(table.loc["accuracy"])[0]) for table in (rows, whole)]
    assert widths[1] > 3 * widths[0]


def test_metric_without_formula_has_no_interval():
    y, predicted, probabilities = _classes(2)
    scoring = resolve_scoring(
        {"mcc": "matthews_corrcoef", "own": make_scorer(metrics.f1_score, pos_label=0)},
        "classification",
        2,
    )
    scores = _scored(scoring, y, predicted, probabilities)
    rows = PredictedRows(y, predicted, probabilities)
    drawn = bootstrap_scores(rows, scores | {"mcc": np.nan}, scoring, Resampling(len(y)))
    assert drawn.values == {}
    assert describe_reasons(drawn.reasons, scoring) == (
        "no interval of mcc, because it could not be computed; "
        "no interval of own, because its formula is unknown"
    )


def test_decision_values_give_an_interval_of_roc_auc():
    y, _, probabilities = _classes(2)
    decision = probabilities[:, 1] - 0.5
    predicted = (decision > 0).astype(int)
    scoring = resolve_scoring(["roc_auc", "average_precision"], "classification", 2)
    scores = {
        "roc_auc": metrics.roc_auc_score(y, decision),
        "average_precision": metrics.average_precision_score(y, decision),
    }
    found = _intervals(scores, scoring, y, predicted, decision=decision)
    for name, value in scores.items():
        assert found.loc[name, "low"] < value < found.loc[name, "high"]
