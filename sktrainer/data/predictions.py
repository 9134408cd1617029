"""Estimators for scikit-learn scorers: cached predictions and translated labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.base import BaseEstimator

from sktrainer.types import Array, Task

__all__ = ["CachedPredictor"]


class CachedPredictor(BaseEstimator):
    """Estimator that returns cached predictions of fixed rows.

    A scikit-learn scorer calls `predict` or `predict_proba`, so several scorers would
    predict the same rows several times. With this estimator, rows are predicted once.

    Parameters
    ----------
    task : {"classification", "regression"}
    classes : ndarray of shape (n_classes,) or None
    predict, predict_proba, decision_function : callable or None
        Functions without arguments that return the predictions. Each is called at most
        once, when a scorer first needs it.
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
        self._answers: dict[str, Array] = {}

    # Methods are created dynamically, because scorers use `hasattr` to choose among them.
    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or self.__dict__.get("_sources", {}).get(name) is None:
            raise AttributeError(name)

        def method(X: Any = None) -> Array:
            return self._answer(name)

        method.__name__ = name  # scikit-learn identifies the method by its name
        return method

    def _answer(self, name: str) -> Array:
        source = self._sources[name]
        assert source is not None
        return self.compute_once(name, source)

    def compute_once(self, name: str, compute: Callable[[], Array]) -> Array:
        """Return the result of `compute`, cached under this name."""
        if name not in self._answers:
            self._answers[name] = compute()
        return self._answers[name]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier" if self.task == "classification" else "regressor"
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return True
