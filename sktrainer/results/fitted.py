"""The fitted steps and model, seen as one model that speaks of the caller's classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from sktrainer.encoding.probabilities import correct_priors, expand_columns
from sktrainer.exceptions import InputError
from sktrainer.rows import as_array, expected_inputs, is_inputs, without_column
from sktrainer.types import Array, Task

__all__ = ["FittedModel"]


@dataclass(frozen=True, repr=False)
class FittedModel(BaseEstimator):
    """A fitted pipeline whose answers are in the caller's labels, a column for each class.

    The model inside may know fewer classes (its training rows lacked one) or number them
    (a library that takes no labels); this is where its answers are put right.

    Attributes
    ----------
    pipeline : imblearn.pipeline.Pipeline
    task : {"classification", "regression"}
    classes : ndarray of shape (n_classes,) or None
        The caller's labels.
    class_codes : ndarray of shape (n_known_classes,) or None
        Positions, into `classes`, of the classes that the model knows.
    codes_as_labels : bool
        The model was trained on 0 to n_known_classes - 1 in place of labels.
    likeliest : bool
        The model predicts the class of the highest probability.
    shift : ndarray of shape (n_classes,) or None
        Shift of the class priors that `predict_proba` is to undo.
    inputs : tuple of str or None
        The names of the arrays that X is a dict of, where it is one.
    target_column : str or None
        The column of X that was the target, where it was one: a table may still have it.
    """

    pipeline: Any
    task: Task
    classes: Array | None = None
    class_codes: Array | None = None
    codes_as_labels: bool = False
    likeliest: bool = False
    shift: Array | None = None
    inputs: tuple[str, ...] | None = None
    target_column: str | None = None

    @property
    def classes_(self) -> Array:
        if self.classes is None:
            raise AttributeError("classes_")
        return self.classes

    @property
    def model(self) -> Any:
        return self.pipeline.steps[-1][1]

    def taken(self, X: Any) -> Any:
        """Return rows as the first step takes them.

        Raises
        ------
        InputError
            X is a dict of arrays and that of the fit was none, or has other names.
        """
        if self.inputs is not None:
            return expected_inputs(X, self.inputs)
        if is_inputs(X):
            raise InputError("X must be a table or an array, as in fit, got a dict of arrays")
        if self.target_column is not None and self.target_column in getattr(X, "columns", ()):
            return without_column(X, self.target_column)
        return as_array(X)

    def encode(self, X: Any) -> Any:
        """Send rows through the fitted steps; samplers let them pass."""
        X = self.taken(X)
        for _, step in self.pipeline.steps[:-1]:
            if step != "passthrough" and hasattr(step, "transform"):
                X = step.transform(X)
        return X

    def can(self, method: str) -> bool:
        """Tell whether the model has this method."""
        return hasattr(self.model, method)

    def predict(self, X: Any) -> Array:
        """Predict labels, shape (n_samples,), or numbers."""
        return self.predict_encoded(self.encode(X))

    def predict_proba(self, X: Any) -> Array:
        """Predict probabilities, shape (n_samples, n_classes)."""
        return self.proba_encoded(self.encode(X))

    def decision_function(self, X: Any) -> Array:
        """Return the decision values, (n_samples,) for two classes, else a column a class."""
        return self.decision_encoded(self.encode(X))

    def predict_encoded(self, X: Any) -> Array:
        predicted = np.asarray(self.model.predict(X))
        if self.classes is None or self.class_codes is None:
            # Several outputs come as float64, as scikit-learn's own regressors give them.
            return (
                predicted if predicted.ndim == 1 else predicted.astype(np.float64, copy=False)
            )
        if predicted.ndim == 2 and predicted.shape[1] == 1:
            predicted = predicted[:, 0]
        if self.codes_as_labels:
            return self.classes[self.class_codes][predicted.astype(np.intp)]
        return predicted.astype(self.classes.dtype, copy=False)

    def proba_encoded(self, X: Any) -> Array:
        return self.corrected(self.model_proba_encoded(X))

    def model_proba_encoded(self, X: Any) -> Array:
        """Return the model's own probabilities, with a column for each of `classes`."""
        probabilities = np.asarray(self.model.predict_proba(X))
        if self.classes is None or self.class_codes is None:
            return probabilities
        return expand_columns(probabilities, self.class_codes, len(self.classes))

    def corrected(self, probabilities: Array) -> Array:
        """Undo the shift of the class priors, where that is asked for."""
        return (
            probabilities if self.shift is None else correct_priors(probabilities, self.shift)
        )

    def decision_encoded(self, X: Any) -> Array:
        values = np.asarray(self.model.decision_function(X))
        if self.classes is None or self.class_codes is None:
            return values
        if len(self.class_codes) == len(self.classes):
            return values
        # A class that the model never saw gets the least value there is, as in
        # scikit-learn's cross_val_predict.
        columns = np.column_stack([-values, values]) if values.ndim == 1 else values
        expanded = np.full((len(columns), len(self.classes)), np.finfo(np.float64).min)
        expanded[:, self.class_codes] = columns
        return expanded

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier" if self.task == "classification" else "regressor"
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return True
