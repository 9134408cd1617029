from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.tree import DecisionTreeClassifier

from sktrainer import ManagedTrainer, compare_models
from sktrainer.exceptions import FitError, InputError

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(200, 3)), columns=list("abc"))
TARGET = X["a"] + RNG.normal(size=200)
LABELS = np.where(TARGET > 0.3, "yes", "no")


class Failing(RegressorMixin, BaseEstimator):
    """A regressor that cannot be fitted."""

    def fit(self, X, y):
        raise RuntimeError("no luck")

    def predict(self, X):
        raise NotImplementedError


def _compare(models, y=TARGET, **params):
    return compare_models(models, X, y, audit=False, **{"cv": 3, **params})


def test_models_are_ordered_and_the_baseline_is_last():
    models = {"tree": DecisionTreeClassifier(random_state=0), "linear": LogisticRegression()}
    found = _compare(models, LABELS)
    assert list(found.table.index) == ["linear", "tree", "baseline"]
    assert found.best is found.trainers["linear"]
    assert list(found.comparison.runs.index) == list(found.table.index)
    assert found.comparison.comparable


def test_scores_are_those_of_a_trainer_with_the_same_folds():
    found = _compare({"ridge": Ridge()}, random_state=7)
    alone = ManagedTrainer(Ridge(), cv=3, random_state=7, audit=False).fit(X, TARGET)
    assert found.table.loc["ridge", "r2"] == alone.report_.cv_summary.loc["r2", "mean"]
    np.testing.assert_array_equal(found.best.predict(X), alone.predict(X))


def test_losses_are_ordered_from_small_to_large():
    models = {"ridge": Ridge(), "forest": RandomForestRegressor(5)}
    found = _compare(models, sort_by="rmse")
    assert found.metric == "rmse"
    assert found.table["rmse"].is_monotonic_increasing
    assert found.table.index[-1] == "baseline"
    negated = _compare(models, scoring="neg_root_mean_squared_error")
    assert list(negated.table.index) == list(found.table.index)


def test_folds_may_be_a_generator_and_models_are_not_changed():
    model = Ridge()
    found = _compare({"a": model, "b": Ridge(2.0)}, cv=KFold(3).split(X))
    assert len(found.table) == 3
    assert not hasattr(model, "coef_")


def test_test_rows_give_paired_intervals():
    found = _compare({"ridge": Ridge()}, test_size=0.3)
    assert found.comparison.differences[["low", "high"]].notna().all(axis=None)


def test_model_that_fails_is_named_and_the_others_are_trained():
    found = _compare({"failing": Failing(), "ridge": Ridge()})
    assert list(found.table.index) == ["ridge", "baseline"]
    assert "no luck" in found.errors["failing"]
    assert "failing failed: " in str(found)
    with pytest.raises(FitError, match="no model could be trained"):
        _compare({"failing": Failing()})


def test_wrong_arguments_are_refused():
    with pytest.raises(InputError, match="models is empty"):
        _compare({})
    with pytest.raises(InputError, match="'baseline' is reserved"):
        _compare({"baseline": Ridge()})
    with pytest.raises(InputError, match="sort_by='auc' is not a metric"):
        _compare({"ridge": Ridge()}, sort_by="auc")


def test_page_shows_the_leaderboard_and_models_that_failed(tmp_path):
    found = _compare({"ridge": Ridge(), "broken": Failing()})
    page = found.to_html(tmp_path / "board.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<h2>Leaderboard of 2 models</h2>" in page
    assert "<h3>Models by r2</h3>" in page
    assert "broken failed: " in page
    assert found.shown().index.tolist() == ["ridge", "baseline"]
    low, high = (f"{found.table.loc['ridge', side]:.3f}" for side in ("low", "high"))
    assert found.shown().loc["ridge", "95% interval"] == f"{low} to {high}"
    assert "Models by r2" in found._repr_html_()
    assert "95% interval" in str(found).splitlines()[0]
