"""The contract over every family, each encoding and each way of handling imbalance."""

from __future__ import annotations

import pytest
from imblearn.over_sampling import RandomOverSampler

from sktrainer import testing
from tests.families import FAMILIES
from tests.stubs import DrawsGlobally

CHECKS = testing.contract_checks()
LEAK_CHECKS = [
    testing.check_test_rows_serve_to_score_alone,
    testing.check_validation_rows_are_never_fitted,
]
TAKE_CODES = ("LGBM", "XGB", "CatBoost", "HistGradientBoosting")
KERAS = ("Keras", "SKLearn")  # traced and compiled in each fit, which takes seconds
NETWORKS = ("NeuralNet", "Module", *KERAS)  # the encodings do not tell one from another
OF_TABLES = [name for name in FAMILIES if not name.startswith(NETWORKS)]
ENCODED = [
    (encoding, name)
    for encoding in ("native", "onehot", "ordinal", "target")
    for name in OF_TABLES
    if encoding != "native" or name.startswith(TAKE_CODES)
]
CLASSIFIERS = [name for name in OF_TABLES if FAMILIES[name]().task == "classification"]
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
def test_no_encoding_leaks(encoding, family, check):
    case = testing.with_parameters(FAMILIES[family](), categorical_encoding=encoding)
    assert check(case) is None


@pytest.mark.filterwarnings("ignore::sktrainer.ClassImbalanceWarning")
@pytest.mark.parametrize(
    "check", [*LEAK_CHECKS, testing.check_same_seed_same_bits], ids=lambda c: c.__name__
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
def test_no_way_of_handling_imbalance_leaks(family, method, check):
    case = testing.with_parameters(FAMILIES[family](), handle_imbalance=method)
    assert check(case) is None


@pytest.mark.parametrize(
    "check",
    [
        testing.check_same_seed_same_bits,
        testing.check_another_process_gives_the_same_bits,
        testing.check_folds_do_not_depend_on_n_jobs,
        testing.check_state_of_the_caller_is_put_back,
    ],
    ids=lambda check: check.__name__,
)
def test_a_model_that_draws_globally_is_seeded_too(check):
    assert check(testing.Case(DrawsGlobally(), "regression")) is None


def test_a_check_catches_a_leak():
    """The contract is worth something: an encoder that looks at all rows fails it."""
    case = testing.with_parameters(
        FAMILIES["LogisticRegression"](), preprocessor=_SeesEverything()
    )
    with pytest.raises(AssertionError, match="noise in the test rows"):
        testing.check_test_rows_serve_to_score_alone(case)


class _SeesEverything:
    """A transformer that smuggles in the mean of the whole table, as global code would."""

    whole_table_mean = 0.0

    def get_params(self, deep=True):
        return {}

    def fit(self, X, y=None):
        frame = next(frame for frame in _tables_in_callers() if len(frame) > len(X))
        self.mean_ = float(frame["signal"].mean())
        return self

    def transform(self, X):
        return X[["signal"]].to_numpy() - self.mean_

    def fit_transform(self, X, y=None):
        return self.fit(X).transform(X)


def _tables_in_callers():
    """Find the data frames that calling functions hold: what a leak has at hand."""
    import sys

    import pandas as pd

    frame = sys._getframe(1)
    while frame is not None:
        for value in list(frame.f_locals.values()):
            if isinstance(value, pd.DataFrame):
                yield value
        frame = frame.f_back
