"""Last step of a fitted pipeline: a model that predicts the original labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.metaestimators import available_if

from sktrainer.data.targets import encode_target, lookup_codes
from sktrainer.scoring.probabilities import correct_priors, expand_class_columns
from sktrainer.types import Array


def _model_has(method: str) -> Callable[[DecodedModel], bool]:
    return lambda decoded: hasattr(decoded.model, method)


class DecodedModel(ClassifierMixin, BaseEstimator):
    """Classifier that was trained on class codes and predicts the original labels.

    Labels are encoded before the fit and decoded here, so that no library sees them: some
    accept only codes, and others sort or round labels in their own way. The model may lack
    classes that its training rows do not have; their probability is 0.

    Parameters
    ----------
    model : estimator
        The fitted model.
    classes : ndarray of shape (n_classes,)
        The sorted labels.
    class_codes : ndarray of shape (n_known_classes,)
        Position in `classes` of the class of each of the model's probability columns.
    reads_labels : bool, default=False
        Whether the model was trained on labels. Otherwise it was trained on the codes 0 to
        n_known_classes - 1, which number its classes in the order of `classes`.
    predict_is_argmax : bool, default=False
        Whether the model predicts the class with the highest probability.
    prior_shift : ndarray of shape (n_classes,) or None, default=None
        Shift of the class priors that `predict_proba` corrects.
    threshold : float or None, default=None
        With two classes, the probability from which `predict` predicts the class `positive`.
        None: the model decides.
    positive : int, default=1
        Position in `classes` of the positive class.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    >>> decoded = DecodedModel(model, np.array(["no", "yes"]), np.array([0, 1]))
    >>> decoded.predict([[0.0], [1.0]]).tolist()
    ['no', 'yes']
    """

    def __init__(
        self,
        model: Any,
        classes: Array,
        class_codes: Array,
        *,
        reads_labels: bool = False,
        predict_is_argmax: bool = False,
        prior_shift: Array | None = None,
        threshold: float | None = None,
        positive: int = 1,
    ) -> None:
        self.model = model
        self.classes = classes
        self.class_codes = class_codes
        self.reads_labels = reads_labels
        self.predict_is_argmax = predict_is_argmax
        self.prior_shift = prior_shift
        self.threshold = threshold
        self.positive = positive

    @property
    def classes_(self) -> Array:
        return self.classes

    @property
    def is_complete(self) -> bool:
        """Whether the model has one column per class, in the order of `classes`."""
        return bool(np.array_equal(self.class_codes, np.arange(len(self.classes))))

    def fit(self, X: Any, y: Any, **params: Any) -> DecodedModel:
        """Fit a clone of the model on the codes of other labels."""
        codes, classes = encode_target(y, "classification")
        assert classes is not None
        self.classes, self.class_codes = classes, np.arange(len(classes))
        self.model = clone(self.model).fit(X, classes if self.reads_labels else codes, **params)
        return self

    def predict_codes(self, X: Any) -> Array:
        """Predict positions in `classes`, -1 for a label that training did not have."""
        if self.threshold is not None:
            return self.codes_at_threshold(self.predict_proba(X))
        return self._codes(self._predicted(X))

    def predict(self, X: Any) -> Array:
        """Predict labels of shape (n_samples,)."""
        if self.threshold is not None:
            decided: Array = self.classes[self.predict_codes(X)]
            return decided
        predicted = self._predicted(X)
        if self.reads_labels:
            return predicted.astype(self.classes.dtype, copy=False)
        labels: Array = self.classes[self._codes(predicted)]
        return labels

    def codes_at_threshold(self, probabilities: Array) -> Array:
        """Return the class codes of probabilities that `predict_proba` returned."""
        reaches = probabilities[:, self.positive] >= self.threshold
        return np.where(reaches, self.positive, 1 - self.positive)

    def _predicted(self, X: Any) -> Array:
        predicted = np.asarray(self.model.predict(X))
        return predicted[:, 0] if predicted.shape[1:] == (1,) else predicted

    def _codes(self, predicted: Array) -> Array:
        if self.reads_labels:
            return lookup_codes(predicted, self.classes)
        codes: Array = np.sort(self.class_codes)[predicted.astype(np.intp)]
        return codes

    @available_if(_model_has("predict_proba"))
    def predict_proba(self, X: Any) -> Array:
        """Predict probabilities of shape (n_samples, n_classes)."""
        return self.corrected(self.uncorrected_proba(X))

    def uncorrected_proba(self, X: Any) -> Array:
        """Return the probabilities of the model, with one column for each of `classes`."""
        probabilities = np.asarray(self.model.predict_proba(X))
        return expand_class_columns(probabilities, self.class_codes, len(self.classes))

    def corrected(self, probabilities: Array) -> Array:
        """Correct the shift of the class priors if `prior_shift` is set."""
        if self.prior_shift is None:
            return probabilities
        return correct_priors(probabilities, self.prior_shift)

    @available_if(_model_has("decision_function"))
    def decision_function(self, X: Any) -> Array:
        """Return decision values: (n_samples,) for two classes, else one column per class."""
        values = np.asarray(self.model.decision_function(X))
        if self.is_complete:
            return values
        # A class that the model never saw gets the smallest float64, as in scikit-learn's
        # cross_val_predict.
        columns = np.column_stack([-values, values]) if values.ndim == 1 else values
        expanded = np.full((len(columns), len(self.classes)), np.finfo(np.float64).min)
        expanded[:, self.class_codes] = columns
        return expanded[:, 1] if len(self.classes) == 2 else expanded

    def __sklearn_is_fitted__(self) -> bool:
        return True
