from __future__ import annotations

import numpy as np
import pytest
from catboost import CatBoostClassifier
from imblearn.ensemble import BalancedRandomForestClassifier
from lightgbm import LGBMClassifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    HistGradientBoostingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.semi_supervised import SelfTrainingClassifier
from xgboost import XGBClassifier

from sktrainer import ManagedTrainer, ParameterError
from sktrainer.training.class_parameters import (
    class_parameter_problems,
    translate_class_parameters,
)
from tests.keras_networks import scikeras_classifier

X, CODES = make_classification(400, 6, n_informative=4, random_state=0)
LABELS = np.array(["10", "9"])  # as numbers, they sort in another order
Y = LABELS[CODES]
ALL = np.array([0, 1])


def fitted(model, y=Y, **parameters):
    return ManagedTrainer(model, random_state=0, early_stopping=False, **parameters).fit(X, y)


def proba(model, y=Y):
    return fitted(model, y).predict_proba(X)


def catboost(**parameters):
    return CatBoostClassifier(n_estimators=10, verbose=0, **parameters)


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression,
        LGBMClassifier,
        HistGradientBoostingClassifier,
    ],
)
def test_class_weight_by_label_equals_class_weight_by_code(model):
    by_label = proba(model(class_weight={"9": 5, "10": 1}))
    by_code = proba(model(class_weight={1: 5, 0: 1}), CODES)
    np.testing.assert_array_equal(by_label, by_code)
    assert by_label[:, 1].mean() > proba(model())[:, 1].mean()


@pytest.mark.parametrize(
    "parameters",
    [
        {"class_weights": {"9": 5, "10": 1}},
        {"class_weights": {"10": 1, "9": 5}},
        {"class_weights": [1, 5]},
        {"class_weights": [5, 1], "class_names": ["9", "10"]},
        {"class_weights": [1, 5], "class_names": ["10", "9"]},
    ],
)
def test_catboost_weights_and_names_give_the_same_columns(parameters):
    trainer = fitted(catboost(**parameters), test_size=0.2)
    np.testing.assert_array_equal(
        trainer.predict_proba(X),
        fitted(catboost(class_weights={0: 1, 1: 5}), CODES, test_size=0.2).predict_proba(X),
    )
    assert trainer.classes_[trainer.predict_proba(X).argmax(axis=1)].tolist() == (
        trainer.predict(X).tolist()
    )
    assert trainer.scores_.loc["test", "accuracy"] > 0.7


def test_boolean_labels_may_be_keys_of_class_weights():
    trainer = fitted(catboost(class_weights={True: 5, False: 1}), CODES.astype(bool))
    assert trainer.predict(X).dtype == bool


UNKNOWN_LABEL = "'ten', which are not labels of y"


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(class_weight={"ten": 1, "9": 2}),
        HistGradientBoostingClassifier(class_weight={"ten": 1, "9": 2}),
        LGBMClassifier(class_weight={"ten": 1, "9": 2}),
        catboost(class_weights={"ten": 1, "9": 2}),
        catboost(class_names=["ten", "9"]),
        DummyClassifier(strategy="constant", constant="ten"),
    ],
    ids=lambda model: type(model).__name__,
)
def test_unknown_label_is_refused_before_training(model):
    with pytest.raises(ParameterError, match=UNKNOWN_LABEL):
        fitted(model)


def test_unknown_label_is_refused_by_keras_before_training():
    model = scikeras_classifier(class_weight={"ten": 1, "9": 2})
    with pytest.raises(ParameterError, match=UNKNOWN_LABEL):
        fitted(model)


def test_weights_of_an_absent_class_are_ignored():
    weights = {"9": 2, "10": 1, "rare": 7}
    np.testing.assert_array_equal(
        proba(LogisticRegression(class_weight=weights)),
        proba(LogisticRegression(class_weight={"9": 2, "10": 1})),
    )
    assert class_parameter_problems(LogisticRegression(class_weight=weights), LABELS) == []


def test_only_present_classes_get_codes():
    model = LogisticRegression(class_weight={"a": 1, "b": 2, "c": 3})
    translate_class_parameters(model, np.array(["a", "b", "c"]), np.array([0, 2]))
    assert model.class_weight == {0: 1, 1: 3}


@pytest.mark.parametrize("weights", [{"9": 5, "10": 1}, {1: 5, 0: 1}])
def test_nested_model_accepts_labels_and_codes(weights):
    model = BaggingClassifier(LogisticRegression(class_weight=weights), 3)
    by_code = BaggingClassifier(LogisticRegression(class_weight={1: 5, 0: 1}), 3)
    np.testing.assert_array_equal(proba(model), proba(by_code, CODES))


def test_thresholds_and_scorers_name_the_positive_class_by_its_label():
    tuned = TunedThresholdClassifierCV(
        LogisticRegression(), scoring=make_scorer(f1_score, pos_label="10"), random_state=0
    )
    by_code = TunedThresholdClassifierCV(
        LogisticRegression(), scoring=make_scorer(f1_score, pos_label=0), random_state=0
    )
    assert (fitted(tuned).predict(X) == LABELS[fitted(by_code, CODES).predict(X)]).all()
    fixed = fitted(
        FixedThresholdClassifier(LogisticRegression(), threshold=0.9, pos_label="10")
    )
    assert (fixed.predict(X) == "10").sum() < (Y == "10").sum()


def test_sampling_strategy_may_name_labels():
    model = BalancedRandomForestClassifier(10, sampling_strategy={"9": 20, "10": 40})
    by_code = BalancedRandomForestClassifier(10, sampling_strategy={1: 20, 0: 40})
    np.testing.assert_array_equal(proba(model), proba(by_code, CODES))


def xgboost(**parameters):
    return XGBClassifier(n_estimators=10, **parameters)


@pytest.mark.parametrize(
    "model",
    [
        CalibratedClassifierCV(xgboost(), cv=2),
        AdaBoostClassifier(xgboost(min_child_weight=0), n_estimators=2),
        make_pipeline(SelectFromModel(xgboost()), xgboost()),
        make_pipeline(RFE(xgboost(), n_features_to_select=4), xgboost()),
        VotingClassifier([("trees", catboost()), ("line", LogisticRegression())]),
    ],
    ids=["calibrated", "boosted", "select", "rfe", "vote"],
)
def test_nested_models_are_trained_on_codes(model):
    trainer = fitted(model)
    assert trainer.score(X, Y) > 0.8
    assert {*trainer.predict(X)} == {*LABELS}


def test_label_minus_one_marks_unlabeled_rows_of_semi_supervised_models():
    partly = np.where(np.arange(400) % 2 == 0, CODES, -1)
    trainer = fitted(SelfTrainingClassifier(xgboost()), partly)
    assert trainer.classes_.tolist() == [-1, 0, 1]
    assert {*trainer.predict(X).tolist()} == {0, 1}
    assert (trainer.predict_proba(X)[:, 0] == 0).all()
    assert (trainer.predict(X) == CODES).mean() > 0.85


class Rule(ClassifierMixin, BaseEstimator):
    """User-defined model that knows its labels."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        assert {*y} == {"10", "9"}
        return self

    def predict(self, X):
        return np.where(np.asarray(X)[:, 0] > 0, "9", "10")


def test_user_defined_model_is_trained_on_labels():
    trainer = fitted(Rule(), preprocessor=None, test_size=0.2)
    assert trainer.predict(X).tolist() == np.where(X[:, 0] > 0, "9", "10").tolist()
    assert (
        trainer.scores_.loc["test", "accuracy"]
        == (trainer.predict(X[trainer.split_.test]) == Y[trainer.split_.test]).mean()
    )


def test_label_that_training_lacked_counts_as_wrong():
    trainer = fitted(LogisticRegression())
    unknown = Y.astype(object)
    unknown[:40] = "other"
    known = (trainer.predict(X[40:]) == Y[40:]).sum()
    assert trainer.score(X, unknown) == known / 400
