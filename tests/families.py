"""Models for the contract checks: one per family and kind of iteration.

A profile is a set of capabilities that decide what sktrainer does before the model sees the
data. In `make test`, checks of these stages run for one family per profile, and all contract
checks for one family per backend and profile. In `make test-long`, they run for all families.
With the present families the profiles are:

- boosting libraries: native categories and missing values, rounds with early stopping
- GradientBoosting: complete and encoded tables, rounds
- forests and bagging: missing values but encoded categories, members that are added
- MLP and SGD: scaled tables, epochs
- linear models and SVC: scaled tables, a single fit
- nearest neighbors: the same without sample weights
- decision tree: missing values, a single fit
- naive Bayes and dummy: complete and encoded tables, a single fit
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import Any

from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier, SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from skorch import NeuralNetClassifier, NeuralNetRegressor
from xgboost import XGBClassifier, XGBRegressor

from sktrainer.backends.estimators import unwrap_pipeline
from sktrainer.backends.registry import find_backend
from sktrainer.runtime.global_state import preserve_global_state
from sktrainer.testing import Case, with_parameters
from sktrainer.types import Task
from tests.keras_networks import (
    build,
    build_from_meta,
    five_probabilities,
    keras_classifier,
    scikeras_classifier,
)
from tests.networks import ProbabilityNet, SmallNet, five_logits

# Use row and column sampling where a library supports it, so that seeds have an effect.
FAMILIES: dict[str, Callable[[], Case]] = {
    "LGBMClassifier": lambda: _classifier(
        LGBMClassifier(n_estimators=30, subsample=0.8, subsample_freq=1, colsample_bytree=0.8)
    ),
    "LGBMRegressor": lambda: _regressor(LGBMRegressor(n_estimators=30)),
    "XGBClassifier": lambda: _classifier(
        XGBClassifier(n_estimators=30, subsample=0.8, colsample_bytree=0.8)
    ),
    "XGBRegressor": lambda: _regressor(XGBRegressor(n_estimators=30)),
    "CatBoostClassifier": lambda: _classifier(CatBoostClassifier(iterations=20, depth=4)),
    "CatBoostRegressor": lambda: _regressor(CatBoostRegressor(iterations=20, depth=4)),
    "HistGradientBoostingClassifier": lambda: _classifier(
        HistGradientBoostingClassifier(max_iter=30)
    ),
    "HistGradientBoostingRegressor": lambda: _regressor(
        HistGradientBoostingRegressor(max_iter=30)
    ),
    "GradientBoostingClassifier": lambda: _classifier(
        GradientBoostingClassifier(n_estimators=30, subsample=0.8)
    ),
    "RandomForestClassifier": lambda: _classifier(
        RandomForestClassifier(n_estimators=20), early_stopping=True
    ),
    "ExtraTreesRegressor": lambda: _regressor(ExtraTreesRegressor(n_estimators=20)),
    "BaggingClassifier": lambda: _classifier(
        BaggingClassifier(n_estimators=20), early_stopping=True
    ),
    "MLPClassifier": lambda: _classifier(MLPClassifier((8,), max_iter=15)),
    "MLPRegressor": lambda: _regressor(MLPRegressor(hidden_layer_sizes=(8,), max_iter=15)),
    "SGDClassifier": lambda: _classifier(
        SGDClassifier(loss="log_loss", max_iter=20), early_stopping=True
    ),
    "SGDRegressor": lambda: _regressor(SGDRegressor(average=True)),
    "LogisticRegression": lambda: _classifier(LogisticRegression()),
    "Ridge": lambda: _regressor(Ridge()),
    "SVC": lambda: _classifier(SVC()),
    "KNeighborsClassifier": lambda: _classifier(KNeighborsClassifier()),
    "DecisionTreeClassifier": lambda: _classifier(DecisionTreeClassifier(max_features=0.5)),
    "GaussianNB": lambda: _classifier(GaussianNB()),
    "NeuralNetClassifier": lambda: _classifier(
        NeuralNetClassifier(ProbabilityNet, lr=0.1, iterator_train__shuffle=True)
    ),
    "NeuralNetRegressor": lambda: _regressor(
        NeuralNetRegressor(SmallNet, lr=0.01, batch_size=32)
    ),
    "ModuleClass": lambda: _classifier(SmallNet),
    "ModuleOfNumbers": lambda: _regressor(SmallNet, estimator__max_epochs=8),
    "ModuleInstance": lambda: _classifier(five_logits()),
    "KerasFunction": lambda: _classifier(build, estimator__epochs=8),
    "KerasFunctionOfNumbers": lambda: _regressor(build, estimator__epochs=8),
    "KerasFunctionOfMeta": lambda: _regressor(build_from_meta, n_iter_no_change=1),
    "KerasModel": lambda: _classifier(_made(five_probabilities), n_iter_no_change=1),
    "KerasClassifier": lambda: _classifier(scikeras_classifier(epochs=8)),
    "SKLearnClassifier": lambda: _classifier(keras_classifier(fit_kwargs={"epochs": 8})),
    "DummyClassifier": lambda: _classifier(DummyClassifier()),
}


def _made(build: Callable[[], Any]) -> Any:
    with (
        preserve_global_state()
    ):  # Keras layers draw their seeds from Python's global generator
        return build()


def _classifier(estimator: Any, **parameters: Any) -> Case:
    return _case(estimator, "classification", parameters)


def _regressor(estimator: Any, **parameters: Any) -> Case:
    return _case(estimator, "regression", parameters)


def _case(estimator: Any, task: Task, parameters: dict[str, Any]) -> Case:
    """Return a case; boosting models hold out rows, which is quicker than inner folds."""
    model = unwrap_pipeline(estimator).model
    if find_backend(model).capabilities(model, task).inner_folds_by_default:
        parameters = {"validation_size": 0.1, **parameters}
    return Case(estimator, task, parameters)


@cache
def case_of(family: str) -> Case:
    """Return the case of a family. Checks that only read its fitted trainer share it."""
    case = FAMILIES[family]()
    if family == "KerasFunction":
        # TensorFlow traces and compiles a smaller last batch separately: 249 rows leave 224
        # training rows, seven batches. The other Keras families have a smaller last batch.
        return replace(case, n_samples=249)
    # Their defaults train for up to 200 epochs, which takes half the time of all checks.
    is_long = family in ("ModuleClass", "ModuleInstance")
    return with_parameters(case, estimator__max_epochs=20) if is_long else case


def profile(family: str) -> tuple[object, ...]:
    """Return the task and the capabilities that decide how table and target are prepared."""
    case = case_of(family)
    model = unwrap_pipeline(case.estimator).model
    found = find_backend(model).capabilities(model, case.task)
    return (
        case.task,
        found.native_missing,
        found.native_categorical,
        found.scale_sensitive,
        found.accepts_sample_weight,
        found.max_iter is not None,
    )


def one_per_profile(families: Iterable[str]) -> set[str]:
    """Return the first family of each profile."""
    return set({profile(family): family for family in reversed(list(families))}.values())


def one_per_backend_and_profile(families: Iterable[str]) -> set[str]:
    """Return the first family of each backend and profile, for either task."""

    def key(family: str) -> tuple[object, ...]:
        return find_backend(case_of(family).estimator).spec.name, *profile(family)[1:]

    return set({key(family): family for family in reversed(list(families))}.values())
