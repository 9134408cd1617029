"""Contract checks for every model family, encoding and imbalance method."""

from __future__ import annotations

import pytest
from imblearn.over_sampling import RandomOverSampler

from sktrainer import testing
from tests.families import FAMILIES
from tests.stubs import DrawsGlobally

CHECKS = testing.contract_checks()
LEAK_CHECKS = [
    testing.check_test_rows_do_not_affect_fit,
    testing.check_validation_rows_are_not_fitted,
]
NATIVE_CATEGORIES = ("LGBM", "XGB", "CatBoost", "HistGradientBoosting")
KERAS = ("Keras", "SKLearn")  # slow: each fit traces and compiles the model
NETWORKS = ("NeuralNet", "Module", *KERAS)  # not tested with each encoding
TABULAR = [name for name in FAMILIES if not name.startswith(NETWORKS)]
ENCODED = [
    (encoding, name)
    for encoding in ("native", "onehot", "ordinal", "target")
    for name in TABULAR
    if encoding != "native" or name.startswith(NATIVE_CATEGORIES)
]
CLASSIFIERS = [name for name in TABULAR if FAMILIES[name]().task == "classification"]
WITHOUT_WEIGHTS = ("KNeighborsClassifier",)
IMBALANCE = ["auto", "class_weight", "smote", "oversample", "undersample", RandomOverSampler()]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:You are saving a model that:UserWarning")  # by scikeras
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(
    "family",
    [pytest.param(f, marks=pytest.mark.slow) if f.startswith(KERAS) else f for f in FAMILIES],
)
def test_contract_holds(family, check):
    assert check(FAMILIES[family]()) is None


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("check", LEAK_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("encoding", "family"), ENCODED)
def test_encoding_does_not_leak(encoding, family, check):
    case = testing.with_parameters(FAMILIES[family](), categorical_encoding=encoding)
    assert check(case) is None


@pytest.mark.filterwarnings("ignore::sktrainer.ClassImbalanceWarning")
@pytest.mark.parametrize(
    "check", [*LEAK_CHECKS, testing.check_same_seed_is_reproducible], ids=lambda c: c.__name__
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("method", "family"),
    [
        pytest.param(
            method, name, id=f"{method if isinstance(method, str) else 'sampler'}-{name}"
        )
        for method in IMBALANCE
        for name in CLASSIFIERS
        if method != "class_weight" or name not in WITHOUT_WEIGHTS
    ],
)
def test_handling_imbalance_does_not_leak(family, method, check):
    case = testing.with_parameters(FAMILIES[family](), handle_imbalance=method)
    assert check(case) is None


@pytest.mark.parametrize(
    "check",
    [
        testing.check_same_seed_is_reproducible,
        testing.check_reproducible_across_processes,
        testing.check_folds_do_not_depend_on_n_jobs,
        testing.check_global_state_is_restored,
    ],
    ids=lambda check: check.__name__,
)
def test_model_using_the_global_generator_is_reproducible(check):
    assert check(testing.Case(DrawsGlobally(), "regression")) is None


def test_leak_check_fails_for_a_leaking_encoder():
    """An encoder that uses the test rows fails the leak check."""
    case = testing.with_parameters(
        FAMILIES["LogisticRegression"](), preprocessor=_LeakingEncoder()
    )
    with pytest.raises(AssertionError, match="noise in the test rows"):
        testing.check_test_rows_do_not_affect_fit(case)


class _LeakingEncoder:
    """Transformer that leaks the mean of the whole table, as a global variable could."""

    whole_table_mean = 0.0

    def get_params(self, deep=True):
        return {}

    def fit(self, X, y=None):
        frame = next(frame for frame in _tables_in_calling_frames() if len(frame) > len(X))
        self.mean_ = float(frame["signal"].mean())
        return self

    def transform(self, X):
        return X[["signal"]].to_numpy() - self.mean_

    def fit_transform(self, X, y=None):
        return self.fit(X).transform(X)


def _tables_in_calling_frames():
    """Yield the data frames in the local variables of all calling functions."""
    import sys

    import pandas as pd

    frame = sys._getframe(1)
    while frame is not None:
        for value in list(frame.f_locals.values()):
            if isinstance(value, pd.DataFrame):
                yield value
        frame = frame.f_back
