"""Test doubles: estimators, and devices that implement the DeviceSupport protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from sktrainer.runtime.devices import DeviceSupport


class AlwaysFails(RegressorMixin, BaseEstimator):
    """Regressor whose `fit` always raises."""

    def fit(self, X, y):
        raise RuntimeError(f"fit always fails, here with a target sum of {np.sum(y)}")

    def predict(self, X):
        return np.zeros(len(X))


class DrawsGlobally(RegressorMixin, BaseEstimator):
    """Regressor that draws from NumPy's global generator, as some libraries do."""

    def fit(self, X, y):
        self.coef_ = np.random.random(np.shape(X)[1])
        return self

    def predict(self, X):
        return np.asarray(X, dtype=float) @ self.coef_


class FailsOnRow(RegressorMixin, BaseEstimator):
    """Mean predictor that raises if no training row has the target 7.

    With three folds, the fold that tests this row fails.
    """

    def fit(self, X, y):
        if 7.0 not in y:
            raise RuntimeError("row 7 is missing")
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


class FailsOnSecondChunk(RegressorMixin, BaseEstimator):
    """Regressor that predicts a running sum and raises in its second `partial_fit`."""

    def fit(self, X, y):
        return self.partial_fit(X, y)

    def partial_fit(self, X, y):
        self.sum_ = getattr(self, "sum_", 0.0) + float(np.sum(y))
        self.chunks_ = [*getattr(self, "chunks_", []), len(y)]
        if len(self.chunks_) == 2:
            raise RuntimeError("the second chunk fails")
        return self

    def predict(self, X):
        return np.full(len(X), self.sum_)


class NeverFitted(ClassifierMixin, BaseEstimator):
    """Classifier whose `fit` raises, to detect missing validation."""

    def fit(self, X, y):
        raise AssertionError("training started despite invalid input")

    def predict(self, X):
        return np.zeros(len(X))


class NeverFittedRegressor(RegressorMixin, BaseEstimator):
    """Regressor whose `fit` raises, to detect missing validation."""

    def fit(self, X, y):
        raise AssertionError("training started despite invalid input")

    def predict(self, X):
        return np.zeros(len(X))


class FakeDevices:
    """Device support with configurable devices."""

    def __init__(self, gpus, own=None):
        self._gpus, self._own = gpus, own
        self.times_asked = 0

    def configured_device(self, model):
        return self._own

    def available_gpus(self, model):
        self.times_asked += 1
        return self._gpus


if TYPE_CHECKING:
    _: DeviceSupport = FakeDevices(None)
