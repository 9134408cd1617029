"""What a user would have in a module of his own."""

from __future__ import annotations

import os
import warnings

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


class WarnsInWorkers(Ridge):
    """A model that warns if another process than `main_process` fits it."""

    def __init__(self, main_process=0):
        super().__init__()
        self.main_process = main_process

    def fit(self, X, y, sample_weight=None):
        if os.getpid() != self.main_process:
            warnings.warn("warning of a worker process", UserWarning, stacklevel=1)
        return super().fit(X, y, sample_weight)


class OwnTrainer(ManagedTrainer):
    """A trainer of another class."""


class OwnNet(NeuralNetClassifier):
    """A net of another class."""
