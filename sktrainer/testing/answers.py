"""What two fits are compared by."""

from __future__ import annotations

from typing import Any

import numpy as np

from sktrainer.trainer import ManagedTrainer
from sktrainer.types import Array

__all__ = ["answers", "same_bits"]


def answers(trainer: ManagedTrainer, X: Any) -> Array:
    """Return all that a fitted trainer says of some rows, as one array of numbers."""
    if hasattr(trainer, "predict_proba"):
        return np.asarray(trainer.predict_proba(X))
    if hasattr(trainer, "decision_function"):
        return np.asarray(trainer.decision_function(X))
    predicted = trainer.predict(X)
    if hasattr(trainer, "classes_"):
        return np.searchsorted(trainer.classes_, predicted)
    return np.asarray(predicted)


def same_bits(left: Any, right: Any) -> bool:
    """Tell whether two arrays are the same byte for byte."""
    a, b = np.asarray(left), np.asarray(right)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
