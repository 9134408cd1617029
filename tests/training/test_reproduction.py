from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier

from sktrainer import ManagedTrainer
from sktrainer.backends.estimators import unwrap_pipeline
from sktrainer.data.inputs import FitInputs
from sktrainer.training.parameters import TrainerParams
from sktrainer.training.reproduction import changed_parameters, reproduction_code

RNG = np.random.default_rng(0)
X = RNG.normal(size=(240, 3))
Y = (X[:, 0] + RNG.normal(size=240) > 0).astype(int)


@pytest.mark.parametrize(
    ("estimator", "params"),
    [
        (LGBMClassifier(n_estimators=20, verbose=-1), {"test_size": 0.25}),
        (XGBClassifier(n_estimators=5, max_depth=2), {"validation_size": 60}),
        (
            HistGradientBoostingClassifier(max_iter=5),
            {"random_state": np.random.RandomState(3)},
        ),
        (make_pipeline(StandardScaler(), LogisticRegression(C=0.5)), {"cv": 3}),
        (
            VotingClassifier([("a", LogisticRegression(C=np.float64(0.1)))]),
            {
                "cv": StratifiedKFold(3, shuffle=True, random_state=1),
                "scoring": {"f1": make_scorer(f1_score, pos_label=0), "acc": "accuracy"},
            },
        ),
    ],
)
def test_code_repeats_the_fit(estimator, params):
    groups = np.arange(240) % 4
    given = groups if isinstance(params.get("cv"), LeaveOneGroupOut) else None
    trainer = ManagedTrainer(estimator, audit=False, **params).fit(X, Y, groups=given)
    scope = {"X": X, "y": Y, "groups": groups}
    exec(trainer.report_.code, scope)
    again = scope["trainer"]
    method = "predict_proba" if hasattr(trainer, "predict_proba") else "predict"
    np.testing.assert_array_equal(getattr(again, method)(X), getattr(trainer, method)(X))
    assert again.report_.seeds == trainer.report_.seeds
    assert again.report_.changed_parameters[-1] == trainer.report_.changed_parameters[-1]


def test_values_that_are_no_code_are_variables_with_a_comment():
    class Own(Ridge):
        pass

    params = TrainerParams(Own(alpha=2.0), cv=[(np.arange(3), np.arange(3, 6))] * 3)
    code = reproduction_code(params, FitInputs(X, Y, sample_weight="w", X_val=X), 1)
    assert "    Own(alpha=2.0),\n    cv=[(cv, cv), (cv, cv), (cv, cv)],\n" in code
    assert "# Own is defined in the script that trained the model\n" in code
    assert "# cv: ndarray of shape (3,), as in the script that trained the model\n" in code
    assert code.endswith('trainer.fit(X, y, sample_weight="w", X_val=X_val)')


def test_functions_and_containers_are_written_as_code():
    params = TrainerParams(
        Ridge(alpha=float("inf")),
        scoring={"a": partial(f1_score, average="macro")},
        audit={"ignore": ("SKT101",)},
        n_retries=np.int64(2),
    )
    code = reproduction_code(params, FitInputs(X, "it's"), 1)
    assert 'Ridge(alpha=float("inf"))' in code
    assert 'scoring={"a": partial(f1_score, average="macro")}' in code
    assert "from sklearn.metrics import f1_score\n" in code
    assert 'audit={"ignore": ("SKT101",)}' in code
    assert "n_retries=2" in code
    assert """trainer.fit(X, y="it's")""" in code


def test_changed_parameters_are_those_that_differ_from_their_defaults():
    model = make_pipeline(
        StandardScaler(), VotingClassifier([("a", LogisticRegression(C=2.0))], voting="soft")
    )
    params = TrainerParams(model, tol=0.0, cv=4, random_state=0)
    names = changed_parameters(params, unwrap_pipeline(model))
    step = "estimator__votingclassifier"
    assert set(names) == {
        "cv",
        "random_state",
        "estimator__standardscaler",
        f"{step}__estimators",
        f"{step}__voting",
        f"{step}__a",
        f"{step}__a__C",
    }


def test_changed_parameters_include_those_of_keyword_arguments():
    model = XGBClassifier(max_depth=3, my_own=1)
    names = changed_parameters(TrainerParams(model), unwrap_pipeline(model))
    assert set(names) == {"estimator__max_depth", "estimator__my_own"}
