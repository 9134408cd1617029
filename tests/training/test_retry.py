"""Tests of divergence warnings and of retries with other seeds."""

from __future__ import annotations

import warnings
from contextlib import suppress

import numpy as np
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPClassifier

from sktrainer import DataWarning, DivergenceWarning, ManagedTrainer, ParameterError
from sktrainer.runtime.seeds import derive_seed
from sktrainer.testing import Case, bit_identical, mixed_table
from sktrainer.testing.fit_checks import check_test_rows_do_not_affect_fit
from sktrainer.testing.resume_checks import SimulatedKill, killed_after_checkpoint
from sktrainer.training.baseline import compare_log_loss, compare_squared_error
from sktrainer.training.diagnostics import Diagnosis, diagnose_losses
from sktrainer.training.retry import Attempt, choose_attempt
from sktrainer.types import MetricValue, ModelFit
from tests.families import FAMILIES
from tests.networks import SmallNet

X, Y = mixed_table(240, "classification")
NUMBERS, TARGET = mixed_table(240, "regression")
NUMBERS = NUMBERS[["signal", "count"]]


class Moody(RegressorMixin, BaseEstimator):
    """Regressor that raises an error with most seeds."""

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
    """Return a table with five classes, two of them rare, on which LightGBM diverges."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 6)).round(1)
    y = np.digitize(X[:, 0] + rng.normal(0, 1, 4000), [-1, 1])
    for code, corner in ((3, X[:, 2] > 0.8), (4, X[:, 3] > 0.8)):
        there = corner & (X[:, 1] * (1 if code == 3 else -1) > 1.5)
        y = np.where(there & (rng.random(4000) < 0.25), code, y)
    return X, y


def test_failed_fit_is_retried_with_a_derived_seed():
    trainer = ManagedTrainer(Moody(), n_retries=20, random_state=0, test_size=0.2)
    report = trainer.fit(NUMBERS, TARGET).report_
    attempts = report.attempts
    assert len(attempts) > 1
    assert attempts["used"].tolist() == [*[False] * (len(attempts) - 1), True]
    assert attempts["outcome"].iloc[0].startswith("FloatingPointError: no luck")
    retries = [derive_seed(0, "model", "retry", n) for n in range(1, len(attempts))]
    assert attempts["seed"].tolist() == [derive_seed(0, "model"), *retries]
    assert (
        "Attempts" in report.full() and f"\n1        {derive_seed(0, 'model')}" in report.full()
    )
    start = f"Fitted {len(attempts)} times: attempt 1"
    assert any(note.startswith(start) for note in report.notes)
    assert report.to_dict()["attempts"][0]["seed"] == derive_seed(0, "model")
    assert "Attempts" in report._repr_html_()


def test_all_attempts_failed_raises_first_error_with_notes():
    trainer = ManagedTrainer(Moody(share=1.1), n_retries=2, random_state=0)
    with pytest.raises(FloatingPointError, match="no luck") as caught:
        trainer.fit(NUMBERS, TARGET)
    assert len(caught.value.__notes__) == 2
    assert caught.value.__notes__[1].startswith("attempt 3, seed ")


def test_without_retries_the_error_is_unchanged():
    with pytest.raises(FloatingPointError) as caught:
        ManagedTrainer(Moody(share=1.1), random_state=0).fit(NUMBERS, TARGET)
    assert not getattr(caught.value, "__notes__", [])


def test_failed_folds_are_retried():
    trainer = ManagedTrainer(Moody(), n_retries=30, random_state=0, cv=4).fit(NUMBERS, TARGET)
    folds = trainer.report_.folds
    assert (folds["n_attempts"] > 1).any()
    assert np.isfinite(trainer.cv_results_["mean_test_r2"]).all()


@pytest.mark.parametrize("family", ["LGBMClassifier", "MLPClassifier", "ModuleClass", "Ridge"])
def test_unused_retries_leave_predictions_bit_identical(family):
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
    assert bit_identical(*predicted)


@pytest.mark.filterwarnings("ignore::sktrainer.DivergenceWarning")
@pytest.mark.filterwarnings("ignore::sktrainer.ClassImbalanceWarning")
@pytest.mark.parametrize(
    "estimator", [LGBMClassifier(n_estimators=5, learning_rate=50.0), SmallNet]
)
def test_choice_between_attempts_ignores_test_rows(estimator):
    nested = {"estimator__lr": 1e6} if estimator is SmallNet else {}
    case = Case(estimator, "classification", {"n_retries": 2})
    trainer = case.trainer(test_size=0.25).set_params(**nested).fit(*case.table())
    assert len(trainer.report_.attempts) == (3 if nested else 4)
    if not nested:
        assert check_test_rows_do_not_affect_fit(case) is None


DIVERGING = [
    (LGBMClassifier(n_estimators=60, learning_rate=0.3, verbose=-1), {"min_child_weight": 1.0}),
    (
        HistGradientBoostingClassifier(max_iter=60, learning_rate=0.5),
        {"l2_regularization": 10.0},
    ),
]


@pytest.mark.parametrize(("model", "settings"), DIVERGING, ids=["LightGBM", "HistGB"])
@pytest.mark.parametrize("refit", [False, True])
def test_divergence_on_rare_classes_is_repaired_with_a_warning(model, settings, refit):
    X, y = rare_classes()
    options = {"random_state": 0, "validation_size": 0.2, "refit": refit}
    trainer = ManagedTrainer(model, **options)
    (name,) = settings
    with pytest.warns(DivergenceWarning, match=f"again with {name}={settings[name]}") as caught:
        trainer.fit(X, y)
    assert caught[0].filename == __file__
    assert str(caught[0].message) in trainer.report_.notes
    assert "the training loss grew from" in str(caught[0].message)
    attempts = trainer.report_.attempts
    assert attempts["used"].tolist() == [False, True]
    assert attempts["validation_loss"].iloc[1] < attempts["validation_loss"].iloc[0]
    assert attempts["outcome"].iloc[1] == f"fine with {name}={settings[name]}"
    assert trainer.model_.get_params()[name] == settings[name]
    fixed = ManagedTrainer(clone(model).set_params(**settings), **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DivergenceWarning)
        fixed.fit(X, y)
    assert bit_identical(trainer.predict_proba(X), fixed.predict_proba(X))


@pytest.mark.parametrize(
    "parameters",
    [{"min_child_weight": 0.0}, {"min_sum_hessian_in_leaf": 1e-3}],
    ids=["own value", "alias"],
)
def test_divergence_with_the_users_own_setting_warns_with_a_fix(parameters):
    X, y = rare_classes()
    model = LGBMClassifier(n_estimators=60, learning_rate=0.3, verbose=-1, **parameters)
    with pytest.warns(DivergenceWarning, match="To fix this, .*crease"):
        trainer = ManagedTrainer(model, random_state=0, validation_size=0.2).fit(X, y)
    assert trainer.report_.attempts is None


@pytest.mark.filterwarnings("ignore::sktrainer.DivergenceWarning")
def test_repair_that_does_not_lower_the_loss_is_not_used():
    model = LGBMClassifier(n_estimators=5, learning_rate=50.0, min_child_samples=1, verbose=-1)
    trainer = ManagedTrainer(model, random_state=0, validation_size=0.2).fit(X, Y)
    attempts = trainer.report_.attempts
    assert len(attempts) == 2
    losses = attempts["validation_loss"]
    assert attempts["used"].tolist() == [losses[0] <= losses[1], losses[1] < losses[0]]


def test_only_a_lower_loss_selects_an_attempt_with_other_parameters():
    bad = Attempt(1, 0, Diagnosis("diverged", True, 2.0), 0.1, fitted=object())
    for loss, used in ((3.0, 0), (2.0, 0), (float("nan"), 0), (1.0, 1)):
        fixed = Attempt(2, 0, Diagnosis(loss=loss), 0.1, fitted=object(), settings={"a": 1})
        fitted, attempts = choose_attempt([bad, fixed])
        assert fitted is (bad, fixed)[used].fitted
        assert [attempt.used for attempt in attempts] == [used == 0, used == 1]


@pytest.mark.filterwarnings("ignore::sktrainer.SmallDataWarning")
@pytest.mark.filterwarnings("ignore::sktrainer.ClassImbalanceWarning")
def test_repair_does_not_depend_on_test_rows():
    model = DIVERGING[0][0]
    X, y = rare_classes()
    trainer = ManagedTrainer(model, random_state=0, validation_size=0.2, test_size=0.2)
    trainer.set_params(split="random", audit=False)
    with pytest.warns(DivergenceWarning):
        first = trainer.fit(X, y).predict_proba(X)
    test = trainer.split_.test
    noise = X.copy()
    noise[test] = np.random.default_rng(1).normal(size=(len(test), X.shape[1])) * 9
    with pytest.warns(DivergenceWarning):
        again = trainer.fit(noise, y).predict_proba(X)
    assert bit_identical(first, again)


@pytest.mark.filterwarnings("ignore::sktrainer.ClassImbalanceWarning")
@pytest.mark.parametrize("validation_size", [0.2, "cv"])
def test_repaired_folds_also_change_the_final_fit(validation_size):
    X, y = rare_classes()
    trainer = ManagedTrainer(
        DIVERGING[0][0], random_state=0, validation_size=validation_size, cv=2, refit=True
    )
    with pytest.warns(DivergenceWarning, match=r"in 2 of 2 folds.*min_child_weight=1\.0"):
        trainer.fit(X, y)
    assert trainer.model_.get_params()["min_child_weight"] == 1.0
    assert trainer.report_.folds["n_attempts"].tolist() == [2, 2]


@pytest.mark.filterwarnings("ignore::sktrainer.ClassImbalanceWarning")
@pytest.mark.filterwarnings("ignore::sktrainer.DivergenceWarning")
def test_killed_repair_resumes_to_the_same_model(tmp_path):
    X, y = rare_classes()
    options = {"random_state": 0, "validation_size": 0.2, "cv": 2}
    whole = ManagedTrainer(DIVERGING[0][0], **options, checkpoint=tmp_path / "a").fit(X, y)
    trainer = ManagedTrainer(DIVERGING[0][0], **options, checkpoint=tmp_path / "b")
    for _ in range(8):
        with killed_after_checkpoint(), suppress(SimulatedKill):
            trainer.fit(X, y)
    resumed = trainer.fit(X, y)
    assert bit_identical(whole.predict_proba(X), resumed.predict_proba(X))
    assert whole.report_.attempts["used"].tolist() == [False, True]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_divergence_of_a_network_warns(task):
    X, y = mixed_table(240, task)
    trainer = ManagedTrainer(SmallNet, task=task, random_state=0, n_iter_no_change=5)
    with pytest.warns(DivergenceWarning, match=r"decrease lr \(now 1000000"):
        trainer.set_params(estimator__lr=1e6).fit(X, y)


def test_divergence_in_several_folds_warns_once():
    trainer = ManagedTrainer(
        MLPClassifier(learning_rate_init=1e5, max_iter=20), random_state=0, cv=3, refit=True
    )
    with pytest.warns(DivergenceWarning) as caught:
        trainer.fit(X, Y)
    messages = [str(w.message) for w in caught if "folds" in str(w.message)]
    assert len(messages) == 1
    assert "Training diverged in 3 of 3 folds: in fold 1 " in messages[0]
    assert messages[0] in trainer.report_.notes


def test_retries_with_a_seeded_model_warn():
    with pytest.warns(DataWarning, match=r"n_retries=2 has no effect: random_state=3 is set"):
        ManagedTrainer(Moody(random_state=3, share=-1.0), n_retries=2).fit(NUMBERS, TARGET)


def test_negative_n_retries_raises():
    with pytest.raises(ParameterError, match="n_retries must be an integer of at least 0"):
        ManagedTrainer(Ridge(), n_retries=-1).fit(NUMBERS, TARGET)


def test_quantile_model_is_not_compared_with_the_mean():
    y = TARGET + np.random.default_rng(1).normal(0, 20, len(TARGET))
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
def test_diverging_loss_is_distinguished_from_a_noisy_one(losses, problem):
    evaluations = [MetricValue(i, "train", "loss", v, 0.0) for i, v in enumerate(losses, 1)]
    verdict = diagnose_losses(
        ModelFit(None, "max_iter", evaluations=evaluations), None, None, "round"
    )
    assert verdict.problem == problem
    assert verdict.diverged == bool(problem)


def test_skill_compares_with_constant_baseline_and_allows_for_chance():
    rng = np.random.default_rng(0)
    codes, even = rng.integers(0, 2, 100), np.array([0.5, 0.5])
    chance = np.column_stack([0.5 + rng.normal(0, 0.05, 100)] * 2)
    chance[:, 1] = 1 - chance[:, 0]
    assert not compare_log_loss(chance, codes, even).significantly_worse
    certain_and_wrong = np.eye(2)[1 - codes]
    assert compare_log_loss(certain_and_wrong, codes, even).significantly_worse
    assert compare_log_loss(np.full((100, 2), np.nan), codes, even).significantly_worse
    y = rng.normal(10, 1, 100)
    assert not compare_squared_error(y + 0.1, y, 10.0).is_no_better
    assert compare_squared_error(np.full(100, np.inf), y, 10.0).far_from_untrained
    assert not compare_squared_error(np.zeros(100), y, 10.0).far_from_untrained


def test_certainty_about_one_class_counts_as_divergence():
    codes = np.repeat([0, 1], [5, 95])
    shares = np.array([0.05, 0.95])
    certain = compare_log_loss(np.tile([0.0, 1.0], (100, 1)), codes, shares)
    assert certain.is_no_better
    assert certain.far_from_untrained
    assert not compare_log_loss(
        np.tile([0.01, 0.99], (100, 1)), codes, shares
    ).far_from_untrained


def test_no_attempt_better_than_a_constant_prediction_warns():
    X = np.random.default_rng(0).normal(size=(300, 3))
    model = LGBMClassifier(n_estimators=20, learning_rate=0.3)
    trainer = ManagedTrainer(
        model, n_retries=2, random_state=0, early_stopping=False, audit=False
    )
    with pytest.warns(DataWarning, match="Fitted 3 times, never better than a constant pred"):
        trainer.fit(X, X[:, 0] > 0, X_val=X, y_val=X[:, 0] < 0)
    assert trainer.report_.attempts["used"].sum() == 1


def attempt(number, loss=np.nan, problem="", fitted="a model", error=None):
    diagnosis = Diagnosis(problem, diverged=bool(problem), loss=loss)
    return Attempt(number, number, diagnosis, 0.1, error, fitted=fitted)


@pytest.mark.parametrize(
    ("attempts", "used"),
    [
        ([attempt(1)], 1),
        ([attempt(1, 0.9, "diverged"), attempt(2, 0.5)], 2),
        ([attempt(1, 0.9, "diverged"), attempt(2, 0.8, "diverged")], 2),
        ([attempt(1, 0.9, "diverged"), attempt(2, 0.9, "diverged")], 1),
        ([attempt(1, problem="diverged"), attempt(2, 9.0, "diverged")], 2),
        ([attempt(1, problem="raised", fitted=None), attempt(2, 9.0, "diverged")], 2),
    ],
)
def test_attempt_with_the_lowest_validation_loss_is_chosen(attempts, used):
    _, chosen = choose_attempt(attempts)
    assert [a.number for a in chosen if a.used] == [used]
    assert all(a.fitted is None for a in chosen)
