"""Fits of XGBoost, LightGBM and CatBoost that the tests of their backends share."""

from __future__ import annotations

from typing import Any

import catboost
import lightgbm
import numpy as np
import pytest
import xgboost

from sktrainer.backends.base import FitRequest
from sktrainer.backends.registry import find_backend
from sktrainer.callbacks.early_stopping import EvalMetric, Monitor
from sktrainer.scoring.scorers import named_scorer
from sktrainer.types import ModelFit, Rows

LIBRARIES = ("xgboost", "lightgbm", "catboost")
CLASSIFIERS = {
    "xgboost": xgboost.XGBClassifier,
    "lightgbm": lightgbm.LGBMClassifier,
    "catboost": catboost.CatBoostClassifier,
}
REGRESSORS = {
    "xgboost": xgboost.XGBRegressor,
    "lightgbm": lightgbm.LGBMRegressor,
    "catboost": catboost.CatBoostRegressor,
}
RANKERS = {
    "xgboost": xgboost.XGBRanker,
    "lightgbm": lightgbm.LGBMRanker,
    "catboost": catboost.CatBoostRanker,
}
N_TRAIN, N_ROWS = 300, 450
PATIENCE = 5
each_library = pytest.mark.parametrize("library", LIBRARIES)


def make_classifier(library: str, n_estimators: int = 80, **params: Any) -> Any:
    return CLASSIFIERS[library](n_estimators=n_estimators, learning_rate=0.3, **params)


def make_rows(
    n_classes: int = 2, *, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return X, class codes and weights, noisy enough that every booster overfits."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N_ROWS, 4)).astype(np.float32)
    signal = X[:, 0] + X[:, 1] + rng.normal(size=N_ROWS)
    edges = np.quantile(signal, np.arange(1, n_classes) / n_classes)
    return X, np.digitize(signal, edges), rng.uniform(0.2, 3.0, N_ROWS)


def fit(
    model: Any,
    X: Any,
    y: np.ndarray,
    *,
    metric: str = "loss",
    weight: np.ndarray | None = None,
    patience: int | None = PATIENCE,
    tol: float = 0.0,
    with_validation: bool = True,
    **request: Any,
) -> ModelFit:
    """Fit on the first rows and validate on the others."""

    def part(rows: slice) -> Rows:
        taken = X.iloc[rows] if hasattr(X, "iloc") else X[rows]
        return Rows(taken, y[rows], None if weight is None else weight[rows])

    scorer = None if metric == "loss" else named_scorer(metric)
    monitor = Monitor(EvalMetric(metric, scorer), n_iter_no_change=patience, tol=tol)
    task = "classification" if y.dtype.kind != "f" else "regression"
    arguments: dict[str, Any] = {"task": task, "seed": 7, "n_threads": 1, **request}
    return find_backend(model).fit(
        FitRequest(
            model=model,
            train=part(slice(0, N_TRAIN)),
            validation=part(slice(N_TRAIN, None)) if with_validation else None,
            monitor=monitor,
            **arguments,
        )
    )


def curve(outcome: ModelFit, part: str, metric: str = "loss") -> list[float]:
    return [e.value for e in outcome.evaluations if (e.set, e.metric) == (part, metric)]
