"""CatBoost classifier for use inside other models."""

from __future__ import annotations

from typing import Any

import numpy as np
from catboost import CatBoostClassifier

from sktrainer.types import Array


class NestedCatBoostClassifier(CatBoostClassifier):
    """CatBoostClassifier whose `predict` returns labels of shape (n_samples,).

    CatBoost returns them as one column if there are more than two classes, so that a hard vote
    of scikit-learn cannot combine them with those of other models.
    """

    def predict(self, X: Any, prediction_type: str = "Class", **options: Any) -> Array:
        """Predict as CatBoost does, labels in one dimension."""
        predicted = np.asarray(super().predict(X, prediction_type, **options))
        return predicted[:, 0] if predicted.shape[1:] == (1,) else predicted
