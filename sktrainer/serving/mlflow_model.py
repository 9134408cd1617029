"""Loader of the models that the tracker "mlflow" logs.

MLflow imports this module by its name in the MLmodel file and calls `_load_pyfunc`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.exceptions import InputError, suggest_name
from sktrainer.serialization.bundle import read_bundle
from sktrainer.types import Array

METHODS = ("predict", "predict_proba", "decision_function")


class ServedModel:
    """Fitted trainer with the interface that MLflow calls.

    Parameters
    ----------
    trainer : ManagedTrainer
    """

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer

    def predict(self, X: Any, params: Mapping[str, Any] | None = None) -> Array | pd.DataFrame:
        """Return the predictions of the trainer.

        Parameters
        ----------
        X : DataFrame or ndarray
            Dates can be ISO strings, and categories their values, as in JSON.
        params : mapping or None, default=None
            ``{"method": "predict_proba"}`` for the probabilities.

        Returns
        -------
        ndarray or DataFrame
            A DataFrame has one column per class.

        Raises
        ------
        InputError
            If the model has no such method, or if the columns are not those of the fit.
        """
        method = (params or {}).get("method", "predict")
        available = [name for name in METHODS if hasattr(self.trainer, name)]
        if method not in available:
            raise InputError(
                f"method must be one of {', '.join(map(repr, available))}, got {method!r}"
                f"{suggest_name(method, available)}"
            )
        if isinstance(X, pd.DataFrame) and not hasattr(self.trainer, "feature_names_in_"):
            X = X.to_numpy()
        predicted = np.asarray(getattr(self.trainer, method)(X))
        if method == "predict_proba" and predicted.ndim == 2:
            return pd.DataFrame(predicted, columns=[str(c) for c in self.trainer.classes_])
        return predicted


def _load_pyfunc(path: str) -> ServedModel:
    """Load the model. Nothing is executed from the file, and it cannot ask for trust."""
    file = Path(path)
    return ServedModel(read_bundle(file / "model.skt" if file.is_dir() else file))
