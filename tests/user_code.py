"""What a user would have in a module of his own."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import Ridge
from skorch import NeuralNetClassifier

from sktrainer import ManagedTrainer


def clipped(X):
    return np.clip(X, -1, 1)


def half_right(estimator, X, y):
    return float(np.mean(estimator.predict(X) == y)) / 2


class OwnRidge(Ridge):
    """A model of another module than its base."""


class OwnTrainer(ManagedTrainer):
    """A trainer of another class."""


class OwnNet(NeuralNetClassifier):
    """A net of another class."""
