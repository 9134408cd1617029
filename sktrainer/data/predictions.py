"""Predictions of given rows, each computed once, with the interface that scorers call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.base import BaseEstimator

from sktrainer.types import Array, Task


class CachedPredictor(BaseEstimator):
    """Estimator that returns cached predictions of fixed rows.

    A scikit-learn scorer calls `predict` or `predict_proba`, so several scorers would predict
    the same rows several times. With this estimator, rows are predicted once. `predict`,
    `predict_proba` and `decision_function` are functions without arguments that return the
    predictions. Each is called at most once, when a scorer first needs it.
    """

    def __init__(
        self,
        task: Task,
        classes: Array | None,
        predict: Callable[[], Array],
        predict_proba: Callable[[], Array] | None = None,
        decision_function: Callable[[], Array] | None = None,
    ) -> None:
        self.task = task
        self.classes_ = classes
        self._sources = {
            "predict": predict,
            "predict_proba": predict_proba,
            "decision_function": decision_function,
        }
        self._results: dict[str, Any] = {}

    # Methods are created dynamically, because scorers use `hasattr` to choose among them.
    def __getattr__(self, name: str) -> Any:
        source = None if name.startswith("_") else self._source(name)
        if source is None:
            raise AttributeError(name)

        def method(X: Any = None) -> Any:
            return self.compute_once(name, source)

        method.__name__ = name  # scikit-learn identifies the method by its name
        return method

    def _source(self, name: str) -> Callable[[], Array] | None:
        """Return the function that computes the result of a method, or None."""
        return self._sources.get(name)

    def compute_once(self, name: str, compute: Callable[[], Any]) -> Any:
        """Return the result of `compute`, cached under this name."""
        if name not in self._results:
            self._results[name] = compute()
        return self._results[name]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier" if self.task == "classification" else "regressor"
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return True
