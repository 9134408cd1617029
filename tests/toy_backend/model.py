"""Linear models with the scikit-learn interface, trained by stochastic gradient descent."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

Array = np.ndarray[Any, np.dtype[Any]]


class _GradientDescent(BaseEstimator):
    def __init__(
        self, step_size: float = 0.1, max_iter: int = 100, random_state: int | None = None
    ) -> None:
        self.step_size = step_size
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        targets, rng = self.start(X, y), np.random.default_rng(self.random_state)
        for _ in range(self.max_iter):
            self.step(X, targets, sample_weight, rng)
        return self

    def start(self, X: Any, y: Any) -> Array:
        """Set the coefficients to 0, and return y with one column per output."""
        targets = self._targets(np.asarray(y))
        self.weights_ = np.zeros((np.shape(X)[1] + 1, targets.shape[1]))
        return targets

    def step(self, X: Any, targets: Array, weight: Any, rng: np.random.Generator) -> None:
        """Update the coefficients with the gradient on a random half of the rows."""
        weight = (rng.random(len(targets)) < 0.5) * (1.0 if weight is None else weight)
        errors = (self._outputs(X) - targets) * weight[:, None] / max(weight.sum(), 1e-12)
        gradient = np.vstack([errors.sum(axis=0), np.asarray(X, dtype=float).T @ errors])
        self.weights_ = self.weights_ - self.step_size * gradient

    def loss(self, X: Any, targets: Array, weight: Any) -> float:
        return float(np.average(self._losses(self._outputs(X), targets), weights=weight))

    def _outputs(self, X: Any) -> Array:
        return np.asarray(X, dtype=float) @ self.weights_[1:] + self.weights_[0]


class ToyRegressor(RegressorMixin, _GradientDescent):
    """Least squares."""

    def _targets(self, y: Array) -> Array:
        return y.astype(float)[:, None]

    def _losses(self, outputs: Array, targets: Array) -> Array:
        return ((outputs - targets) ** 2)[:, 0]

    def predict(self, X: Any) -> Array:
        return self._outputs(X)[:, 0]


class ToyClassifier(ClassifierMixin, _GradientDescent):
    """Multinomial logistic regression."""

    def _targets(self, y: Array) -> Array:
        self.classes_, codes = np.unique(y, return_inverse=True)
        return np.eye(len(self.classes_))[codes]

    def _outputs(self, X: Any) -> Array:
        return softmax(super()._outputs(X), axis=1)

    def _losses(self, outputs: Array, targets: Array) -> Array:
        return -np.log(np.clip((outputs * targets).sum(axis=1), 1e-12, None))

    predict_proba = _outputs

    def predict(self, X: Any) -> Array:
        return self.classes_[self._outputs(X).argmax(axis=1)]
