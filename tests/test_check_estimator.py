"""scikit-learn's estimator checks for the trainer with models of every library.

The checks test the trainer, so one model per profile runs in `make test`: each backend (a torch
Module stands for skorch nets, which are trained in the same way) and each strategy of the
scikit-learn backend, with both tasks where they differ. The other models are `long`.
"""

from __future__ import annotations

import re

import pytest
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import estimator_checks_generator
from skorch import NeuralNetClassifier, NeuralNetRegressor
from xgboost import XGBClassifier, XGBRegressor

from sktrainer import ManagedTrainer
from tests.networks import ProbabilityNet, SmallNet, five_logits

WEIGHT_CHECKS = (
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
)
HELD_OUT = (
    "copies of a repeated row can be in different sets (training and validation, or folds)"
)
# Inner folds choose all of their rounds, and then all rows are training rows.
RUN_ALL_ROUNDS = (XGBRegressor, GradientBoostingClassifier)
OWN = "the default gamma depends on the variance of X, which ignores weights"
UNWEIGHTED = "the user-defined scaler receives no sample weights"
DRAWN = "the model samples rows by position, so a repeated row counts as two rows"

# train_split=None keeps the names of the tests short.
STOPPING = [
    LGBMClassifier(n_estimators=10),
    XGBRegressor(n_estimators=10),
    CatBoostClassifier(iterations=10, depth=3),
    HistGradientBoostingRegressor(max_iter=10),
    MLPClassifier(max_iter=30),
]
MORE_STOPPING = [
    LGBMRegressor(n_estimators=10),
    XGBClassifier(n_estimators=10),
    CatBoostRegressor(iterations=10, depth=3),
    HistGradientBoostingClassifier(max_iter=10),
    GradientBoostingClassifier(n_estimators=10),
    NeuralNetClassifier(ProbabilityNet, lr=0.5, max_epochs=60, batch_size=32, train_split=None),
    NeuralNetRegressor(SmallNet, lr=0.05, max_epochs=40, batch_size=32, train_split=None),
]
NETWORKS = [
    ManagedTrainer(SmallNet, task="regression", n_iter_no_change=5, random_state=0),
]
MORE_NETWORKS = [
    ManagedTrainer(SmallNet, task="classification", n_iter_no_change=5, random_state=0),
    ManagedTrainer(
        five_logits(),
        task="classification",
        eval_metric="accuracy",  # best after a few epochs; the loss improves for hundreds
        n_iter_no_change=20,
        random_state=0,
    ),
]
PLAIN = [Ridge(), SVC()]
MORE_PLAIN = [LogisticRegression(), GaussianNB()]
DRAWING = [RandomForestClassifier(n_estimators=10)]
MORE_DRAWING = [RandomForestRegressor(n_estimators=10), SGDClassifier()]
CONFIGURED = [
    ManagedTrainer(make_pipeline(StandardScaler(), LogisticRegression()), random_state=0),
    ManagedTrainer(LogisticRegression(), preprocessor=None, random_state=0),
    ManagedTrainer(DecisionTreeClassifier(), test_size=0.2, random_state=0),
    ManagedTrainer(LogisticRegression(), cv=2, scoring="accuracy", random_state=0),
]


def trainers(*models):
    """Return one trainer per model."""
    return [ManagedTrainer(model, random_state=0) for model in models]


TRAINERS = [*trainers(*STOPPING, *DRAWING, *PLAIN), *CONFIGURED, *NETWORKS]
MORE_TRAINERS = [*trainers(*MORE_STOPPING, *MORE_DRAWING, *MORE_PLAIN), *MORE_NETWORKS]


def expected_failures(trainer):
    """Return the checks that are expected to fail for this trainer, with the reasons."""
    model = trainer.estimator
    networks = (trainer.estimator for trainer in (*NETWORKS, *MORE_NETWORKS))
    stops = (*STOPPING, *MORE_STOPPING, *networks)
    if isinstance(model, RUN_ALL_ROUNDS):
        return {}
    if any(type(model) is type(other) for other in stops):
        return dict.fromkeys(WEIGHT_CHECKS, HELD_OUT)
    if any(type(model) is type(other) for other in (*DRAWING, *MORE_DRAWING)):
        return dict.fromkeys(WEIGHT_CHECKS, DRAWN)
    if isinstance(model, Pipeline):
        return {WEIGHT_CHECKS[0]: UNWEIGHTED}
    return dict.fromkeys(WEIGHT_CHECKS, OWN) if isinstance(model, SVC) else {}


def checks_of(trainers):
    """Return a decorator that runs a test with all checks of all trainers."""
    items = [
        item
        for trainer in trainers
        for item in estimator_checks_generator(
            trainer,
            legacy=True,
            expected_failed_checks=expected_failures(trainer),
            mark="xfail",
        )
    ]
    return pytest.mark.parametrize(("estimator", "check"), items, ids=item_id)


def item_id(value):
    """Return a name without memory addresses, which differ between the test processes."""
    if isinstance(value, ManagedTrainer):
        return re.sub(r" at 0x\w+|\s", "", str(value))
    return value.func.__name__


@pytest.mark.filterwarnings("ignore")
@checks_of(TRAINERS)
def test_scikit_learn_checks_pass(estimator, check):
    assert check(estimator) is None


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
@checks_of(MORE_TRAINERS)
def test_scikit_learn_checks_pass_for_more_models(estimator, check):
    assert check(estimator) is None
