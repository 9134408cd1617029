"""Fitted pipeline that takes the user's table and predicts the original class labels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from sktrainer.data.indexing import as_array, is_input_dict, select_inputs
from sktrainer.data.named_columns import drop_columns
from sktrainer.data.schema import ColumnContract
from sktrainer.exceptions import InputError
from sktrainer.scoring.decoded_model import DecodedModel
from sktrainer.types import Array, Task


@dataclass(frozen=True, repr=False)
class Predictor(BaseEstimator):
    """Fitted pipeline that checks the columns of X before each prediction.

    Attributes
    ----------
    pipeline : imblearn.pipeline.Pipeline
        Its last step is a `DecodedModel` for classification and the model for regression.
    task : {"classification", "regression"}
    columns : ColumnContract
        Columns of the X that was passed to `fit`.
    inputs : tuple of str or None
        Keys of X if the model was fitted on a dict of arrays.
    target_column : str or None
        Name of the target if it was a column of X. It is dropped from X before prediction.
    metadata_columns : tuple of str
        Columns of X that were used as weights or groups. They are dropped, too.
    """

    pipeline: Any
    task: Task
    columns: ColumnContract = field(default_factory=ColumnContract)
    inputs: tuple[str, ...] | None = None
    target_column: str | None = None
    metadata_columns: tuple[str, ...] = ()

    @property
    def decoded(self) -> DecodedModel | None:
        """The last step for classification, which predicts labels; None for regression."""
        last = self.pipeline.steps[-1][1]
        return last if isinstance(last, DecodedModel) else None

    @property
    def model(self) -> Any:
        """The fitted model as its library made it."""
        return self.pipeline.steps[-1][1] if self.decoded is None else self.decoded.model

    @property
    def undecoded(self) -> Any:
        """The pipeline with the model itself as its last step."""
        *steps, (name, _) = self.pipeline.steps
        return type(self.pipeline)([*steps, (name, self.model)])

    @property
    def classes(self) -> Array | None:
        """The original labels; None for regression."""
        return None if self.decoded is None else self.decoded.classes

    @property
    def classes_(self) -> Array:
        if self.decoded is None:
            raise AttributeError("classes_")
        return self.decoded.classes

    def with_model(self, model: Any) -> Predictor:
        """Return the same steps with another fitted model."""
        *steps, (name, last) = self.pipeline.steps
        if isinstance(last, DecodedModel):
            model = DecodedModel(**{**last.get_params(deep=False), "model": model})
        return replace(self, pipeline=type(self.pipeline)([*steps, (name, model)]))

    def with_threshold(self, threshold: float, positive: int) -> Predictor:
        """Return the same pipeline with a threshold for the positive class."""
        *steps, (name, last) = self.pipeline.steps
        params = {**last.get_params(deep=False), "threshold": threshold, "positive": positive}
        model = DecodedModel(**params)
        return replace(self, pipeline=type(self.pipeline)([*steps, (name, model)]))

    def align(self, X: Any) -> Any:
        """Check the columns of X, and convert X to the form that the first step expects.

        Raises
        ------
        InputError
            If X does not have the columns that it had in `fit`, in the same order; if X is a
            dict of arrays and the model was not fitted on one, or if its keys are not those
            seen in `fit`.
        """
        if self.inputs is not None:
            return select_inputs(X, self.inputs)
        if is_input_dict(X):
            raise InputError("X is a dict of arrays, expected a table or an array as in fit")
        named = [*filter(None, [self.target_column]), *self.metadata_columns]
        X = as_array(drop_columns(X, named))
        problem = self.columns.name_problem(X)
        if problem is not None:
            raise InputError(problem)
        problems = self.columns.kind_problems(X)
        if problems:
            raise InputError(problems)
        return self.columns.with_numeric_dtypes(X)

    def encode(self, X: Any) -> Any:
        """Transform X with the fitted steps. Samplers are skipped."""
        X = self.align(X)
        for _, step in self.pipeline.steps[:-1]:
            if step != "passthrough" and hasattr(step, "transform"):
                X = step.transform(X)
        return X

    def has_method(self, method: str) -> bool:
        """Return whether the model has this method."""
        return hasattr(self.model, method)

    def predict(self, X: Any) -> Array:
        """Predict labels of shape (n_samples,), or values for regression."""
        X = self.encode(X)
        return self.predict_values(X) if self.decoded is None else self.decoded.predict(X)

    def predict_values(self, X: Any) -> Array:
        """Predict encoded rows of a regression: (n_samples,) or (n_samples, n_outputs)."""
        predicted = np.asarray(self.model.predict(X))
        # scikit-learn's own regressors return several outputs as float64.
        return predicted if predicted.ndim == 1 else predicted.astype(np.float64, copy=False)

    def predict_proba(self, X: Any) -> Array:
        """Predict probabilities of shape (n_samples, n_classes)."""
        proba: Array = self._last("predict_proba")(self.encode(X))
        return proba

    def decision_function(self, X: Any) -> Array:
        """Return decision values: (n_samples,) for two classes, else one column per class."""
        values: Array = self._last("decision_function")(self.encode(X))
        return values

    def _last(self, method: str) -> Any:
        return getattr(self.pipeline.steps[-1][1], method)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier" if self.task == "classification" else "regressor"
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return True
