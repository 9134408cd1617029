"""Both directions of every alert, on real models: it is raised, and a fixed fit is quiet."""

from __future__ import annotations

import math

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, make_friedman1
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from sktrainer import ManagedTrainer
from sktrainer.exceptions import DivergenceWarning
from sktrainer.reporting.monitoring_text import describe_alert
from sktrainer.runtime.memory import MemoryUse
from sktrainer.training.log import FitLog

CANCER = load_breast_cancer(return_X_y=True)
CURVED = make_friedman1(2000, random_state=0)


def noisy(n_rows=600):
    """Return rows whose class depends on one column, with much noise."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(n_rows, 8))
    return X, (X[:, 0] + 1.5 * generator.normal(size=n_rows) > 0).astype(int)


def alerts(model, data, **params):
    options = {"random_state": 0, "audit": False, "test_size": 0.3, **params}
    report = ManagedTrainer(model, **options).fit(*data).report_
    for alert in report.alerts:
        assert describe_alert(alert) in report.notes
        assert alert["fix"] in " ".join(str(report).split())
    return {alert["name"]: alert for alert in report.alerts}


@pytest.mark.parametrize(
    ("model", "fix"),
    [
        (DecisionTreeClassifier(), "set a smaller max_leaf_nodes or set a smaller max_depth"),
        (KNeighborsClassifier(1), "increase n_neighbors (now 1)"),
    ],
)
def test_memorized_training_rows_are_overfitting(model, fix):
    found = alerts(model, noisy())
    assert list(found) == ["overfitting"]
    assert found["overfitting"]["found"].startswith("roc_auc is 1.00 on the training rows")
    assert found["overfitting"]["fix"] == f"{fix}, or train on more rows"


def test_alert_is_printed_and_is_no_python_warning(capsys):
    alerts(DecisionTreeClassifier(), noisy(), verbose=1)
    assert "⚠ roc_auc is 1.00 on the training rows" in capsys.readouterr().out
    alerts(DecisionTreeClassifier(), noisy(), verbose=0)  # a warning would be an error


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(max_depth=3),
        KNeighborsClassifier(40),
        RandomForestClassifier(50),  # fits training rows perfectly, and predicts well
        LGBMClassifier(verbose=-1),
        LogisticRegression(),
    ],
)
def test_simpler_models_and_ensembles_are_not_overfitting(model):
    assert alerts(model, noisy()) == {}


def test_validation_loss_that_still_decreases_at_the_end_is_reported():
    found = alerts(LGBMRegressor(n_estimators=30, verbose=-1), CURVED)
    assert list(found) == ["max-iterations"]
    text = describe_alert(found["max-iterations"])
    assert "maximum of 30 rounds while the validation loss was still decreasing" in text
    assert "increase n_estimators (now 30)" in text


@pytest.mark.parametrize("n_rounds", [150, 2000])
def test_enough_rounds_are_not_reported(n_rounds):
    model = LGBMRegressor(n_estimators=n_rounds, learning_rate=0.3, verbose=-1)
    assert alerts(model, CURVED) == {}


def test_inner_folds_that_reach_the_maximum_are_reported():
    model = LGBMRegressor(n_estimators=20, verbose=-1)
    assert list(alerts(model, CURVED, validation_size="cv")) == ["max-iterations"]


def test_solver_that_does_not_converge_is_reported():
    with pytest.warns(ConvergenceWarning):
        found = alerts(LogisticRegression(max_iter=3), CANCER)
    assert found["max-iterations"]["fix"].startswith("increase max_iter (now 3), scale")
    assert alerts(LogisticRegression(), CANCER) == {}


@pytest.mark.parametrize("cv", [None, 2])
def test_divergence_is_an_alert(cv):
    model = MLPClassifier(learning_rate_init=1e4, max_iter=20, solver="sgd")
    with pytest.warns(DivergenceWarning) as caught:
        found = alerts(model, CANCER, preprocessor=None, cv=cv)
    assert set(found) <= {"divergence", "nan-loss"}
    assert "decrease learning_rate_init" in next(iter(found.values()))["fix"]
    report_texts = {str(warning.message) for warning in caught}
    assert describe_alert(next(iter(found.values()))) in report_texts


def test_nan_loss_is_an_alert_of_its_own():
    torch = pytest.importorskip("torch")
    from skorch import NeuralNetRegressor

    model = NeuralNetRegressor(torch.nn.LazyLinear(1), max_epochs=30, lr=1e6)
    X, y = load_diabetes(return_X_y=True)
    with pytest.warns(DivergenceWarning):
        found = alerts(model, (X.astype("float32"), y.astype("float32")))
    assert list(found) == ["nan-loss"]
    assert "decrease lr" in found["nan-loss"]["fix"]


def shifted(strength):
    """Return rows in time order; the last ones depend on X in another way."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(900, 4))
    y = X[:, 0] + 0.5 * generator.normal(size=900)
    y[700:] -= strength * X[700:, 0]
    return X, y


def test_test_score_outside_the_spread_of_the_folds_is_reported():
    found = alerts(Ridge(), shifted(1.0), split="time", cv=5, test_size=200)
    assert list(found) == ["test-score"]
    assert "clearly worse than in the folds" in found["test-score"]["found"]
    assert alerts(Ridge(), shifted(0.0), split="time", cv=5, test_size=200) == {}


def test_test_score_that_is_too_good_is_reported():
    X, y = shifted(0.0)
    y[700:] = X[700:, 0]
    found = alerts(Ridge(), (X, y), split="time", cv=5, test_size=200)
    assert "clearly better than in the folds" in found["test-score"]["found"]


@pytest.mark.long
def test_random_splits_rarely_raise_an_alert_of_the_test_score():
    n_alerts = 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        X = generator.normal(size=(150, 3))
        y = X[:, 0] + generator.normal(size=150)
        n_alerts += len(alerts(Ridge(), (X, y), cv=3, random_state=seed))
    assert n_alerts <= 1


@pytest.mark.parametrize(
    ("used", "increase", "is_reported"),
    [(950, 300, True), (850, 300, False), (950, 20, False), (950, math.nan, False)],
)
def test_memory_is_reported_if_it_is_short_because_of_the_fit(
    monkeypatch, used, increase, is_reported
):
    monkeypatch.setattr(FitLog, "fullest", MemoryUse(used, 1000))
    monkeypatch.setattr(FitLog, "memory_increase_mb", increase)
    found = alerts(Ridge(), shifted(0.0))
    assert list(found) == (["memory"] if is_reported else [])
    if is_reported:
        assert "95% of 1000 MB of memory" in found["memory"]["found"]
