"""Predictions as arrays, and their bit-exact comparison."""

from __future__ import annotations

from typing import Any

import numpy as np

from sktrainer.trainer import ManagedTrainer
from sktrainer.types import Array

__all__ = ["bit_identical", "model_outputs"]


def model_outputs(trainer: ManagedTrainer, X: Any) -> Array:
    """Return the most detailed predictions of a fitted trainer as a numeric array.

    These are probabilities, else decision values, else class codes or numbers.

    Parameters
    ----------
    trainer : ManagedTrainer
        Fitted.
    X : table or array of shape (n_samples, n_features)

    Returns
    -------
    ndarray of shape (n_samples,) or (n_samples, n_outputs)
    """
    if hasattr(trainer, "predict_proba"):
        return np.asarray(trainer.predict_proba(X))
    if hasattr(trainer, "decision_function"):
        return np.asarray(trainer.decision_function(X))
    predicted = trainer.predict(X)
    if hasattr(trainer, "classes_"):
        return np.searchsorted(trainer.classes_, predicted)
    return np.asarray(predicted)


def bit_identical(left: Any, right: Any) -> bool:
    """Return whether two arrays are bit-identical, with the same dtype and shape.

    Examples
    --------
    >>> same_bits([0.1, 0.2], [0.1, 0.2]), same_bits([1], [1.0])
    (True, False)
    """
    a, b = np.asarray(left), np.asarray(right)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
