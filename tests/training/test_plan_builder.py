"""Every decision of a fit is made once, from valid parameters."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from lightgbm import LGBMClassifier
from scipy import sparse
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktrainer import InputError, ManagedTrainer
from sktrainer.data.inputs import FitInputs
from sktrainer.training.parameters import TrainerParams
from sktrainer.training.plan_builder import make_plan
from sktrainer.training.validation import validate

RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=60), "b": RNG.choice(["u", "v"], 60)})
Y = np.tile([0, 1, 1], 20)


def plan_of(estimator, inputs=None, **parameters):
    params = TrainerParams(estimator, random_state=0, **parameters)
    return make_plan(params, validate(params, inputs or FitInputs(X, Y)))


@pytest.mark.parametrize(
    ("parameters", "size", "stops", "note"),
    [
        ({}, 60, True, ""),
        ({"early_stopping": False}, 60, False, ""),
        ({"validation_size": None}, 60, False, "validation_size=None"),
        ({}, 15, False, "needs at least 20 rows, got 15"),
        ({"validation_size": 5}, 15, True, ""),
    ],
)
def test_early_stopping_needs_validation_rows(parameters, size, stops, note):
    plan = plan_of(LGBMClassifier(), FitInputs(X[:size], Y[:size]), **parameters)
    assert plan.stops_early == stops
    assert note in "".join(plan.notes)
    assert bool(plan.notes) == bool(note)


@pytest.mark.parametrize(
    ("parameters", "encoding", "impute"),
    [
        ({}, "native+target", False),
        ({"categorical_encoding": "onehot"}, "onehot", False),
        ({"handle_imbalance": "smote"}, "native+target", False),
        ({"handle_imbalance": SMOTE()}, "onehot+target", True),
    ],
)
def test_encoder_suits_model_and_sampler(parameters, encoding, impute):
    ((_, encoder),) = plan_of(LGBMClassifier(), **parameters).steps.steps
    assert (encoder.encoding, encoder.impute) == (encoding, impute)


def test_own_transformer_replaces_the_encoder():
    model = make_pipeline(StandardScaler(), LogisticRegression())
    plan = plan_of(model, FitInputs(X[["a"]], Y))
    assert [name for name, _ in plan.steps.steps] == ["standardscaler"]


def test_final_fit_after_folds_runs_for_their_best_iteration():
    plan = plan_of(LGBMClassifier(), cv=3, refit=True)
    final = plan.for_final_fit(17)
    assert (final.stops_early, final.model.n_iter) == (False, 17)
    assert plan.first_split.validation_size is None
    assert plan.split.validation_size == 0.1


def test_final_fit_without_refit_is_the_planned_fit():
    plan = plan_of(LGBMClassifier(), cv=3)
    assert plan.for_final_fit(17) is plan
    assert plan.first_split is plan.split


def test_plan_of_a_fold_can_be_sent_to_another_process():
    pairs = (pair for pair in [(np.arange(30), np.arange(30, 60))])
    plan = plan_of(LGBMClassifier(), cv=pairs)
    assert pickle.loads(pickle.dumps(replace(plan, folds=None))).seed == 0


def test_folds_run_in_threads_only_without_user_defined_steps():
    assert plan_of(LGBMClassifier(), cv=3).folds.joblib_backend == "threading"
    pipeline = make_pipeline(StandardScaler(), LGBMClassifier())
    own = plan_of(pipeline, FitInputs(X[["a"]], Y), cv=KFold(3))
    assert own.folds.joblib_backend == "loky"


def test_plan_of_a_chunk_ignores_parameters_of_fit_but_reports_them():
    inputs = FitInputs(X, Y, chunk=True)
    plan = plan_of(SGDClassifier(), inputs, split="group", test_size=0.2, cv=3)
    assert (plan.split.kind, plan.split.test_size, plan.folds) == ("stratified", None, None)
    assert (plan.parameters["split"], plan.parameters["cv"]) == ("'group'", "3")


def test_linear_models_keep_the_digits_of_a_large_target():
    X = pd.DataFrame({"a": np.linspace(-3, 3, 200), "c": ["x", "y"] * 100})
    y = 1e8 + 3 * X["a"]
    numbers = X[["a"]].astype("float32")
    for table in (X, numbers, numbers.to_numpy(), sparse.csr_matrix(numbers)):
        for scaling in (True, False):
            trainer = ManagedTrainer(LinearRegression(), scaling=scaling, audit=False)
            predicted = trainer.fit(table, y).predict(table)
            assert predicted.dtype == np.float64
            np.testing.assert_allclose(predicted, y, rtol=0, atol=1e-5)


def test_several_targets_use_one_hot_instead_of_target_encoding():
    rng = np.random.default_rng(0)
    shop = rng.integers(0, 60, 300)
    X = pd.DataFrame({"a": rng.normal(size=300), "shop": [f"s{number}" for number in shop]})
    Y = np.column_stack([X["a"], shop % 7])
    trainer = ManagedTrainer(Ridge(alpha=0.01)).fit(X, Y)
    assert trainer.pipeline_[0].decisions_[1].treatment == "one-hot"
    np.testing.assert_allclose(trainer.predict(X), Y, atol=0.05)
    with pytest.raises(InputError, match="'shop' needs one target column, got y with 2"):
        ManagedTrainer(Ridge(), categorical_encoding="target").fit(X, Y)
