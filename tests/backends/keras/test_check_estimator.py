"""scikit-learn's estimator checks for trainers of Keras models.

They are separate from those of other families because collecting these estimators imports
TensorFlow. One estimator runs in `make test`. The others, which differ in how the model is made
and not in how it is trained, are `long`.
"""

from __future__ import annotations

import unittest
import warnings

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from sktrainer import ManagedTrainer
from sktrainer.runtime.global_state import preserve_global_state
from tests.keras_networks import (
    build,
    build_from_meta,
    five_probabilities,
    keras_classifier,
    scikeras_classifier,
)

# A repeated row and its copy can be in different sets: one for training, one for validation.
CANNOT_PASS = {
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}
N_PARTS = 3


def managed(estimator, *, task="auto", **nested):
    trainer = ManagedTrainer(estimator, task=task, n_iter_no_change=10, random_state=0)
    return trainer.set_params(**{f"estimator__{name}": v for name, v in nested.items()})


TRAINERS = {
    "function": lambda: managed(build, task="classification", epochs=30, learning_rate=0.05),
    "function of meta": lambda: managed(build_from_meta, task="regression", epochs=60),
    "model": lambda: managed(five_probabilities(), task="classification"),
    "scikeras": lambda: managed(scikeras_classifier(epochs=60)),
    "keras.wrappers": lambda: managed(keras_classifier(fit_kwargs={"epochs": 60})),
}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("part", range(N_PARTS))
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name == "function" else pytest.mark.long)
        for name in TRAINERS
    ],
)
def test_scikit_learn_checks_pass(name, part):
    failed = {}
    with preserve_global_state(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = TRAINERS[name]()
        checks = [
            (estimator, check)
            for estimator, check in estimator_checks_generator(trainer, legacy=True)
            if check.func.__name__ not in CANNOT_PASS
        ][part::N_PARTS]
        for estimator, check in checks:
            try:
                check(estimator)
            except unittest.SkipTest:
                continue
            except Exception as error:
                failed[check.func.__name__] = f"{type(error).__name__}: {error}"

    assert len(checks) > 10
    assert failed == {}
