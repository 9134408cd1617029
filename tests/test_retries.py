"""A fit that went wrong is warned of, and tried again with another seed where that is asked."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPClassifier

from sktrainer import DataWarning, DivergenceWarning, ManagedTrainer, ParameterError
from sktrainer.running.divergence import class_skill, judge, number_skill
from sktrainer.running.seeding import derive_seed
from sktrainer.testing import Case, check_test_rows_serve_to_score_alone, mixed_table, same_bits
from sktrainer.types import Evaluation, ModelFit
from tests.families import FAMILIES
from tests.networks import SmallNet

X, Y = mixed_table(240, "classification")
NUMBERS, TARGET = mixed_table(240, "regression")
NUMBERS = NUMBERS[["signal", "count"]]


class Moody(RegressorMixin, BaseEstimator):
    """Fails with most seeds."""

    def __init__(self, random_state=None, share=0.75):
        self.random_state = random_state
        self.share = share

    def fit(self, X, y):
        draw = np.random.default_rng(self.random_state).random()
        if draw < self.share:
            raise FloatingPointError(f"no luck with {draw:.3f}")
        self.mean_ = float(np.mean(y)) + draw
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


def rare_classes():
    """Five classes, of which two have a dozen rows, where LightGBM runs away."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 6)).round(1)
    y = np.digitize(X[:, 0] + rng.normal(0, 1, 4000), [-1, 1])
    for code, corner in ((3, X[:, 2] > 0.8), (4, X[:, 3] > 0.8)):
        there = corner & (X[:, 1] * (1 if code == 3 else -1) > 1.5)
        y = np.where(there & (rng.random(4000) < 0.25), code, y)
    return X, y


def test_a_fit_that_raised_is_tried_again_with_a_derived_seed():
    trainer = ManagedTrainer(Moody(), n_retries=20, random_state=0, test_size=0.2)
    report = trainer.fit(NUMBERS, TARGET).report_
    tries = report.attempts
    assert len(tries) > 1
    assert tries["used"].tolist() == [*[False] * (len(tries) - 1), True]
    assert tries["outcome"].iloc[0].startswith("FloatingPointError: no luck")
    again = [derive_seed(0, "model", "retry", n) for n in range(1, len(tries))]
    assert tries["seed"].tolist() == [derive_seed(0, "model"), *again]
    assert "Attempts" in str(report) and f"\n1    {derive_seed(0, 'model')}" in str(report)
    assert any(note.startswith(f"Fitted {len(tries)} times: try 1") for note in report.notes)
    assert report.to_dict()["attempts"][0]["seed"] == derive_seed(0, "model")
    assert "Attempts" in report._repr_html_()


def test_where_every_try_raised_the_first_error_tells_of_the_others():
    trainer = ManagedTrainer(Moody(share=1.1), n_retries=2, random_state=0)
    with pytest.raises(FloatingPointError, match="no luck") as caught:
        trainer.fit(NUMBERS, TARGET)
    assert len(caught.value.__notes__) == 2
    assert caught.value.__notes__[1].startswith("try 3, seed ")


def test_without_retries_an_error_comes_as_it_is():
    with pytest.raises(FloatingPointError) as caught:
        ManagedTrainer(Moody(share=1.1), random_state=0).fit(NUMBERS, TARGET)
    assert not getattr(caught.value, "__notes__", [])


def test_folds_are_tried_again_too():
    trainer = ManagedTrainer(Moody(), n_retries=30, random_state=0, cv=4).fit(NUMBERS, TARGET)
    folds = trainer.report_.folds
    assert (folds["tries"] > 1).any()
    assert np.isfinite(trainer.cv_results_["mean_test_r2"]).all()


@pytest.mark.parametrize("family", ["LGBMClassifier", "MLPClassifier", "ModuleClass", "Ridge"])
def test_where_the_first_try_is_fine_retries_change_no_bit(family):
    case = FAMILIES[family]()
    X, y = mixed_table(500, case.task)
    parameters = {"estimator__max_iter": 200} if family == "MLPClassifier" else {}
    fits = [
        case.trainer(n_retries=n, n_iter_no_change=20).set_params(**parameters).fit(X, y)
        for n in (0, 3)
    ]
    assert fits[1].report_.attempts is None
    predicted = [fit.predict(X) for fit in fits]
    if case.task == "classification":
        predicted = [fit.predict_proba(X) for fit in fits]
    assert same_bits(*predicted)


@pytest.mark.filterwarnings("ignore::sktrainer.DivergenceWarning")
@pytest.mark.parametrize(
    "estimator", [LGBMClassifier(n_estimators=5, learning_rate=50.0), SmallNet]
)
def test_the_choice_between_tries_never_looks_at_test_rows(estimator):
    more = {"estimator__lr": 1e6} if estimator is SmallNet else {}
    case = Case(estimator, "classification", {"n_retries": 2})
    trainer = case.trainer(test_size=0.25).set_params(**more).fit(*case.table())
    assert len(trainer.report_.attempts) == 3
    if not more:
        assert check_test_rows_serve_to_score_alone(case) is None


def test_lightgbm_that_runs_away_on_rare_classes_is_warned_of_with_what_to_set():
    X, y = rare_classes()
    model = LGBMClassifier(n_estimators=60, learning_rate=0.3, verbose=-1)
    with pytest.warns(DivergenceWarning, match="raise min_child_weight") as caught:
        trainer = ManagedTrainer(model, random_state=0, validation_size=0.2).fit(X, y)
    assert caught[0].filename == __file__
    assert "the training loss grew from" in str(caught[0].message)
    assert any("The fit diverged" in note for note in trainer.report_.notes)
    mended = model.set_params(min_child_weight=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DivergenceWarning)
        ManagedTrainer(mended, random_state=0, validation_size=0.2).fit(X, y)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_network_that_runs_away_is_warned_of(task):
    X, y = mixed_table(240, task)
    trainer = ManagedTrainer(SmallNet, task=task, random_state=0, n_iter_no_change=5)
    with pytest.warns(DivergenceWarning, match=r"lower lr \(now 1000000"):
        trainer.set_params(estimator__lr=1e6).fit(X, y)


def test_folds_that_run_away_are_warned_of_once():
    trainer = ManagedTrainer(
        MLPClassifier(learning_rate_init=1e5, max_iter=20), random_state=0, cv=3, refit=True
    )
    with pytest.warns(DivergenceWarning) as caught:
        trainer.fit(X, Y)
    told = [str(w.message) for w in caught if "folds" in str(w.message)]
    assert len(told) == 1
    assert "The fit diverged in 3 of 3 folds: in fold 1 " in told[0]
    assert told[0] in trainer.report_.notes


def test_a_seed_of_the_callers_own_makes_retries_useless_and_that_is_said():
    with pytest.warns(DataWarning, match=r"n_retries=2 does nothing: random_state=3 is set"):
        ManagedTrainer(Moody(random_state=3, share=-1.0), n_retries=2).fit(NUMBERS, TARGET)


def test_a_wrong_number_of_retries_is_refused():
    with pytest.raises(ParameterError, match="n_retries must be an integer of at least 0"):
        ManagedTrainer(Ridge(), n_retries=-1).fit(NUMBERS, TARGET)


def test_a_model_of_a_quantile_is_not_compared_with_the_mean():
    y = TARGET + np.random.default_rng(0).normal(0, 20, len(TARGET))
    model = LGBMRegressor(objective="quantile", alpha=0.99, n_estimators=20, verbose=-1)
    report = ManagedTrainer(model, n_retries=2, random_state=0).fit(NUMBERS, y).report_
    assert report.attempts is None


@pytest.mark.parametrize(
    ("losses", "problem"),
    [
        ([1.0, 0.5, 0.4], ""),
        ([1.0, 0.5, 1.9], ""),
        ([1.0, 0.5, 2.1], "the training loss grew from 1 to 2.1 at round 3"),
        ([1.0, float("nan")], "the training loss is nan from round 2 on"),
        ([1.0, float("inf"), 0.1], "the training loss is inf from round 2 on"),
        ([-1.0, 5.0], ""),
    ],
)
def test_a_curve_that_runs_away_is_told_from_one_that_wavers(losses, problem):
    evaluations = [Evaluation(i, "train", "loss", v, 0.0) for i, v in enumerate(losses, 1)]
    verdict = judge(ModelFit(None, "max_iter", evaluations=evaluations), None, None, "round")
    assert verdict.problem == problem
    assert verdict.diverged == bool(problem)


def test_knowing_nothing_is_the_measure_and_chance_is_allowed_for():
    rng = np.random.default_rng(0)
    codes, even = rng.integers(0, 2, 100), np.array([0.5, 0.5])
    chance = np.column_stack([0.5 + rng.normal(0, 0.05, 100)] * 2)
    chance[:, 1] = 1 - chance[:, 0]
    assert not class_skill(chance, codes, even).worse
    sure_and_wrong = np.eye(2)[1 - codes]
    assert class_skill(sure_and_wrong, codes, even).worse
    assert class_skill(np.full((100, 2), np.nan), codes, even).worse
    y = rng.normal(10, 1, 100)
    assert not number_skill(y + 0.1, y, 10.0).no_better
    assert number_skill(np.full(100, np.inf), y, 10.0).beyond_start
    assert not number_skill(np.zeros(100), y, 10.0).beyond_start


def test_a_model_that_is_certain_of_one_class_has_not_only_stopped_short():
    codes = np.repeat([0, 1], [5, 95])
    shares = np.array([0.05, 0.95])
    certain = class_skill(np.tile([0.0, 1.0], (100, 1)), codes, shares)
    assert certain.no_better
    assert certain.beyond_start
    assert not class_skill(np.tile([0.01, 0.99], (100, 1)), codes, shares).beyond_start


def test_where_no_try_is_better_than_knowing_nothing_it_is_warned_of():
    X = np.random.default_rng(0).normal(size=(300, 3))
    model = LGBMClassifier(n_estimators=20, learning_rate=0.3)
    trainer = ManagedTrainer(model, n_retries=2, random_state=0, early_stopping=False)
    with pytest.warns(DataWarning, match="Fitted 3 times, and never better than knowing noth"):
        trainer.fit(X, X[:, 0] > 0, X_val=X, y_val=X[:, 0] < 0)
    assert trainer.report_.attempts["used"].sum() == 1
