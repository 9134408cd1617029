"""Early stopping and recorded metrics of XGBoost, LightGBM and CatBoost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from scipy.sparse import csr_matrix

from sktrainer.backends._boosting import recorder
from sktrainer.backends.base import FitRequest
from sktrainer.backends.registry import find_backend
from sktrainer.callbacks.early_stopping import EvalMetric, Monitor
from sktrainer.scoring.scorers import named_scorer
from sktrainer.types import Rows
from tests.backends.boosters import (
    N_TRAIN,
    PATIENCE,
    curve,
    each_library,
    fit,
    make_classifier,
    make_rows,
)


def fit_by_hand(library: str, X: np.ndarray, y: np.ndarray, weight: np.ndarray) -> Any:
    """Fit with the library's own early stopping, as in its documentation."""
    train, rest = slice(0, N_TRAIN), slice(N_TRAIN, None)
    params = {"n_jobs": 1, "random_state": 7}
    if library == "xgboost":
        return make_classifier(library, early_stopping_rounds=PATIENCE, **params).fit(
            X[train],
            y[train],
            sample_weight=weight[train],
            eval_set=[(X[rest], y[rest])],
            sample_weight_eval_set=[weight[rest]],
            verbose=False,
        )
    if library == "lightgbm":
        steady = {"deterministic": True, "force_row_wise": True, "verbosity": -1}
        return make_classifier(library, **params, **steady).fit(
            X[train],
            y[train],
            sample_weight=weight[train],
            eval_X=(X[rest],),
            eval_y=(y[rest],),
            eval_sample_weight=[weight[rest]],
            callbacks=[lightgbm.early_stopping(PATIENCE, verbose=False)],
        )
    params = {"thread_count": 1, "random_seed": 7, "allow_writing_files": False}
    return make_classifier(library, **params).fit(
        X[train],
        y[train],
        sample_weight=weight[train],
        eval_set=catboost.Pool(X[rest], y[rest], weight=weight[rest]),
        early_stopping_rounds=PATIENCE,
        verbose=False,
    )


@each_library
@pytest.mark.parametrize("n_classes", [2, 3])
def test_early_stopping_matches_the_native_early_stopping(library: str, n_classes: int) -> None:
    X, y, weight = make_rows(n_classes)
    outcome = fit(make_classifier(library), X, y, weight=weight)
    by_hand = fit_by_hand(library, X, y, weight)
    assert outcome.stop_reason == "early_stopping"
    np.testing.assert_array_equal(outcome.model.predict_proba(X), by_hand.predict_proba(X))


@each_library
def test_best_iteration_minimizes_the_validation_loss(library: str) -> None:
    X, y, weight = make_rows()
    outcome = fit(make_classifier(library), X, y, weight=weight)
    losses = curve(outcome, "validation")
    assert outcome.best_iteration == int(np.argmin(losses)) + 1
    assert outcome.n_iter == len(losses) == outcome.best_iteration + PATIENCE
    assert len(curve(outcome, "train")) == outcome.n_iter


@each_library
def test_fit_that_keeps_improving_ends_at_the_last_round(library: str) -> None:
    X, y, _ = make_rows()
    outcome = fit(make_classifier(library, 12), X, y, patience=50)
    best = int(np.argmin(curve(outcome, "validation"))) + 1
    assert (outcome.stop_reason, outcome.n_iter) == ("max_iter", 12)
    assert outcome.best_iteration == best


@each_library
def test_fixed_number_of_rounds_disables_early_stopping(library: str) -> None:
    X, y, _ = make_rows()
    outcome = fit(make_classifier(library, 3), X, y, n_iter=40)
    whole = fit(make_classifier(library, 40), X, y, with_validation=False)
    assert (outcome.stop_reason, outcome.n_iter, outcome.best_iteration) == ("max_iter", 40, 40)
    np.testing.assert_array_equal(outcome.model.predict_proba(X), whole.model.predict_proba(X))


@each_library
def test_without_validation_rows_only_the_training_curve_is_recorded(library: str) -> None:
    X, y, _ = make_rows()
    outcome = fit(make_classifier(library, 10), X, y, with_validation=False)
    assert (outcome.stop_reason, outcome.n_iter, outcome.best_iteration) == ("max_iter", 10, 10)
    assert {e.set for e in outcome.evaluations} == {"train"}
    assert len(curve(outcome, "train")) == 10


@each_library
def test_monitor_without_patience_keeps_every_round(library: str) -> None:
    X, y, _ = make_rows()
    outcome = fit(make_classifier(library, 40), X, y, patience=None)
    whole = fit(make_classifier(library, 40), X, y, with_validation=False)
    assert outcome.best_iteration == outcome.n_iter == 40
    np.testing.assert_array_equal(outcome.model.predict_proba(X), whole.model.predict_proba(X))


@each_library
def test_tolerance_selects_an_earlier_round(library: str) -> None:
    X, y, _ = make_rows()
    exact = fit(make_classifier(library), X, y)
    tolerant = fit(make_classifier(library), X, y, tol=0.02)
    assert tolerant.best_iteration is not None
    assert exact.best_iteration is not None
    assert tolerant.best_iteration < exact.best_iteration
    cut = fit(make_classifier(library), X, y, n_iter=tolerant.best_iteration)
    np.testing.assert_array_equal(tolerant.model.predict_proba(X), cut.model.predict_proba(X))
    np.testing.assert_allclose(
        tolerant.model.feature_importances_, cut.model.feature_importances_, rtol=1e-5
    )


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
@pytest.mark.parametrize("convert", [csr_matrix, pd.DataFrame, np.asarray])
def test_large_training_sets_are_sampled_for_the_curve_only(
    library: str, convert: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y, weight = make_rows()
    whole = fit(make_classifier(library), convert(X), y, weight=weight)
    monkeypatch.setattr(recorder, "FEWEST_CURVE_ROWS", 200)
    sampled = fit(make_classifier(library), convert(X), y, weight=weight)
    again = fit(make_classifier(library), convert(X), y, weight=weight)
    assert curve(sampled, "validation") == curve(whole, "validation")
    assert curve(sampled, "train") == curve(again, "train")
    assert curve(sampled, "train") != curve(whole, "train")
    assert curve(sampled, "train") == pytest.approx(curve(whole, "train"), abs=0.1)


@pytest.mark.parametrize(
    "model",
    [
        xgboost.XGBClassifier(n_estimators=60, booster="dart", rate_drop=0.3),
        xgboost.XGBClassifier(n_estimators=60, booster="gblinear", learning_rate=1.0),
        lightgbm.LGBMClassifier(n_estimators=60, boosting_type="dart", learning_rate=0.3),
    ],
)
def test_models_that_change_earlier_rounds_are_refitted(model: Any) -> None:
    X, y, weight = make_rows()
    outcome = fit(model, X, y, metric="roc_auc", weight=weight)
    values = curve(outcome, "validation", "roc_auc")
    rest = slice(N_TRAIN, None)
    expected = named_scorer("roc_auc")(
        outcome.model, X[rest], y[rest], sample_weight=weight[rest]
    )
    assert outcome.n_iter is not None
    assert outcome.best_iteration is not None
    assert outcome.best_iteration < outcome.n_iter
    assert values[outcome.best_iteration - 1] == pytest.approx(expected, abs=1e-6)


@each_library
def test_on_iteration_is_called_for_every_round(library: str) -> None:
    X, y, _ = make_rows()
    seen: list[int] = []
    monitor = Monitor(
        EvalMetric(), n_iter_no_change=3, on_iteration=lambda i, values: seen.append(i)
    )
    rows, rest = slice(0, N_TRAIN), slice(N_TRAIN, None)
    outcome = find_backend(make_classifier(library)).fit(
        FitRequest(
            model=make_classifier(library),
            task="classification",
            train=Rows(X[rows], y[rows]),
            validation=Rows(X[rest], y[rest]),
            monitor=monitor,
            seed=0,
        )
    )
    assert seen == list(range(1, (outcome.n_iter or 0) + 1))
