"""Number of rounds chosen by inner folds (``validation_size="cv"``)."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ShuffleSplit
from xgboost import XGBClassifier

from sktrainer import DivergenceWarning, ManagedTrainer, ParameterError, train_with_cv
from sktrainer.backends.base import Capabilities
from sktrainer.backends.registry import find_backend
from sktrainer.callbacks.early_stopping import EvalMetric
from sktrainer.testing import bit_identical, mixed_table, with_parameters
from sktrainer.testing.callback_checks import (
    check_callbacks_observe_and_stop,
    check_callbacks_of_folds,
)
from sktrainer.testing.fit_checks import (
    check_folds_do_not_depend_on_n_jobs,
    check_reproducible_across_processes,
)
from sktrainer.testing.resume_checks import check_resume_is_bit_identical
from sktrainer.training.diagnostics import Diagnosis
from sktrainer.training.plan import ModelPlan
from sktrainer.training.round_choice import choose_from_folds
from sktrainer.types import MetricValue, ModelFit
from tests.families import case_of

X, Y = mixed_table(240, "classification")
NUMBERS, TARGET = mixed_table(240, "regression")


def chosen(*curves, n_rows=None, diagnoses=None, metric="loss", greater=False, **options):
    """Pool validation curves, each a list of one value per round."""
    fits = [
        ModelFit(
            None,
            "early_stopping",
            len(curve),
            evaluations=[
                MetricValue(i, "validation", metric, value, i / 10)
                for i, value in enumerate(curve, start=1)
            ],
            watched=(metric, greater),
        )
        for curve in curves
    ]
    model = LGBMClassifier()
    plan = ModelPlan(
        "model",
        model,
        find_backend(model),
        Capabilities(max_iter=options.pop("max_iter", 100)),
        EvalMetric(),
        n_iter_no_change=options.pop("patience", 2),
        **options,
    )
    diagnoses = diagnoses or [Diagnosis()] * len(curves)
    return choose_from_folds(plan, fits, diagnoses, n_rows or [1] * len(curves))


class TestPooling:
    def test_best_round_is_that_of_the_mean_curve(self):
        fit = chosen([5, 4, 3, 4, 5], [5, 3, 2, 1, 2, 3]).fit
        values = [entry.value for entry in fit.evaluations]
        assert values == [5, 3.5, 2.5, 2.5, 3.5]
        assert (fit.best_iteration, fit.n_iter, fit.stop_reason) == (3, 5, "early_stopping")

    def test_stopped_fold_keeps_its_last_value(self):
        fit = chosen([3, 1, 2], [9, 8, 7, 6, 5, 6, 7], patience=5).fit
        values = [entry.value for entry in fit.evaluations]
        assert values[:7] == [6, 4.5, 4.5, 4, 3.5, 4, 4.5]
        assert (fit.best_iteration, fit.n_iter) == (5, 10)

    def test_folds_are_weighted_by_their_rows(self):
        fit = chosen([0, 4, 4, 4], [4, 0, 4, 4], n_rows=[1, 3]).fit
        assert [entry.value for entry in fit.evaluations][:2] == [3, 1]
        assert fit.best_iteration == 2

    def test_greater_metric_is_maximized_and_nan_folds_are_ignored(self):
        fit = chosen(
            [0.5, 0.7, 0.6, 0.6], [math.nan] * 2, metric="auc", greater=True, patience=2
        ).fit
        assert (fit.best_iteration, fit.n_iter) == (2, 4)
        assert fit.evaluations[1].value == 0.7

    def test_all_rounds_are_run_without_early_stopping(self):
        fit = chosen([3, 2, 1], [3, 2, 1], max_iter=3).fit
        assert (fit.best_iteration, fit.n_iter, fit.stop_reason) == (3, 3, "max_iter")

    def test_tolerance_applies_to_the_mean_curve(self):
        fit = chosen([5, 4, 3.95, 3.9], [5, 4, 3.95, 3.9], tol=0.5, patience=2).fit
        assert (fit.best_iteration, fit.n_iter) == (2, 4)

    def test_problem_of_most_folds_is_reported_with_the_mean_loss(self):
        bad = Diagnosis("the loss grew", True, 3.0)
        fine = Diagnosis(loss=1.0)
        most = chosen([1], [1], [1], diagnoses=[bad, bad, fine]).diagnosis
        assert most.problem == "in 2 of 3 inner folds, for example the loss grew"
        assert most.diverged
        assert most.loss == pytest.approx(7 / 3)
        few = chosen([1], [1], [1], diagnoses=[bad, fine, fine]).diagnosis
        assert (few.problem, few.loss) == ("", pytest.approx(5 / 3))


@pytest.mark.parametrize(
    ("model", "parameter", "task"),
    [
        (LGBMClassifier(n_estimators=400, verbose=-1), "n_estimators", "classification"),
        (XGBClassifier(n_estimators=400, eta=0.2), "n_estimators", "classification"),
        (CatBoostRegressor(iterations=60, verbose=0), "iterations", "regression"),
        (HistGradientBoostingClassifier(max_iter=400), "max_iter", "classification"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_model_is_fitted_on_all_training_rows_for_the_chosen_rounds(model, parameter, task):
    table, y = (X, Y) if task == "classification" else (NUMBERS, TARGET)
    options = {"random_state": 0, "test_size": 0.2}
    trainer = ManagedTrainer(model, validation_size="cv", n_iter_no_change=10, **options)
    trainer.fit(table, y)
    assert len(trainer.split_.train) == 192
    rounds = {f"estimator__{parameter}": trainer.best_iteration_}
    plain = ManagedTrainer(model, early_stopping=False, **options).set_params(**rounds)
    plain.fit(table, y)
    method = "predict" if task == "regression" else "predict_proba"
    assert bit_identical(getattr(trainer, method)(table), getattr(plain, method)(table))


def test_report_states_how_the_rounds_were_chosen(capsys):
    model = LGBMClassifier(n_estimators=400, verbose=-1)
    trainer = ManagedTrainer(
        model, validation_size="cv", n_iter_no_change=10, random_state=0, verbose=1
    ).fit(X, Y)
    report = " ".join(trainer.report_.full().split())
    best = trainer.best_iteration_
    assert "patience 10 on loss (5 inner folds of training rows)" in report
    assert f"fitted on all training rows for {best} rounds, chosen by inner folds" in report
    assert f"in 5 inner folds, fitted for {best}" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["group", "time", "splitter"])
def test_inner_folds_work_with_each_kind_of_split(kind):
    given = {
        "group": {"split": "group"},
        "time": {"time_column": "day", "gap": "1D"},
        "splitter": {"split": ShuffleSplit(3)},
    }[kind]
    groups = np.arange(240) // 6 if kind == "group" else None
    model = LGBMRegressor(n_estimators=30, verbose=-1)
    trainer = ManagedTrainer(model, validation_size="cv", random_state=0, **given)
    trainer.fit(NUMBERS, TARGET, groups=groups)
    assert trainer.split_.kind == kind
    assert trainer.report_.fitting["n_inner_folds"] == 5


def test_folds_of_a_cross_validation_choose_their_own_rounds():
    result = train_with_cv(
        LGBMClassifier(n_estimators=400, verbose=-1),
        X,
        Y,
        cv=3,
        validation_size="cv",
        n_iter_no_change=10,
        save_path=None,
        verbose=0,
    )
    folds = result.report.folds
    assert list(folds["train_rows"]) == [160, 160, 160]
    median = round(float(np.median(folds["best_iteration"])))
    assert result.report.fitting["refit_rounds"] == median
    assert result.report.fitting["validation"] == "5 inner folds of each fold's training rows"


def test_folds_that_lack_a_class_are_left_out():
    y = pd.Series(np.where(np.arange(240) < 100, "early", "late"))
    y[5] = "late"
    model = LGBMClassifier(n_estimators=20, verbose=-1)
    trainer = ManagedTrainer(model, validation_size="cv", split="time", random_state=0)
    assert trainer.fit(X, y).report_.fitting["n_inner_folds"] == 5
    y[5] = "early"
    assert trainer.fit(X, y).report_.fitting["n_inner_folds"] == 3


def test_retries_choose_rounds_with_their_own_seed():
    rng = np.random.default_rng(0)
    noise, y = rng.normal(size=(120, 3)), rng.integers(0, 2, 120)
    model = XGBClassifier(n_estimators=50, subsample=0.5, learning_rate=10.0)
    trainer = ManagedTrainer(model, validation_size="cv", n_retries=2, random_state=0)
    with pytest.warns(DivergenceWarning, match="inner folds, for example log loss"):
        trainer.fit(noise, y)
    attempts = trainer.report_.attempts
    assert len(attempts) > 1
    assert attempts["validation_loss"].notna().all()
    assert attempts["seed"].is_unique


@pytest.mark.parametrize(
    ("model", "parameters", "message"),
    [
        (LogisticRegression(), {}, "LogisticRegression .* is not an iterative estimator"),
        (LGBMClassifier(), {"early_stopping": False}, "but early_stopping=False"),
    ],
)
def test_models_without_early_stopping_are_refused(model, parameters, message):
    with pytest.raises(ParameterError, match=f"validation_size='cv' chooses.*{message}"):
        ManagedTrainer(model, validation_size="cv", **parameters).fit(X, Y)


def test_user_validation_rows_are_refused():
    with pytest.raises(ParameterError, match="X_val and y_val would not be used"):
        ManagedTrainer(LGBMClassifier(), validation_size="cv").fit(X, Y, X_val=X, y_val=Y)


@pytest.mark.parametrize(
    "family",
    ["LGBMClassifier", "XGBRegressor", "CatBoostClassifier", "HistGradientBoostingClassifier"],
)
def test_killed_fit_resumes_to_the_same_model(family):
    case = with_parameters(case_of(family), validation_size="cv")
    assert check_resume_is_bit_identical(case) is None


@pytest.mark.parametrize(
    "check",
    [
        check_resume_is_bit_identical,
        check_folds_do_not_depend_on_n_jobs,
        pytest.param(check_reproducible_across_processes, marks=pytest.mark.slow),
    ],
)
def test_folds_with_inner_folds_are_reproducible(check):
    case = with_parameters(case_of("LGBMRegressor"), validation_size="cv", cv=2, n_retries=1)
    assert check(case) is None


@pytest.mark.parametrize("check", [check_callbacks_observe_and_stop, check_callbacks_of_folds])
@pytest.mark.parametrize("family", ["LGBMClassifier", "HistGradientBoostingRegressor"])
def test_callbacks_receive_the_pooled_iterations(check, family):
    check(with_parameters(case_of(family), validation_size="cv"))
