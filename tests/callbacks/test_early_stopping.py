"""Tests of early stopping in the trainer: monitored metric, patience and best iteration."""

from __future__ import annotations

import numpy as np
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, get_scorer, make_scorer, recall_score
from sklearn.neural_network import MLPClassifier
from xgboost import XGBClassifier

from sktrainer import ManagedTrainer
from sktrainer.testing import bit_identical, mixed_table

X, Y = mixed_table(400, "classification")
MODELS = {
    "lightgbm": LGBMClassifier(n_estimators=60, min_child_samples=5),
    "xgboost": XGBClassifier(n_estimators=60),
    "catboost": CatBoostClassifier(iterations=60, depth=4, learning_rate=0.3),
    "hist_gradient_boosting": HistGradientBoostingClassifier(max_iter=60),
    "gradient_boosting": GradientBoostingClassifier(n_estimators=60),
    "forest": RandomForestClassifier(n_estimators=60),
    "mlp": MLPClassifier((8,), max_iter=60, learning_rate_init=0.05),
}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fitted(name, **parameters):
    given = {"early_stopping": True, "random_state": 0, "n_iter_no_change": 10, **parameters}
    return ManagedTrainer(MODELS[name], **given).fit(X, Y)


@pytest.mark.parametrize(
    "metric", ["roc_auc", "f1", "average_precision", "accuracy", "neg_log_loss"]
)
@pytest.mark.parametrize("name", MODELS)
def test_monitored_scorer_matches_scikit_learn(name, metric):
    trainer = fitted(name, eval_metric=metric)
    rows = trainer.split_.validation
    recorded = trainer.evals_result_["validation"][metric]
    assert np.nanargmax(recorded) + 1 == trainer.best_iteration_
    codes = np.searchsorted(trainer.classes_, Y.iloc[rows])
    scored = ManagedTrainer(MODELS[name], scoring=metric)
    fitted_state = {name: vars(trainer)[name] for name in ("_predictor", "pos_label_")}
    scored.__dict__.update(fitted_state)
    assert scored.score(X.iloc[rows], Y.iloc[rows]) == pytest.approx(max(recorded), abs=1e-4)
    assert len(codes) == 40


@pytest.mark.parametrize("name", MODELS)
def test_user_defined_scorer_receives_original_labels(name):
    scorer = make_scorer(recall_score, pos_label="c0")
    trainer = fitted(name, eval_metric=scorer)
    recorded = trainer.evals_result_["validation"]["recall_score"]
    rows = trainer.split_.validation
    assert scorer(trainer, X.iloc[rows], Y.iloc[rows]) == pytest.approx(max(recorded))


@pytest.mark.parametrize("name", MODELS)
def test_patience_and_tolerance_apply_to_all_models(name):
    short_patience = fitted(name, n_iter_no_change=2)
    tolerant = fitted(name, n_iter_no_change=2, tol=10.0)
    assert short_patience.n_iter_ <= fitted(name, n_iter_no_change=20).n_iter_
    assert tolerant.best_iteration_ == 1
    # HistGradientBoosting counts the score before its first iteration too.
    assert tolerant.n_iter_ in (2, 3, 60)


@pytest.mark.parametrize("name", MODELS)
def test_false_disables_validation_rows_and_early_stopping(name):
    trainer = fitted(name, early_stopping=False)
    assert len(trainer.split_.train) == 400
    assert trainer.stop_reason_ in ("max_iter", "converged")
    assert trainer.stop_reason_ == "converged" or trainer.n_iter_ == 60


def test_forests_do_not_stop_early_by_default():
    trainer = ManagedTrainer(MODELS["forest"], random_state=0).fit(X, Y)
    assert trainer.stop_reason_ == "max_iter"
    assert len(trainer.split_.validation) == 0


def test_model_without_iterations_fits_once():
    trainer = ManagedTrainer(LogisticRegression()).fit(X, Y)
    assert trainer.history_.empty
    assert trainer.best_iteration_ is None


def test_too_few_rows_for_validation_are_reported():
    trainer = ManagedTrainer(MODELS["lightgbm"]).fit(X.iloc[:15], Y.iloc[:15])
    assert len(trainer.split_.validation) == 0
    assert any("at least 20 rows, got 15" in note for note in trainer.report_.notes)


def test_early_stopping_false_overrides_the_model():
    model = HistGradientBoostingClassifier(max_iter=30, early_stopping=True, n_iter_no_change=1)
    trainer = ManagedTrainer(model, early_stopping=False, random_state=0).fit(X, Y)
    assert trainer.n_iter_ == 30


def test_history_is_bit_identical_with_one_or_two_threads(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    one = fitted("hist_gradient_boosting")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    two = fitted("hist_gradient_boosting")
    assert bit_identical(one.predict_proba(X), two.predict_proba(X))
    assert one.evals_result_ == two.evals_result_


def test_neg_scorers_keep_the_sign_of_scikit_learn():
    trainer = fitted("lightgbm", eval_metric="neg_log_loss")
    values = trainer.evals_result_["validation"]["neg_log_loss"]
    assert max(values) < 0
    rows = trainer.split_.validation
    scorer = get_scorer("neg_log_loss")
    assert scorer(trainer, X.iloc[rows], Y.iloc[rows]) == pytest.approx(max(values))


@pytest.mark.parametrize("metric", ["roc_auc_ovr", "neg_log_loss"])
@pytest.mark.parametrize("name", MODELS)
def test_metric_is_monitored_if_validation_lacks_a_class(name, metric):
    classes = np.where(np.arange(len(Y)) < 2, "rare", Y.astype(str))
    model = ManagedTrainer(
        MODELS[name], eval_metric=metric, early_stopping=True, n_iter_no_change=5
    )
    with pytest.warns(UserWarning, match="validation set has no row of class 'rare'"):
        trainer = model.fit(X, classes)
    watched = trainer.evals_result_["validation"][metric]
    assert np.isfinite(watched).all()
    assert trainer.best_iteration_ == 1 + int(np.argmax(watched))


@pytest.mark.parametrize("name", sorted({*MODELS} - {"mlp"}))
def test_monitored_metric_uses_validation_sample_weights(name):
    weight = np.random.default_rng(0).exponential(size=len(Y)) + 0.01
    given = {"eval_metric": "f1", "early_stopping": True, "random_state": 0}
    trainer = ManagedTrainer(MODELS[name], **given).fit(X, Y, sample_weight=weight)
    rows = trainer.split_.validation
    score = f1_score(
        Y[rows],
        trainer.predict(X.iloc[rows]),
        pos_label=trainer.classes_[1],
        sample_weight=weight[rows],
    )
    assert max(trainer.evals_result_["validation"]["f1"]) == pytest.approx(score)
