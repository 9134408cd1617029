"""Evaluation of the validation rows, temporary parameters, and other training helpers."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from sktrainer.backends._base import FitRequest
from sktrainer.backends._sklearn.losses import native_loss
from sktrainer.exceptions import InputError
from sktrainer.running.predicted import CachedPredictor
from sktrainer.types import Array, ModelFit, Rows, StopReason

__all__ = [
    "SECONDS_UNKNOWN",
    "ValidationScorer",
    "accepts_parameter",
    "balanced_class_weight",
    "fit_rows",
    "override_params",
    "watched_fit",
]

SECONDS_UNKNOWN = float("nan")


class ValidationScorer:
    """Evaluator of the metrics on the validation rows of one fit.

    Parameters
    ----------
    request : FitRequest
        With validation rows.
    """

    def __init__(self, request: FitRequest) -> None:
        assert request.validation is not None
        train_y = np.asarray(request.train.y)
        if request.task == "classification" and train_y.ndim > 1:
            raise InputError(
                "early stopping of a classifier expects one target column, got "
                f"{train_y.shape[1]}; set early_stopping=False, or fit one model per column"
            )
        self.rows = request.validation
        self.monitor = request.monitor
        self.task = request.task
        self.classes = np.unique(train_y) if request.task == "classification" else None
        self.loss = native_loss(request.model, self.task, train_y, self.rows, self.classes)
        self._scorer = request.monitor.metric.scorer
        weights = self.rows.sample_weight
        weighs = weights is not None and accepts_parameter(
            getattr(self._scorer, "_score_func", self._scorer), "sample_weight"
        )
        self._score_options = {"sample_weight": weights} if weighs else {}

    def values(self, predicted: CachedPredictor) -> dict[str, float]:
        """Return the loss and, if a scorer is monitored, its score."""
        values = {"loss": self.loss(predicted)}
        if self._scorer is not None:
            score = self._scorer(predicted, self.rows.X, self.rows.y, **self._score_options)
            values[self.monitor.metric.name] = float(score)
        return values

    def record(
        self, iteration: int, predicted: CachedPredictor, *, train_loss: float | None = None
    ) -> bool:
        """Record the metrics of one iteration and return whether to stop."""
        parts: dict[str, dict[str, float]] = {"validation": self.values(predicted)}
        if train_loss is not None:
            parts["train"] = {"loss": train_loss}
        return self.monitor.record(iteration, parts)

    def predicted(self, values: Array, decision: Array | None = None) -> CachedPredictor:
        """Wrap probabilities (classification) or predictions (regression)."""
        if self.classes is None:
            return CachedPredictor(self.task, None, predict=lambda: values)
        classes = self.classes
        return CachedPredictor(
            self.task,
            classes,
            predict=lambda: classes[np.argmax(values, axis=1)],
            predict_proba=lambda: values,
            decision_function=None if decision is None else lambda: decision,
        )

    def predicted_by(self, model: Any) -> CachedPredictor:
        """Wrap the predictions of a fitted model; they are computed on first use."""

        def source(name: str) -> Any:
            if not hasattr(model, name):
                return None
            return lambda: np.asarray(getattr(model, name)(self.rows.X))

        return CachedPredictor(
            self.task,
            self.classes,
            predict=source("predict"),
            predict_proba=source("predict_proba") if self.classes is not None else None,
            decision_function=source("decision_function"),
        )


@contextmanager
def override_params(model: Any, **values: Any) -> Iterator[dict[str, Any]]:
    """Set parameters temporarily and restore the previous values at the end.

    Yields
    ------
    dict
        The previous values.
    """
    before = {name: model.get_params(deep=False)[name] for name in values}
    model.set_params(**values)
    try:
        yield before
    finally:
        model.set_params(**before)


def fit_rows(model: Any, rows: Rows, **options: Any) -> None:
    """Call `fit` of the model, with sample weights if the rows have them."""
    if rows.sample_weight is not None:
        options["sample_weight"] = rows.sample_weight
    model.fit(rows.X, rows.y, **options)


def watched_fit(request: FitRequest, n_iter: int, *, stopped: bool) -> ModelFit:
    """Return the result of a monitored fit of `n_iter` iterations."""
    reason: StopReason = "early_stopping" if stopped else "max_iter"
    best = request.monitor.best_iteration or n_iter
    return ModelFit(request.model, reason, n_iter, best, request.monitor.evaluations)


def balanced_class_weight(
    model: Any, y: Array, sample_weight: Array | None = None
) -> dict[str, Any]:
    """Return ``class_weight="balanced"`` as an explicit dictionary of class weights.

    scikit-learn rejects "balanced" in `partial_fit` and warns about it with `warm_start`,
    because later calls may use different rows. Here all calls use the same rows.

    Parameters
    ----------
    model : estimator
    y : ndarray of shape (n_samples,)
    sample_weight : ndarray of shape (n_samples,) or None, default=None
        For models that weight the class counts (forests do, SGD does not).

    Returns
    -------
    dict
        Empty if `class_weight` is not "balanced".

    Examples
    --------
    >>> from sklearn.linear_model import SGDClassifier
    >>> model = SGDClassifier(class_weight="balanced")
    >>> labelled_weights(model, np.array(["a", "b", "b", "b"]))
    {'class_weight': {'a': 2.0, 'b': 0.6666666666666666}}
    """
    if getattr(model, "class_weight", None) != "balanced":
        return {}
    classes = np.unique(y)
    weights = compute_class_weight(
        "balanced", classes=classes, y=y, sample_weight=sample_weight
    )
    return {"class_weight": dict(zip(classes.tolist(), weights.tolist(), strict=True))}


def accepts_parameter(function: Any, parameter: str) -> bool:
    """Return whether a function has a parameter with this name."""
    try:
        return parameter in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
