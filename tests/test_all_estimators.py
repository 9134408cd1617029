"""Tests that all scikit-learn estimators train on a mixed table with missing values.

They are `long`: `tests/test_contract.py` covers each kind of estimator.
"""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils import all_estimators, get_tags

from sktrainer import InputError, ManagedTrainer
from sktrainer.runtime.global_state import preserve_global_state
from sktrainer.testing import mixed_table

pytestmark = pytest.mark.long

# Constructor arguments that are not numbers.
ARGUMENTS = {
    "estimator": lambda is_class: LogisticRegression() if is_class else Ridge(),
    "base_estimator": lambda is_class: LogisticRegression() if is_class else Ridge(),
    "outlier_label": lambda is_class: "most_frequent",
    "estimators": lambda is_class: [
        ("a", LogisticRegression() if is_class else Ridge()),
        ("b", LogisticRegression(C=0.1) if is_class else Ridge(alpha=10.0)),
    ],
}
USELESS_BARE = {"RadiusNeighborsClassifier", "SelfTrainingClassifier"}
ASIDE = {
    "multi-output only": {
        "MultiOutputClassifier",
        "MultiOutputRegressor",
        "ClassifierChain",
        "RegressorChain",
        "MultiTaskElasticNet",
        "MultiTaskElasticNetCV",
        "MultiTaskLasso",
        "MultiTaskLassoCV",
    },
    "supports only one column": {"IsotonicRegression"},
    "needs as many targets as components": {"CCA", "PLSCanonical"},
    "tunes the threshold of a binary classifier that is already fitted": {
        "FixedThresholdClassifier",
    },
}


def candidates():
    """Yield every estimator in scope."""
    out_of_scope = set().union(*ASIDE.values())
    for kind in ("classifier", "regressor"):
        for name, cls in all_estimators(type_filter=kind):
            if name not in out_of_scope:
                yield pytest.param(kind, cls, id=name)


def construct(cls, kind):
    given = {
        name: ARGUMENTS[name](kind == "classifier")
        for name, parameter in inspect.signature(cls).parameters.items()
        if name in ARGUMENTS
        and (parameter.default is inspect.Parameter.empty or cls.__name__ in USELESS_BARE)
    }
    return cls(**given)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("kind", "cls"), list(candidates()))
def test_estimator_trains_on_a_mixed_table_with_missing_values(kind, cls):
    model = construct(cls, kind)
    if get_tags(model).input_tags.positive_only:
        pytest.skip("model does not accept negative values")
    task = "classification" if kind == "classifier" else "regression"
    X, y = mixed_table(120, task)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = ManagedTrainer(model, test_size=0.25, random_state=0).fit(X, y)
    assert is_classifier(trainer) == (kind == "classifier")
    predicted = trainer.predict(X.iloc[:7])
    assert len(predicted) == 7
    if kind == "classifier":
        assert set(predicted) <= set(trainer.classes_)
        assert trainer.scores_.loc["test", "accuracy"] >= 0.2
    else:
        # The prediction for a row without neighbors is NaN.
        may_be_nan = cls.__name__ == "RadiusNeighborsRegressor"
        assert np.isfinite(predicted).any() if may_be_nan else np.isfinite(predicted).all()


def regressors():
    """Yield every regressor, including those for multiple targets only."""
    for name, cls in all_estimators(type_filter="regressor"):
        if name != "IsotonicRegression":
            yield pytest.param(cls, id=name)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cls", list(regressors()))
def test_regressor_supports_multiple_targets_if_the_model_does(cls):
    model = construct(cls, "regressor")
    X = np.random.default_rng(0).uniform(size=(80, 4))
    targets = np.column_stack([X[:, 0] + X[:, 1], 10.0 + X[:, 2]])
    try:
        with preserve_global_state():
            can = clone(model).fit(X, targets).predict(X).shape == targets.shape
    except (TypeError, ValueError):
        can = False
    trainer = ManagedTrainer(model, random_state=0)
    if not can:
        with pytest.raises(InputError, match="MultiOutputRegressor"):
            trainer.fit(X, targets)
        return
    assert trainer.fit(X, targets).predict(X).shape == targets.shape
    assert trainer.scores_.loc["train"].notna().all()
