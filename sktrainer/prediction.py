"""Prediction and scoring methods of the trainer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import is_regressor
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sktrainer.backends.estimators import unwrap_pipeline
from sktrainer.data.inputs import scoring_rows
from sktrainer.scoring.evaluate import score_rows
from sktrainer.scoring.predictor import Predictor
from sktrainer.scoring.scorers import Scoring, resolve_scoring
from sktrainer.types import Array, PositiveClass


def _model_has(method: str) -> Callable[[Any], bool]:
    """Return a check for `available_if`: the model, fitted or not, has this method."""

    def check(trainer: PredictMixin) -> bool:
        fitted = getattr(trainer, "_predictor", None)
        model = unwrap_pipeline(trainer.estimator).model if fitted is None else fitted.model
        getattr(model, method)  # its own AttributeError explains why a method is missing
        if method == "predict_proba" and _is_regression(trainer):
            # skorch's regressors have `predict_proba` as an alias of `predict`.
            raise AttributeError(f"a regressor has no {method}")
        return True

    return check


def _is_regression(trainer: PredictMixin) -> bool:
    fitted = getattr(trainer, "_predictor", None)
    return is_regressor(trainer) if fitted is None else bool(fitted.task == "regression")


class PredictMixin:
    """Mixin with the prediction and scoring methods, which never change the trainer."""

    estimator: Any
    scoring: Any
    pos_label_: object
    _predictor: Predictor

    def predict(self, X: Any) -> Array:
        """Predict class labels or regression values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows with the columns that were passed to `fit`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Original class labels for classification.
        """
        check_is_fitted(self)
        return self._predictor.predict(X)

    @available_if(_model_has("predict_proba"))
    def predict_proba(self, X: Any) -> Array:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            One column per class in `classes_`, including classes without training rows.
        """
        check_is_fitted(self)
        return self._predictor.predict_proba(X)

    @available_if(_model_has("predict_proba"))
    def predict_log_proba(self, X: Any) -> Array:
        """Predict the natural logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    @available_if(_model_has("decision_function"))
    def decision_function(self, X: Any) -> Array:
        """Return the decision values of the model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) for two classes, else (n_samples, n_classes)
        """
        check_is_fitted(self)
        return self._predictor.decision_function(X)

    def score(self, X: Any, y: Any = None, sample_weight: npt.ArrayLike | None = None) -> float:
        """Score rows with the first scorer of `scoring`: by default accuracy or R2.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or str
            The target, or the name of its column in X.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        float
            The score; greater is better for scikit-learn scorers.
        """
        check_is_fitted(self)
        fitted = self._predictor
        rows, targets = scoring_rows(X, y, fitted.task, fitted.classes, sample_weight)
        scoring = self._scoring().first()
        return next(iter(score_rows(fitted, rows, scoring, targets).values()))

    def _scoring(self) -> Scoring:
        """Return all scorers of the fitted trainer."""
        fitted = self._predictor
        labels = [] if fitted.classes is None else fitted.classes.tolist()
        positive = None
        if len(labels) == 2:
            code = labels.index(self.pos_label_)
            positive = PositiveClass(code, labels[code], labels[1 - code])
        return resolve_scoring(self.scoring, fitted.task, len(labels), positive)
