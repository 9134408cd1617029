"""Tests specific to each strategy of iterative training: boosting, growing, epochs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import sklearn.linear_model
from imblearn.ensemble import (
    BalancedBaggingClassifier,
    BalancedRandomForestClassifier,
    EasyEnsembleClassifier,
    RUSBoostClassifier,
)
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from sktrainer.backends.sklearn.backend import SklearnBackend
from sktrainer.callbacks.early_stopping import EvalMetric
from sktrainer.scoring.scorers import named_scorer
from tests.backends.sklearn.fits import (
    N_TRAIN,
    at_best,
    fit,
    fit_plain,
    history,
    predictions,
    request,
    table,
)


def test_histogram_boosting_scores_are_cut_to_the_best_round():
    model = fit(HistGradientBoostingClassifier(max_iter=40)).model
    assert len(model.train_score_) == len(model.validation_score_) == model.n_iter_ + 1


def test_histogram_boosting_receives_its_categorical_columns():
    X, y = table("classification")
    X[:, 2] = np.random.RandomState(0).randint(4, size=len(X))
    X[::7, 2] = np.nan
    outcome = fit(HistGradientBoostingClassifier(max_iter=5), data=(X, y), categorical=(2,))
    np.testing.assert_array_equal(outcome.model.is_categorical_, np.arange(8) == 2)
    assert outcome.model.predict(X).shape == (len(y),)


def test_category_column_with_too_many_levels_is_numeric():
    X, y = table("classification")
    X[:, 2], X[:, 5] = np.arange(len(X)) % 40, np.arange(len(X)) % 3
    model = HistGradientBoostingClassifier(max_iter=3, max_bins=16)
    outcome = fit(model, data=(X, y), categorical=(2, 5))
    np.testing.assert_array_equal(outcome.model.is_categorical_, np.arange(8) == 5)


@pytest.mark.parametrize("named", [True, False])
def test_histogram_boosting_monitors_named_and_user_defined_scorers(named):
    scorer = named_scorer("balanced_accuracy")

    def other(estimator, X, y):
        return scorer(estimator, X, y)

    metric = EvalMetric("balanced_accuracy", scorer if named else other)
    outcome = fit(HistGradientBoostingClassifier(max_iter=15), metric=metric)
    X, y = table("classification")
    expected = scorer(outcome.model, X[N_TRAIN:], y[N_TRAIN:])
    assert at_best(outcome, "balanced_accuracy") == pytest.approx(expected)


def test_gradient_boosting_attributes_are_cut_to_the_best_round():
    model = fit(GradientBoostingClassifier(n_estimators=60, subsample=0.5)).model
    kept = ("estimators_", "train_score_", "oob_improvement_", "oob_scores_")
    assert {len(getattr(model, name)) for name in kept} == {model.n_estimators_}
    assert model.oob_score_ == model.oob_scores_[-1]


def test_adaboost_with_a_perfect_fit_reports_convergence():
    X, y = table("classification")
    y = X[:, 0] > 0  # one stump separates the classes
    outcome = fit(AdaBoostClassifier(n_estimators=10), data=(X, y), stops=False, n_iter=8)
    assert (outcome.stop_reason, outcome.n_iter) == ("converged", 1)


class Counting(DecisionTreeClassifier):
    """Decision tree that counts the fits and predicted rows of all instances."""

    fits = 0
    rows = 0

    def fit(self, X, y, **options):
        Counting.fits += 1
        return super().fit(X, y, **options)

    def _fit(self, X, y, **options):
        Counting.fits += 1
        return super()._fit(X, y, **options)

    def predict_proba(self, X, check_input=True):
        Counting.rows += X.shape[0]
        return super().predict_proba(X, check_input)


def counting_forest(size):
    # Forests have an `estimator` attribute for the type of tree, but no parameter.
    forest = RandomForestClassifier(size)
    forest.estimator = Counting()
    return forest


def counting_bagging(size):
    return BaggingClassifier(Counting(), n_estimators=size)


@pytest.mark.parametrize("size", [16, 32, 64])
@pytest.mark.parametrize("make", [counting_forest, counting_bagging])
def test_each_member_fits_once_and_predicts_once(make, size):
    Counting.fits = Counting.rows = 0
    requested = dataclasses.replace(request(make(size), patience=1000), model=make(size))
    SklearnBackend().fit(requested)
    assert Counting.fits == size
    assert requested.validation is not None
    assert Counting.rows == size * len(requested.validation)


@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB scores")
@pytest.mark.parametrize(
    "model",
    [
        RandomForestRegressor(20, oob_score=True),
        BaggingClassifier(n_estimators=20, oob_score=True),
    ],
    ids=["forest", "bagging"],
)
def test_out_of_bag_score_uses_only_the_kept_members(model):
    outcome = fit(model)
    seed, best = outcome.model.random_state, outcome.best_iteration
    X, y = table("classification" if isinstance(model, BaggingClassifier) else "regression")
    plain = clone(model).set_params(n_estimators=best, random_state=seed)
    fit_plain(plain, X[:N_TRAIN], y[:N_TRAIN])
    assert outcome.model.oob_score_ == plain.oob_score_


def test_bagging_sample_indices_match_the_kept_members():
    outcome = fit(BaggingClassifier(n_estimators=30))
    seed = outcome.model.random_state
    X, y = table("classification")
    plain = BaggingClassifier(n_estimators=outcome.best_iteration, random_state=seed)
    fit_plain(plain, X[:N_TRAIN], y[:N_TRAIN])
    np.testing.assert_array_equal(outcome.model.estimators_samples_, plain.estimators_samples_)


def test_forest_with_a_random_state_instance_matches_plain_fit():
    X, y = table("classification")
    outcome = fit(RandomForestClassifier(30, random_state=np.random.RandomState(5)))
    plain = RandomForestClassifier(
        outcome.best_iteration, random_state=np.random.RandomState(5)
    )
    fit_plain(plain, X[:N_TRAIN], y[:N_TRAIN])
    np.testing.assert_array_equal(predictions(outcome.model), predictions(plain))


@pytest.mark.parametrize(
    "model",
    [
        BalancedRandomForestClassifier(
            20, sampling_strategy="all", replacement=True, bootstrap=False
        ),
        BalancedBaggingClassifier(n_estimators=15),
        EasyEnsembleClassifier(n_estimators=4),
        RUSBoostClassifier(n_estimators=10),
    ],
    ids=lambda model: type(model).__name__,
)
def test_imbalanced_learn_ensembles_support_early_stopping(model):
    outcome = fit(model)
    assert outcome.best_iteration == int(np.argmin(history(outcome))) + 1
    exact = fit(model, stops=False, n_iter=outcome.best_iteration)
    np.testing.assert_array_equal(predictions(outcome.model), predictions(exact.model))


class Committee(ClassifierMixin, BaseEstimator):
    """Third-party ensemble that is known only by its parameters."""

    def __init__(self, n_estimators=20, warm_start=False, random_state=None):
        self.n_estimators = n_estimators
        self.warm_start = warm_start
        self.random_state = random_state

    def fit(self, X, y):
        if not (self.warm_start and hasattr(self, "trees_")):
            self.trees_: list[DecisionTreeClassifier] = []
        self.classes_ = np.unique(y)
        seeds = np.random.RandomState(self.random_state).randint(2**31, size=self.n_estimators)
        for seed in seeds[len(self.trees_) :]:
            tree = DecisionTreeClassifier(max_features=2, max_depth=4, random_state=seed)
            self.trees_.append(tree.fit(X, y))
        return self

    def predict_proba(self, X):
        return np.mean([tree.predict_proba(X) for tree in self.trees_], axis=0)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def test_unknown_ensemble_keeps_its_best_number_of_members():
    outcome = fit(Committee(30))
    assert outcome.best_iteration == int(np.argmin(history(outcome))) + 1
    assert len(outcome.model.trees_) == outcome.best_iteration
    assert (outcome.model.n_estimators, outcome.model.warm_start) == (30, False)


def test_each_epoch_shuffles_the_rows_differently():
    one = fit(SGDClassifier(learning_rate="constant", eta0=0.1), stops=False, n_iter=2).model
    X, y = table("classification")
    same = SGDClassifier(learning_rate="constant", eta0=0.1, random_state=one.random_state)
    for _ in range(2):
        same.partial_fit(X[:N_TRAIN], y[:N_TRAIN], classes=np.unique(y))
    assert not np.array_equal(one.coef_, same.coef_)


def test_balanced_class_weights_apply_in_epochs():
    X, y = table("classification")
    y = np.where(np.arange(len(y)) % 10 == 0, "rare", "usual")
    balanced, plain = (
        fit(SGDClassifier(class_weight=weight), data=(X, y), stops=False, n_iter=20).model
        for weight in ("balanced", None)
    )
    assert np.mean(balanced.predict(X) == "rare") > np.mean(plain.predict(X) == "rare")
    assert balanced.class_weight == "balanced"


def test_network_attributes_are_those_of_the_best_epoch():
    outcome = fit(MLPClassifier((30,), max_iter=80, learning_rate_init=0.05))
    best, n_iter = outcome.best_iteration, outcome.n_iter
    assert outcome.stop_reason == "early_stopping"
    assert n_iter == len(history(outcome)) > outcome.model.n_iter_
    assert outcome.model.n_iter_ == len(outcome.model.loss_curve_) == best


@pytest.mark.filterwarnings("ignore:Class PassiveAggressive:FutureWarning")
@pytest.mark.parametrize("name", ["PassiveAggressiveClassifier", "PassiveAggressiveRegressor"])
def test_passive_aggressive_models_train_in_epochs(name):
    outcome = fit(getattr(sklearn.linear_model, name)(max_iter=9))
    assert outcome.best_iteration == int(np.argmin(history(outcome))) + 1
