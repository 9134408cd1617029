"""Tests of the traits of scikit-learn models and meta-estimators."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from sktrainer.backends.base import Capabilities
from sktrainer.backends.estimators import iter_sub_estimators
from sktrainer.backends.sklearn.backend import SklearnBackend


def capabilities(model) -> Capabilities:
    return SklearnBackend().capabilities(model, "classification")


def constructible():
    kinds = all_estimators(type_filter=["classifier", "regressor"])
    for name, cls in kinds:
        required = [
            parameter
            for parameter in cls._get_param_names()
            if parameter in ("estimator", "estimators", "base_estimator")
        ]
        default = Ridge() if name.endswith("Regressor") else LogisticRegression()
        values = {p: [("one", default)] if p == "estimators" else default for p in required}
        yield pytest.param(cls, values, id=name)


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(("cls", "values"), list(constructible()))
def test_every_scikit_learn_model_has_traits(cls, values):
    found = capabilities(cls(**values))
    assert isinstance(found, Capabilities)
    assert found.max_iter is None or found.max_iter >= 1
    assert not found.reads_labels
    # Early stopping by default requires iterations that can be monitored.
    assert found.max_iter is not None or not found.early_stopping_by_default


@pytest.mark.parametrize(
    ("model", "max_iter", "iteration", "by_default"),
    [
        (HistGradientBoostingClassifier(max_iter=7), 7, "round", True),
        (GradientBoostingClassifier(n_estimators=7), 7, "round", True),
        (MLPClassifier(max_iter=7), 7, "epoch", True),
        (AdaBoostClassifier(n_estimators=7), 7, "round", False),
        (RandomForestClassifier(7), 7, "tree", False),
        (BaggingClassifier(n_estimators=7), 7, "member", False),
        (SGDClassifier(max_iter=7), 7, "epoch", False),
        (MLPClassifier(solver="lbfgs"), None, "iteration", False),
        (LogisticRegression(), None, "iteration", False),
        (GaussianNB(), None, "iteration", False),
        (MultiOutputClassifier(SGDClassifier()), None, "iteration", False),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else "",
)
def test_traits_describe_the_iterations_of_a_model(model, max_iter, iteration, by_default):
    found = capabilities(model)
    assert (found.max_iter, found.iteration_name) == (max_iter, iteration)
    assert found.early_stopping_by_default is by_default


@pytest.mark.parametrize(
    ("model", "sensitive"),
    [
        (DecisionTreeClassifier(), False),
        (RandomForestClassifier(), False),
        (GradientBoostingClassifier(), False),
        (MultinomialNB(), False),
        (DummyClassifier(), False),
        (AdaBoostClassifier(), False),
        (BaggingClassifier(), False),
        (BaggingClassifier(KNeighborsClassifier()), True),
        (
            VotingClassifier([("tree", DecisionTreeClassifier()), ("bayes", GaussianNB())]),
            False,
        ),
        (VotingClassifier([("tree", DecisionTreeClassifier()), ("svc", SVC())]), True),
        (OneVsRestClassifier(RandomForestClassifier()), False),
        (TransformedTargetRegressor(RandomForestRegressor()), False),
        (CalibratedClassifierCV(), True),
        (LinearRegression(), True),
        (MLPClassifier(), True),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else "",
)
def test_scale_sensitivity_depends_on_nested_models(model, sensitive):
    assert capabilities(model).scale_sensitive is sensitive


FOREST, NEIGHBORS = RandomForestClassifier(5, random_state=0), KNeighborsClassifier()


@pytest.mark.filterwarnings("ignore:Since .* does not appear to accept sample_weight")
@pytest.mark.parametrize("inside", [FOREST, NEIGHBORS], ids=["weights", "no weights"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: model,
        lambda model: VotingClassifier([("one", model)]),
        lambda model: StackingClassifier([("one", model)]),
        lambda model: AdaBoostClassifier(model, random_state=0),
        MultiOutputClassifier,
        lambda model: GridSearchCV(model, {}, error_score="raise"),
        OneVsRestClassifier,
        lambda model: BaggingClassifier(model, random_state=0),
    ],
    ids=["bare", "Voting", "Stacking", "Ada", "MultiOutput", "Grid", "OneVsRest", "Bagging"],
)
def test_sample_weight_trait_matches_what_fit_accepts(wrap, inside):
    model = wrap(inside)
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(60, 3)), rng.randint(2, size=60)
    y = np.column_stack([y, 1 - y]) if isinstance(model, MultiOutputClassifier) else y
    promised = capabilities(model).accepts_sample_weight
    try:
        model.fit(X, y, sample_weight=rng.uniform(size=60))
    except (TypeError, ValueError):
        assert not promised
    else:
        assert promised


def test_sample_weight_trait_depends_on_the_nested_model():
    assert capabilities(CalibratedClassifierCV(FOREST)).accepts_sample_weight
    assert not capabilities(CalibratedClassifierCV(NEIGHBORS)).accepts_sample_weight
    assert not capabilities(
        TransformedTargetRegressor(KNeighborsRegressor())
    ).accepts_sample_weight


def test_metadata_routing_decides_whether_weights_are_accepted():
    with sklearn.config_context(enable_metadata_routing=True):
        asking = RandomForestClassifier().set_fit_request(sample_weight=True)
        silent = RandomForestClassifier().set_fit_request(sample_weight=False)
        assert capabilities(OneVsRestClassifier(asking)).accepts_sample_weight
        assert not capabilities(OneVsRestClassifier(silent)).accepts_sample_weight


def test_only_histogram_boosting_has_native_categories():
    assert capabilities(HistGradientBoostingClassifier()).native_categorical
    assert not capabilities(RandomForestClassifier()).native_categorical


def test_missing_and_sparse_support_are_read_from_tags():
    histogram, forest, boosting = (
        capabilities(model)
        for model in (
            HistGradientBoostingClassifier(),
            RandomForestClassifier(),
            GradientBoostingClassifier(),
        )
    )
    assert [t.native_missing for t in (histogram, forest, boosting)] == [True, True, False]
    assert [t.accepts_sparse for t in (histogram, forest, boosting)] == [False, True, True]


def test_tree_models_release_the_gil():
    assert capabilities(RandomForestClassifier()).releases_gil
    assert capabilities(BaggingClassifier(DecisionTreeClassifier())).releases_gil
    assert not capabilities(BaggingClassifier(KNeighborsClassifier())).releases_gil


class Counts(ClassifierMixin, BaseEstimator):
    """Third-party model whose `fit`, but not `partial_fit`, accepts sample weights."""

    def __init__(self, max_iter=3):
        self.max_iter = max_iter

    def fit(self, X, y, sample_weight=None):
        return self

    def partial_fit(self, X, y):
        return self


class Bare:
    """Third-party model that is not derived from BaseEstimator."""

    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.zeros(len(X))


def test_unknown_models_get_conservative_traits():
    assert capabilities(Counts()).max_iter is None
    found = capabilities(Bare())
    assert (found.max_iter, found.accepts_sample_weight, found.accepts_sparse) == (
        None,
        False,
        False,
    )
    assert not found.native_missing


def test_parameter_that_is_an_estimator_class_is_not_a_sub_estimator():
    class Builder(ClassifierMixin, BaseEstimator):
        def __init__(self, base=DecisionTreeClassifier):
            self.base = base

        def fit(self, X, y, sample_weight=None):
            return self

        def predict(self, X):
            return np.zeros(len(X))

    assert list(iter_sub_estimators(Builder())) == []
    assert isinstance(capabilities(Builder()), Capabilities)


def test_model_that_a_user_defines_reads_labels():
    class Rule(LogisticRegression):
        def predict(self, X):
            return np.where(X[:, 0] > 0, "yes", "no")

    assert capabilities(Rule()).reads_labels
    assert capabilities(BaggingClassifier(Rule())).reads_labels
    assert not capabilities(BaggingClassifier(LogisticRegression())).reads_labels
