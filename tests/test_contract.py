"""Contract checks for every model family, encoding and imbalance method.

One family per backend and profile (see `tests/families.py`) has all checks. The others have
those that depend on how a model is made, seeded, trained, copied, saved and resumed; their
other checks are marked `long`.

Encodings and imbalance methods are checked for one family per profile and, marked `long`, for
the others:

- Encodings change the table before the model sees it, so a profile stands for its models.
  Native categories are passed by each backend in its own way, so all of them are checked.
- Class weights are passed by each backend in its own way, so one classifier per backend and
  profile is checked.
- Samplers run before the model. SMOTE depends on the encoding, so a profile stands for its
  models. The others repeat or drop rows, so three families are enough.
- "auto" chooses by support for sample weights, and a sampler object differs from a name only in
  how it is cloned, so two families are enough.

Each fit of a Keras model traces and compiles it, which takes longer than its training, so one
Keras family has all checks. Families that differ only in what is built share those of another.
"""

from __future__ import annotations

import pytest
from imblearn.over_sampling import RandomOverSampler

from sktrainer import testing
from sktrainer.testing import fit_checks, isolation_checks, resume_checks
from tests.families import FAMILIES, case_of, one_per_backend_and_profile, one_per_profile
from tests.stubs import DrawsGlobally

LEAK_CHECKS = [
    fit_checks.check_test_rows_do_not_affect_fit,
    fit_checks.check_validation_rows_are_not_fitted,
]
MODEL_CHECKS = [
    fit_checks.check_same_seed_is_reproducible,
    fit_checks.check_pickle_and_clone,
    fit_checks.check_saved_file_is_bit_identical,
    fit_checks.check_pipeline_predicts_raw_rows,
    fit_checks.check_predictions_use_original_labels,
    fit_checks.check_history_is_complete,
    fit_checks.check_single_row_prediction,
    isolation_checks.check_estimator_is_not_modified,
    resume_checks.check_resume_is_bit_identical,
]
NATIVE_CATEGORIES = ("LGBM", "XGB", "CatBoost", "HistGradientBoosting")
KERAS = ("Keras", "SKLearn")
SAME_CLASS = ("KerasFunctionOfMeta",)  # as KerasFunction
NETWORKS = ("NeuralNet", "Module", *KERAS)  # not tested with each encoding
TABULAR = [name for name in FAMILIES if not name.startswith(NETWORKS)]
CLASSIFIERS = [name for name in TABULAR if case_of(name).task == "classification"]
PROFILES = one_per_profile(TABULAR)
# Importing TensorFlow to read the profiles of Keras models would delay the test collection.
WITH_ALL_CHECKS = one_per_backend_and_profile(f for f in FAMILIES if not f.startswith(KERAS))
WITH_ALL_CHECKS |= {"ModuleClass", "KerasFunction"}
IMBALANCE = {
    "auto": {"LGBMClassifier", "KNeighborsClassifier"},
    "class_weight": WITH_ALL_CHECKS,
    "smote": PROFILES,
    "oversample": {"LGBMClassifier", "LogisticRegression", "KNeighborsClassifier"},
    "undersample": {"LGBMClassifier", "LogisticRegression", "KNeighborsClassifier"},
    "sampler": {"LGBMClassifier", "LogisticRegression"},
}


def contract_items():
    """Yield every family with every check."""
    for family in FAMILIES:
        for check in testing.contract_checks():
            is_short = family in WITH_ALL_CHECKS or (
                check in MODEL_CHECKS and family not in SAME_CLASS
            )
            marks = [] if is_short else [pytest.mark.long]
            if family.startswith(KERAS):
                marks.append(pytest.mark.slow)
            yield pytest.param(family, check, marks=marks, id=f"{family}-{check.__name__}")


def encoded_items():
    """Yield every encoding with every family that supports it."""
    for encoding in ("native", "onehot", "ordinal", "target"):
        for family in TABULAR:
            if encoding != "native" or family.startswith(NATIVE_CATEGORIES):
                is_short = encoding == "native" or family in PROFILES
                marks = [] if is_short else [pytest.mark.long]
                yield pytest.param(encoding, family, marks=marks)


def imbalance_items():
    """Yield every imbalance method with every classifier that supports it."""
    for method, short in IMBALANCE.items():
        for family in CLASSIFIERS:
            if (method, family) != ("class_weight", "KNeighborsClassifier"):
                marks = [] if family in short else [pytest.mark.long]
                yield pytest.param(method, family, marks=marks)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:You are saving a model that:UserWarning")  # by scikeras
@pytest.mark.parametrize(("family", "check"), list(contract_items()))
def test_contract_holds(family, check):
    assert check(case_of(family)) is None


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("check", LEAK_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("encoding", "family"), list(encoded_items()))
def test_encoding_does_not_leak(encoding, family, check):
    case = testing.with_parameters(case_of(family), categorical_encoding=encoding)
    assert check(case) is None


@pytest.mark.filterwarnings("ignore::sktrainer.ClassImbalanceWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    "check",
    [*LEAK_CHECKS, fit_checks.check_same_seed_is_reproducible],
    ids=lambda check: check.__name__,
)
@pytest.mark.parametrize(("method", "family"), list(imbalance_items()))
def test_handling_imbalance_does_not_leak(family, method, check):
    sampler = RandomOverSampler() if method == "sampler" else method
    case = testing.with_parameters(case_of(family), handle_imbalance=sampler)
    assert check(case) is None


@pytest.mark.parametrize(
    "check",
    [
        fit_checks.check_same_seed_is_reproducible,
        fit_checks.check_reproducible_across_processes,
        fit_checks.check_folds_do_not_depend_on_n_jobs,
        isolation_checks.check_global_state_is_restored,
    ],
    ids=lambda check: check.__name__,
)
def test_model_using_the_global_generator_is_reproducible(check):
    assert check(testing.Case(DrawsGlobally(), "regression")) is None
