"""Helpers for the tests of the scikit-learn backend."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.datasets import make_classification, make_regression

from sktrainer.backends.base import FitRequest
from sktrainer.backends.sklearn.backend import SklearnBackend
from sktrainer.callbacks.early_stopping import EvalMetric, Monitor
from sktrainer.runtime.global_state import preserve_global_state
from sktrainer.runtime.threads import limit_threads
from sktrainer.types import ModelFit, Rows

N_TRAIN = 200


def table(task: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a noisy table of 300 rows, with string labels for classification."""
    if task == "classification":
        X, y = make_classification(
            300, 8, n_informative=4, n_classes=3, flip_y=0.2, random_state=0
        )
        return X, np.array(["a", "b", "c"])[y]
    X, y = make_regression(300, 8, noise=60.0, random_state=0)
    return X, y / np.std(y) + 5.0


def weights() -> np.ndarray:
    return np.random.RandomState(0).uniform(0.2, 3.0, 300)


def request(
    model: Any,
    *,
    data: tuple[Any, Any] | None = None,
    weighted: bool = False,
    stops: bool = True,
    metric: EvalMetric | None = None,
    patience: int = 5,
    **options: Any,
) -> FitRequest:
    task = "classification" if is_classifier(model) else "regression"
    X, y = table(task) if data is None else data
    parts = [
        Rows(X[part], y[part], weights()[: len(y)][part] if weighted else None)
        for part in (slice(None, N_TRAIN), slice(N_TRAIN, None))
    ]
    return FitRequest(
        **{
            "model": clone(model),
            "task": task,
            "train": parts[0],
            "validation": parts[1] if stops else None,
            "monitor": Monitor(
                metric or EvalMetric(), n_iter_no_change=patience if stops else None
            ),
            "seed": 7,
            **options,
        }
    )


def fit(model: Any, **options: Any) -> ModelFit:
    requested = request(model, **options)
    # As the trainer does, restore the global state: joblib threads change warning filters.
    with preserve_global_state(), limit_threads(requested.n_threads):
        return SklearnBackend().fit(requested)


def fit_plain(model: Any, X: Any, y: Any) -> Any:
    """Fit without sktrainer and restore the global state that joblib threads change."""
    with preserve_global_state():
        return model.fit(X, y)


def history(outcome: ModelFit, metric: str = "loss", part: str = "validation") -> list[float]:
    return [e.value for e in outcome.evaluations if (e.metric, e.set) == (metric, part)]


def at_best(outcome: ModelFit, metric: str = "loss") -> float:
    """Return the validation metric at the best iteration."""
    assert outcome.best_iteration is not None
    return history(outcome, metric)[outcome.best_iteration - 1]


def predictions(model: Any, X: Any = None) -> np.ndarray:
    """Return probabilities, decision values or predictions, whichever is available first."""
    if X is None:
        X = table("classification" if is_classifier(model) else "regression")[0]
    for method in ("predict_proba", "decision_function", "predict"):
        if hasattr(model, method):
            return np.asarray(getattr(model, method)(X))
    raise AssertionError("unreachable: every model predicts")
