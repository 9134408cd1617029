"""Fitted pipeline that predicts the original class labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from sktrainer.data.indexing import as_array, is_input_dict, select_inputs
from sktrainer.data.named_columns import drop_columns
from sktrainer.exceptions import InputError
from sktrainer.scoring.probabilities import correct_priors, expand_class_columns
from sktrainer.types import Array, Task


@dataclass(frozen=True, repr=False)
class Predictor(BaseEstimator):
    """Fitted pipeline that returns the original labels and one column per class.

    The model inside may know fewer classes (if its training rows lacked one) or use class
    codes (if its library does not accept labels). This class corrects for both.

    Attributes
    ----------
    pipeline : imblearn.pipeline.Pipeline
    task : {"classification", "regression"}
    classes : ndarray of shape (n_classes,) or None
        The original labels.
    class_codes : ndarray of shape (n_known_classes,) or None
        Positions in `classes` of the classes that the model knows.
    codes_as_labels : bool
        Whether the model was trained on the codes 0 to n_known_classes - 1.
    predict_is_argmax : bool
        Whether the model predicts the class with the highest probability.
    prior_shift : ndarray of shape (n_classes,) or None
        Shift of the class priors that `predict_proba` corrects.
    inputs : tuple of str or None
        Keys of X if the model was fitted on a dict of arrays.
    target_column : str or None
        Name of the target if it was a column of X. It is dropped from X before prediction.
    metadata_columns : tuple of str
        Columns of X that were used as weights or groups. They are dropped, too.
    """

    pipeline: Any
    task: Task
    classes: Array | None = None
    class_codes: Array | None = None
    codes_as_labels: bool = False
    predict_is_argmax: bool = False
    prior_shift: Array | None = None
    inputs: tuple[str, ...] | None = None
    target_column: str | None = None
    metadata_columns: tuple[str, ...] = ()

    @property
    def classes_(self) -> Array:
        if self.classes is None:
            raise AttributeError("classes_")
        return self.classes

    @property
    def model(self) -> Any:
        return self.pipeline.steps[-1][1]

    def taken(self, X: Any) -> Any:
        """Convert X to the form that the first step expects.

        Raises
        ------
        InputError
            If X is a dict of arrays and the model was not fitted on one, or if its keys
            are not those seen in `fit`.
        """
        if self.inputs is not None:
            return select_inputs(X, self.inputs)
        if is_input_dict(X):
            raise InputError("X is a dict of arrays, expected a table or an array as in fit")
        named = [*filter(None, [self.target_column]), *self.metadata_columns]
        return as_array(drop_columns(X, named))

    def encode(self, X: Any) -> Any:
        """Transform X with the fitted steps. Samplers are skipped."""
        X = self.taken(X)
        for _, step in self.pipeline.steps[:-1]:
            if step != "passthrough" and hasattr(step, "transform"):
                X = step.transform(X)
        return X

    def has_method(self, method: str) -> bool:
        """Return whether the model has this method."""
        return hasattr(self.model, method)

    def predict(self, X: Any) -> Array:
        """Predict labels of shape (n_samples,), or values for regression."""
        return self.predict_encoded(self.encode(X))

    def predict_proba(self, X: Any) -> Array:
        """Predict probabilities of shape (n_samples, n_classes)."""
        return self.proba_encoded(self.encode(X))

    def decision_function(self, X: Any) -> Array:
        """Return decision values: (n_samples,) for two classes, else one column per class."""
        return self.decision_encoded(self.encode(X))

    def predict_encoded(self, X: Any) -> Array:
        predicted = np.asarray(self.model.predict(X))
        if self.classes is None or self.class_codes is None:
            # scikit-learn's own regressors return several outputs as float64.
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
        """Return uncorrected probabilities, with one column for each of `classes`."""
        probabilities = np.asarray(self.model.predict_proba(X))
        if self.classes is None or self.class_codes is None:
            return probabilities
        return expand_class_columns(probabilities, self.class_codes, len(self.classes))

    def corrected(self, probabilities: Array) -> Array:
        """Correct the shift of the class priors if `shift` is set."""
        return (
            probabilities
            if self.prior_shift is None
            else correct_priors(probabilities, self.prior_shift)
        )

    def decision_encoded(self, X: Any) -> Array:
        values = np.asarray(self.model.decision_function(X))
        if self.classes is None or self.class_codes is None:
            return values
        if len(self.class_codes) == len(self.classes):
            return values
        # A class that the model never saw gets the smallest float64, as in scikit-learn's
        # cross_val_predict.
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
