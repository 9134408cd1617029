"""Evaluation of the validation rows during a fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sktrainer.backends.base import FitRequest
from sktrainer.backends.eval_metric import call_scorer
from sktrainer.backends.sklearn.train.losses import native_loss
from sktrainer.data.predictions import CachedPredictor
from sktrainer.exceptions import InputError
from sktrainer.types import Array

SECONDS_UNKNOWN = float("nan")


class ValidationScorer:
    """Evaluator of the metrics on the validation rows of one fit."""

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

    def record(
        self, iteration: int, predicted: CachedPredictor, *, train_loss: float | None = None
    ) -> bool:
        """Record the metrics of one iteration and return whether to stop."""
        metric, rows = self.monitor.metric, self.rows
        values = {"loss": self.loss(predicted)}
        if metric.scorer is not None:
            values[metric.name] = call_scorer(
                metric.scorer, predicted, rows.X, rows.y, rows.sample_weight
            )
        parts = {"validation": values}
        if train_loss is not None:
            parts["train"] = {"loss": train_loss}
        return self.monitor.record(iteration, parts)

    def predicted(self, values: Array, decision: Array | None = None) -> CachedPredictor:
        """Wrap probabilities (classification) or predictions (regression)."""
        classes = self.classes
        if classes is None:
            return CachedPredictor(self.task, None, predict=lambda: values)
        return CachedPredictor(
            self.task,
            classes,
            predict=lambda: classes[np.argmax(values, axis=1)],
            predict_proba=lambda: values,
            decision_function=None if decision is None else lambda: decision,
        )

    def predicted_by(self, model: Any) -> CachedPredictor:
        """Wrap the predictions of a fitted model; they are computed on first use."""

        def method(name: str) -> Callable[[], Array] | None:
            if not hasattr(model, name):
                return None
            return lambda: np.asarray(getattr(model, name)(self.rows.X))

        return CachedPredictor(
            self.task,
            self.classes,
            predict=lambda: np.asarray(model.predict(self.rows.X)),
            predict_proba=method("predict_proba") if self.classes is not None else None,
            decision_function=method("decision_function"),
        )
