"""Choice of the validation rows, from the parameters and the size of the table."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPClassifier
from xgboost import XGBClassifier

from sktrainer import ManagedTrainer, train_model, train_with_cv
from sktrainer.data.inputs import FitInputs
from sktrainer.testing import mixed_table
from sktrainer.training.parameters import TrainerParams
from sktrainer.training.plan import FitPlan
from sktrainer.training.plan_builder import make_plan
from sktrainer.training.split_parameters import SMALL_TABLE_ROWS
from sktrainer.training.validation import validate

X, Y = mixed_table(2_500, "classification")
DAYS = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(2_500), "D"))


def plan_of(model: object, n_rows: int = 200, **parameters: object) -> FitPlan:
    groups = parameters.pop("groups", None)
    table = X.assign(when=DAYS)[:n_rows]
    params = TrainerParams(model, random_state=0, **parameters)
    return make_plan(params, validate(params, FitInputs(table, Y[:n_rows], groups=groups)))


@pytest.mark.parametrize(
    "model",
    [
        LGBMClassifier(),
        XGBClassifier(),
        CatBoostClassifier(),
        HistGradientBoostingClassifier(),
        GradientBoostingClassifier(),
    ],
    ids=lambda model: type(model).__name__,
)
def test_boosting_uses_inner_folds_on_small_tables(model):
    plan = plan_of(model)
    assert (plan.inner_folds, plan.split.validation_size) == (5, None)
    large = plan_of(model, SMALL_TABLE_ROWS)
    assert (large.inner_folds, large.split.validation_size) == (0, 0.1)


@pytest.mark.parametrize(
    ("model", "parameters", "size"),
    [
        (MLPClassifier(), {}, 0.1),
        (LogisticRegression(), {}, None),
        (RandomForestClassifier(), {}, None),
        (RandomForestClassifier(), {"early_stopping": True}, 0.1),
        (LGBMClassifier(boosting_type="dart"), {}, None),
        (XGBClassifier(booster="gblinear"), {}, None),
        (LGBMClassifier(), {"early_stopping": True}, 0.1),
        (LGBMClassifier(), {"early_stopping": False}, None),
        (LGBMClassifier(), {"validation_size": 0.2}, 0.2),
        (LGBMClassifier(), {"validation_size": 30}, 30),
        (LGBMClassifier(), {"validation_size": None}, None),
    ],
)
def test_other_models_and_explicit_sizes_hold_out_rows(model, parameters, size):
    plan = plan_of(model, **parameters)
    assert (plan.inner_folds, plan.split.validation_size) == (0, size)
    assert plan.validation_reason == ""


def test_test_rows_do_not_count_as_training_rows():
    n_rows = SMALL_TABLE_ROWS * 5 // 4
    assert plan_of(LGBMClassifier(), n_rows).inner_folds == 0
    assert plan_of(LGBMClassifier(), n_rows, test_size=0.2).inner_folds == 0
    assert plan_of(LGBMClassifier(), n_rows - 2, test_size=0.2).inner_folds == 5


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"refit": True}, "refit=True trains on the held-out rows"),
        ({"split": KFold(3)}, "KFold may be unable to split the training rows again"),
        ({"time_column": "when", "gap": 7}, "gap=7 leaves too few rows"),
        ({"time_column": "when", "gap": dt.timedelta(days=7)}, "leaves too few rows"),
        ({"groups": np.arange(200) % 9}, "there are only 9 groups"),
    ],
)
def test_rows_are_held_out_where_inner_folds_are_not_possible(parameters, reason):
    plan = plan_of(LGBMClassifier(), **parameters)
    assert (plan.inner_folds, plan.split.validation_size) == (0, 0.1)
    assert plan.validation_reason.startswith("; no inner folds for this small table, because ")
    assert reason in plan.validation_reason


def test_report_states_why_inner_folds_are_used_or_not():
    model = LGBMClassifier(n_estimators=20, verbose=-1)
    trainer = ManagedTrainer(model, random_state=0).fit(X[:300], Y[:300])
    assert trainer.report_.fitting["validation"] == (
        "5 inner folds of training rows, because there are fewer than 1,500"
    )
    trainer = ManagedTrainer(model, random_state=0, refit=True).fit(X[:300], Y[:300])
    assert trainer.report_.fitting["validation"] == (
        "30 held-out rows; no inner folds for this small table, because refit=True trains on "
        "the held-out rows too"
    )


@pytest.mark.parametrize("kind", ["groups", "time_column"])
def test_inner_folds_are_of_the_kind_of_the_split(kind):
    model = LGBMClassifier(n_estimators=20, verbose=-1)
    table = X.assign(when=DAYS)[:300]
    column = "when" if kind == "time_column" else None
    groups = np.arange(300) % 30 if kind == "groups" else None
    trainer = ManagedTrainer(model, time_column=column, test_size=0.2, random_state=0)
    trainer.fit(table, Y[:300], groups=groups)
    assert trainer.report_.fitting["n_inner_folds"] == 5
    assert len(trainer.split_.train) + len(trainer.split_.test) == 300


def test_functions_use_the_same_default():
    model = LGBMClassifier(n_estimators=20, verbose=-1)
    options = {"save_path": None, "verbose": 0, "handle_imbalance": None}
    result = train_model(model, X[:300], Y[:300], **options)
    assert result.report.fitting["n_inner_folds"] == 5
    assert list(result.scores.index) == ["train", "test"]
    result = train_with_cv(model, X[:300], Y[:300], cv=3, **options)
    assert "n_inner_folds" not in result.report.fitting
