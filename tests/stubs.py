"""Models and a backend made for the tests, each honest to its interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

from sktrainer.backends._base import DeviceBackend, Traits
from sktrainer.types import ModelFit


class AlwaysFails(RegressorMixin, BaseEstimator):
    """Refuses every table."""

    def fit(self, X, y):
        raise RuntimeError(f"no table is good enough, and {np.sum(y)} is too much")

    def predict(self, X):
        return np.zeros(len(X))


class DrawsGlobally(RegressorMixin, BaseEstimator):
    """Draws from NumPy's global generator, as no library should and some do."""

    def fit(self, X, y):
        self.coef_ = np.random.random(np.shape(X)[1])
        return self

    def predict(self, X):
        return np.asarray(X, dtype=float) @ self.coef_


class FailsOnRow(RegressorMixin, BaseEstimator):
    """Predicts the mean, but cannot bear to miss the row whose target is 7.

    Of three folds the one that tests this row fails.
    """

    def fit(self, X, y):
        if 7.0 not in y:
            raise RuntimeError("row 7 is missing")
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


class FailsOnSecondChunk(RegressorMixin, BaseEstimator):
    """Predicts a running sum, and breaks down in the middle of the second chunk."""

    def fit(self, X, y):
        return self.partial_fit(X, y)

    def partial_fit(self, X, y):
        self.sum_ = getattr(self, "sum_", 0.0) + float(np.sum(y))
        self.chunks_ = [*getattr(self, "chunks_", []), len(y)]
        if len(self.chunks_) == 2:
            raise RuntimeError("the second chunk is too much")
        return self

    def predict(self, X):
        return np.full(len(X), self.sum_)


class Computes:
    """A backend of which only the devices are asked."""

    name = "computes"

    def __init__(self, gpus, own=None):
        self._gpus, self._own = gpus, own
        self.times_asked = 0

    def own_device(self, model):
        return self._own

    def gpus(self, model):
        self.times_asked += 1
        return self._gpus

    def traits(self, model, task):
        return Traits()

    def fit(self, request):
        return ModelFit(request.model, "single_fit")


if TYPE_CHECKING:
    _: DeviceBackend = Computes(None)
