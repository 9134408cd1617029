from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_selection import RFE, RFECV, SelectFromModel, SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    StandardScaler,
)
from sklearn.svm import SVC
from xgboost import XGBClassifier

from sktrainer import ManagedTrainer
from sktrainer.training.importances import Importances, feature_importances


def _values(found: Importances) -> pd.Series:
    assert found.values is not None
    return found.values


@pytest.fixture(scope="module")
def table():
    """Table in which only the column "town" is informative."""
    rng = np.random.default_rng(0)
    town = rng.choice(["north", "south", "east"], 400)
    X = pd.DataFrame(
        {"noise": rng.normal(size=400), "town": town, "more": rng.normal(size=400)}
    )
    return X, np.where((town == "north") ^ (rng.random(400) < 0.1), "yes", "no")


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (LGBMClassifier(n_estimators=20, importance_type="gain", verbose=-1), "gain"),
        (XGBClassifier(n_estimators=20), "feature_importances_"),
        (CatBoostClassifier(iterations=20, verbose=0), "feature_importances_"),
        (RandomForestClassifier(20), "feature_importances_"),
        (LogisticRegression(), "coef_"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_informative_column_comes_first(table, model, kind):
    trainer = ManagedTrainer(model, random_state=0).fit(*table)
    found = feature_importances(trainer._predictor.undecoded, table[0].columns)
    assert str(_values(found).index[0]).startswith("town")
    assert kind in str(found.kind)


@pytest.mark.parametrize("model", [HistGradientBoostingClassifier(max_iter=5), SVC()])
def test_model_without_importances_returns_none(table, model):
    trainer = ManagedTrainer(model, random_state=0).fit(*table)
    found = feature_importances(trainer._predictor.undecoded)
    assert (found.values, found.kind, found.problem) == (None, None, None)


@pytest.mark.parametrize(
    ("steps", "names"),
    [
        ([StandardScaler()], ["a", "b"]),
        ([StandardScaler(), PCA(2)], ["pca0", "pca1"]),
        ([FunctionTransformer()], ["x0", "x1"]),
        ([FunctionTransformer(), PCA(2)], ["pca0", "pca1"]),
        (["passthrough"], ["a", "b"]),
    ],
)
def test_names_come_from_the_last_step_with_names(steps, names):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(50, 2)), columns=["a", "b"])
    pipeline = make_pipeline(*steps, LogisticRegression()).fit(X, X["a"] > 0)
    assert sorted(_values(feature_importances(pipeline, list(X))).index) == names


def test_multiclass_coefficients_use_mean_absolute_value():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 2))
    pipeline = make_pipeline(LogisticRegression()).fit(X, np.repeat(["a", "b", "c"], 30))
    found = feature_importances(pipeline)
    expected = np.abs(pipeline[-1].coef_).mean(axis=0)
    assert _values(found).sort_index().tolist() == pytest.approx(expected.tolist())


def test_largest_absolute_values_are_kept():
    X = np.eye(40)
    model = LogisticRegression().fit(X, np.arange(40) % 2)
    model.coef_ = np.array([np.arange(40.0) - 30])
    found = feature_importances(make_pipeline(model), limit=3)
    assert _values(found).to_dict() == {"x0": -30.0, "x1": -29.0, "x2": -28.0}


def test_zero_importances_are_none():
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    model.coef_ = np.zeros((1, 1))
    assert feature_importances(make_pipeline(model)).values is None


def test_importance_of_a_column_is_the_sum_over_its_features(table):
    X, y = table
    trainer = ManagedTrainer(LogisticRegression(), random_state=0).fit(X, y)
    names = trainer.pipeline_[:-1].get_feature_names_out()
    by_feature = pd.Series(np.abs(trainer.model_.coef_[0]), index=names)
    expected = [by_feature[by_feature.index.str.startswith(name)].sum() for name in X]
    assert trainer.feature_importances_.tolist() == pytest.approx(expected)
    assert X.columns[trainer.feature_importances_.argmax()] == "town"


@pytest.mark.parametrize(
    "steps", [[], [StandardScaler()], [SelectKBest(k=2)], [SelectKBest(k=2), StandardScaler()]]
)
def test_steps_of_a_pipeline_are_traced_to_the_columns(steps):
    X, y = make_classification(200, 4, n_informative=2, n_redundant=0, random_state=0)
    model = make_pipeline(*steps, RandomForestClassifier(5, random_state=0))
    trainer = ManagedTrainer(model, preprocessor=None, random_state=0).fit(X, y)
    assert trainer.feature_importances_.shape == (4,)
    assert trainer.feature_importances_.sum() == pytest.approx(1.0)
    if len(steps) and isinstance(steps[0], SelectKBest):
        kept = trainer.pipeline_[0].get_support()
        assert ((trainer.feature_importances_ > 0) == kept).all()


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (SVC(), "SVC has no feature_importances_ or coef_.*permutation_importance"),
        (make_pipeline(PCA(2), LogisticRegression()), r"step 'pca' \(PCA\) are not each"),
    ],
)
def test_unavailable_importances_raise_an_attribute_error(model, reason):
    X, y = make_classification(60, 4, random_state=0)
    trainer = ManagedTrainer(model, random_state=0).fit(X, y)
    assert not hasattr(trainer, "feature_importances_")
    with pytest.raises(AttributeError, match=reason):
        _ = trainer.feature_importances_


@pytest.mark.parametrize("model", [XGBClassifier(n_estimators=30), LogisticRegression()])
@pytest.mark.parametrize("selector", [RFE, RFECV, SelectFromModel])
def test_selectors_find_the_informative_columns(selector, model):
    X, y = make_classification(
        300, 6, n_informative=3, n_redundant=0, shuffle=False, class_sep=2.0, random_state=0
    )
    options = {"n_features_to_select": 3} if selector is RFE else {}
    chosen = selector(ManagedTrainer(model, random_state=0), **options).fit(X, y).get_support()
    assert not chosen[3:].any()
    assert chosen.sum() >= 2
