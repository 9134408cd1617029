"""Metrics that XGBoost, LightGBM and CatBoost monitor."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import pytest
import xgboost
from catboost import CatBoostRegressor

from sktrainer import DataWarning, ManagedTrainer
from sktrainer.backends._boosting import recorder
from sktrainer.exceptions import ParameterError
from sktrainer.scoring.scorers import named_scorer
from tests.backends.boosters import (
    N_ROWS,
    N_TRAIN,
    PATIENCE,
    REGRESSORS,
    curve,
    each_library,
    fit,
    make_classifier,
    make_rows,
)


@each_library
@pytest.mark.parametrize(
    ("metric", "n_classes"),
    [
        ("roc_auc", 2),
        ("average_precision", 2),
        ("accuracy", 2),
        ("f1", 2),
        ("neg_log_loss", 3),
        ("accuracy", 3),
        ("roc_auc_ovr", 3),
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_monitored_scorer_has_its_scikit_learn_value(
    library: str, metric: str, n_classes: int, weighted: bool
) -> None:
    X, y, weight = make_rows(n_classes)
    weights = weight if weighted else None
    outcome = fit(make_classifier(library), X, y, metric=metric, weight=weights)
    values = curve(outcome, "validation", metric)
    rest = slice(N_TRAIN, None)
    options = {"sample_weight": weight[rest]} if weighted else {}
    expected = named_scorer(metric)(outcome.model, X[rest], y[rest], **options)
    assert outcome.best_iteration == int(np.argmax(values)) + 1
    assert values[outcome.best_iteration - 1] == pytest.approx(expected, abs=1e-6)
    assert len(curve(outcome, "validation")) == outcome.n_iter  # the loss is recorded too


@each_library
@pytest.mark.parametrize(
    "metric",
    ["loss", "r2", "neg_root_mean_squared_error", "neg_mean_absolute_error", "max_error"],
)
def test_regression_metrics_have_the_unit_of_the_target(library: str, metric: str) -> None:
    X, _, _ = make_rows()
    y = (1e-3 * X[:, 0] + 3e-4 * np.random.default_rng(1).normal(size=N_ROWS)).astype(float)
    metric = "neg_max_error" if metric == "max_error" else metric
    outcome = fit(REGRESSORS[library](n_estimators=60, learning_rate=0.3), X, y, metric=metric)
    values = np.array(curve(outcome, "validation", metric))
    rest = slice(N_TRAIN, None)
    best = values.argmin() if metric == "loss" else values.argmax()
    assert outcome.best_iteration == best + 1
    if metric != "loss":
        expected = named_scorer(metric)(outcome.model, X[rest], y[rest])
        assert values[best] == pytest.approx(expected, rel=1e-4)


@each_library
def test_model_metric_is_monitored_under_its_own_name(library: str) -> None:
    X, y, _ = make_rows()
    metrics: dict[str, dict[str, Any]] = {
        "xgboost": {"eval_metric": ["error", "auc"]},  # XGBoost stops on the last metric
        "lightgbm": {"metric": ["auc", "binary_error"]},  # the first metric is monitored
        "catboost": {"eval_metric": "AUC"},
    }
    own = metrics[library]
    outcome = fit(make_classifier(library, **own), X, y)
    name = "AUC" if library == "catboost" else "auc"
    values = curve(outcome, "validation", name)
    assert outcome.best_iteration == int(np.argmax(values)) + 1
    assert outcome.n_iter == outcome.best_iteration + PATIENCE


@each_library
def test_monitored_scorer_replaces_the_model_metric(library: str) -> None:
    X, y, _ = make_rows()
    metrics: dict[str, dict[str, Any]] = {
        "xgboost": {"eval_metric": "auc"},
        "lightgbm": {"metric": "auc"},
        "catboost": {"eval_metric": "AUC"},
    }
    own = metrics[library]
    outcome = fit(make_classifier(library, **own), X, y, metric="accuracy")
    assert {e.metric for e in outcome.evaluations} == {"loss", "accuracy"}


@pytest.mark.parametrize("tol", [0.0, 1e-3])
def test_catboost_skips_python_scorers_on_large_training_sets(
    tol: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y, weight = make_rows()
    monkeypatch.setattr(recorder, "FEWEST_CURVE_ROWS", 200)
    outcome = fit(make_classifier("catboost"), X, y, metric="f1", weight=weight, tol=tol)
    kept = {(e.set, e.metric) for e in outcome.evaluations}
    assert kept == {("train", "loss"), ("validation", "loss"), ("validation", "f1")}
    rest = slice(N_TRAIN, None)
    expected = named_scorer("f1")(outcome.model, X[rest], y[rest], sample_weight=weight[rest])
    values = curve(outcome, "validation", "f1")
    assert values[(outcome.best_iteration or 0) - 1] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "model",
    [
        lightgbm.LGBMClassifier(metric="None"),
        xgboost.XGBClassifier(disable_default_eval_metric=True),
    ],
)
def test_early_stopping_without_a_metric_raises(model: Any) -> None:
    X, y, _ = make_rows()
    with pytest.raises(ParameterError, match="early stopping needs a metric"):
        fit(model, X, y)


def ninety_percent(y_true, y_pred):
    """Gradient of the pinball loss of the 90 % quantile, as an objective."""
    return np.where(y_true > y_pred, -0.9, 0.1), np.ones_like(y_true)


class NinetyPercent:
    """The same objective for CatBoost."""

    no_jit = True

    def calc_ders_range(self, approxes, targets, weights):
        return [(0.9 if t > a else -0.1, -1.0) for a, t in zip(approxes, targets, strict=True)]


USER_DEFINED = {
    "rmse": xgboost.XGBRegressor(objective=ninety_percent, n_estimators=20),
    "l2": lightgbm.LGBMRegressor(objective=ninety_percent, n_estimators=20, verbose=-1),
}
TARGET = np.random.default_rng(0).exponential(size=300)
COLUMN = TARGET[:, np.newaxis] + np.random.default_rng(1).normal(size=(300, 2))


@pytest.mark.parametrize("name", USER_DEFINED)
def test_default_metric_of_a_user_defined_objective_has_its_name(name):
    trainer = ManagedTrainer(USER_DEFINED[name], validation_size=0.1, random_state=0, cv=2)
    with pytest.warns(DataWarning, match=f"early stopping monitored '{name}'") as caught:
        trainer.fit(COLUMN, TARGET)
    assert len(caught) == 1
    assert set(trainer.evals_result_["validation"]) == {name}
    assert trainer.report_.fitting["metric"] == name
    rows = trainer.split_.validation
    error = np.mean((TARGET[rows] - trainer.predict(COLUMN[rows])) ** 2)
    best = trainer.report_.fitting["best_value"]
    assert best == pytest.approx(error if name == "l2" else np.sqrt(error), rel=1e-5)


@pytest.mark.parametrize("name", USER_DEFINED)
@pytest.mark.parametrize(
    "options", [{"eval_metric": "neg_mean_absolute_error"}, {"early_stopping": False}]
)
def test_known_metric_of_a_user_defined_objective_needs_no_warning(name, options):
    trainer = ManagedTrainer(USER_DEFINED[name], random_state=0, **options)
    trainer.fit(COLUMN, TARGET)
    assert "loss" not in set(trainer.history_["metric"])


def test_catboost_needs_a_metric_for_a_user_defined_loss():
    model = CatBoostRegressor(loss_function=NinetyPercent(), iterations=5, verbose=False)
    with pytest.raises(ParameterError, match="Set eval_metric to the name of a scorer"):
        ManagedTrainer(model, random_state=0).fit(COLUMN, TARGET)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (xgboost.XGBRegressor(objective="reg:logistic", n_estimators=5), "rmse"),
        (xgboost.XGBClassifier(objective="binary:hinge", n_estimators=5), "error"),
    ],
)
def test_default_metric_that_is_not_the_loss_has_its_name(model, name):
    trainer = ManagedTrainer(model, random_state=0, audit=False).fit(
        COLUMN, (TARGET > 1).astype(int)
    )
    assert set(trainer.evals_result_["validation"]) == {name}
