"""Tests that the recorded losses equal those of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import SGDClassifier, SGDRegressor

from sktrainer.backends.sklearn.train.losses import native_loss
from sktrainer.data.predictions import CachedPredictor
from sktrainer.types import Rows
from tests.backends.sklearn.fits import N_TRAIN, at_best, fit, history, table, weights


def loss_of(model, y, prediction, sample_weight=None, train_y=None):
    rows = Rows(None, y, sample_weight)
    train_y = y if train_y is None else train_y
    return native_loss(model, "regression", train_y, rows, None)(
        CachedPredictor("regression", None, predict=lambda: prediction)
    )


@pytest.mark.parametrize(
    ("model", "metric"),
    [
        (GradientBoostingRegressor(), metrics.mean_squared_error),
        (GradientBoostingRegressor(loss="absolute_error"), metrics.mean_absolute_error),
        (
            GradientBoostingRegressor(loss="quantile", alpha=0.3),
            lambda *args, **kwargs: metrics.mean_pinball_loss(*args, alpha=0.3, **kwargs),
        ),
        (
            HistGradientBoostingRegressor(loss="quantile", quantile=0.8),
            lambda *args, **kwargs: metrics.mean_pinball_loss(*args, alpha=0.8, **kwargs),
        ),
        (
            RandomForestRegressor(criterion="poisson"),
            lambda *args, **kwargs: metrics.mean_poisson_deviance(*args, **kwargs) / 2,
        ),
        (
            HistGradientBoostingRegressor(loss="gamma"),
            lambda *args, **kwargs: metrics.mean_gamma_deviance(*args, **kwargs) / 2,
        ),
        (RandomForestRegressor(), metrics.mean_squared_error),
    ],
    ids=["squared", "absolute", "low", "high", "poisson", "gamma", "forest"],
)
def test_regressor_loss_matches_its_loss_parameter(model, metric):
    rng = np.random.RandomState(0)
    y, prediction, w = rng.uniform(1, 5, (3, 50))
    assert loss_of(model, y, prediction) == pytest.approx(metric(y, prediction))
    weighted = metric(y, prediction, sample_weight=w)
    assert loss_of(model, y, prediction, w) == pytest.approx(weighted)


def test_epsilon_insensitive_and_huber_losses():
    y, prediction = np.array([0.0, 0.0, 0.0]), np.array([0.05, 1.1, -2.1])
    tube = SGDRegressor(loss="epsilon_insensitive", epsilon=0.1)
    assert loss_of(tube, y, prediction) == pytest.approx((0 + 1 + 2) / 3)
    squared = SGDRegressor(loss="squared_epsilon_insensitive", epsilon=0.1)
    assert loss_of(squared, y, prediction) == pytest.approx((0 + 1 + 4) / 3)
    huber = SGDRegressor(loss="huber", epsilon=0.1)
    expected = (0.5 * 0.05**2 + 0.1 * (1.1 - 0.05) + 0.1 * (2.1 - 0.05)) / 3
    assert loss_of(huber, y, prediction) == pytest.approx(expected)


def test_huber_threshold_comes_from_the_training_targets():
    model = GradientBoostingRegressor(loss="huber", alpha=0.5)
    train_y = np.array([0.0, 1.0, 2.0, 3.0, 4.0])  # the median deviation is 1
    loss = loss_of(model, np.array([0.0]), np.array([3.0]), train_y=train_y)
    assert loss == pytest.approx(1.0 * (3.0 - 0.5))


def test_multiple_targets_have_equal_weight():
    y, prediction = np.zeros((4, 2)), np.tile([1.0, 3.0], (4, 1))
    assert loss_of(RandomForestRegressor(), y, prediction) == pytest.approx(5.0)


def margin_loss(loss, y, decision, classes):
    model = SGDClassifier(loss=loss)
    rows = Rows(None, np.asarray(y))
    predicted = CachedPredictor(
        "classification", classes, lambda: decision, decision_function=lambda: decision
    )
    return native_loss(model, "classification", rows.y, rows, classes)(predicted)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("hinge", (0.5 + 3.0) / 2),
        ("perceptron", (0.0 + 2.0) / 2),
        ("squared_hinge", (0.25 + 9.0) / 2),
        ("modified_huber", (0.25 + 8.0) / 2),
        ("squared_error", (0.25 + 9.0) / 2),
    ],
)
def test_linear_classifier_loss_depends_on_the_margin(loss, expected):
    classes, decision = np.array(["no", "yes"]), np.array([0.5, 2.0])
    assert margin_loss(loss, ["yes", "no"], decision, classes) == pytest.approx(expected)


def test_multiclass_margin_loss_is_the_one_vs_rest_sum():
    decision = np.array([[0.5, -2.0, 1.0]])
    loss = margin_loss("hinge", ["a"], decision, np.array(["a", "b", "c"]))
    assert loss == pytest.approx(0.5 + 0.0 + 2.0)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "model",
    [
        HistGradientBoostingClassifier(max_iter=5),
        GradientBoostingClassifier(n_estimators=5),
        RandomForestClassifier(20, max_depth=3),
    ],
    ids=lambda model: type(model).__name__,
)
def test_classifier_with_probabilities_uses_the_log_loss(model, weighted):
    outcome = fit(model, weighted=weighted)
    X, y = table("classification")
    w = weights()[N_TRAIN:] if weighted else None
    expected = metrics.log_loss(
        y[N_TRAIN:], outcome.model.predict_proba(X[N_TRAIN:]), sample_weight=w
    )
    assert at_best(outcome) == pytest.approx(expected)


@pytest.mark.parametrize("two_classes", [True, False])
def test_classifier_training_and_validation_losses_are_comparable(two_classes):
    X, y = table("classification")
    y = y == "a" if two_classes else y
    data = (np.vstack([X[:N_TRAIN]] * 2), np.concatenate([y[:N_TRAIN]] * 2))
    for model in (
        GradientBoostingClassifier(n_estimators=4),
        HistGradientBoostingClassifier(max_iter=4),
    ):
        outcome = fit(model, data=data)
        np.testing.assert_allclose(history(outcome, part="train"), history(outcome))


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_regressor_training_and_validation_losses_are_comparable(loss):
    X, y = table("regression")
    data = (np.vstack([X[:N_TRAIN]] * 2), np.concatenate([y[:N_TRAIN]] * 2))
    for model in (
        GradientBoostingRegressor(n_estimators=4, loss=loss),
        HistGradientBoostingRegressor(max_iter=4, loss=loss),
    ):
        outcome = fit(model, data=data)
        np.testing.assert_allclose(history(outcome, part="train"), history(outcome))
        prediction = outcome.model.predict(X[:N_TRAIN])
        expected = loss_of(model, y[:N_TRAIN], prediction)
        assert at_best(outcome) == pytest.approx(expected)


def test_boosting_with_exponential_loss_records_it():
    X, y = table("classification")
    model = GradientBoostingClassifier(n_estimators=4, loss="exponential")
    data = (np.vstack([X[:N_TRAIN]] * 2), np.tile(y[:N_TRAIN] == "a", 2))
    outcome = fit(model, data=data)
    np.testing.assert_allclose(history(outcome, part="train"), history(outcome))
