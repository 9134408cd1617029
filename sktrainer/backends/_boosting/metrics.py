"""Metrics of the boosting libraries and the scorers that they equal."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, softmax
from sklearn.metrics import get_scorer, get_scorer_names

from sktrainer.backends.base import FitRequest
from sktrainer.backends.eval_metric import call_scorer
from sktrainer.callbacks.early_stopping import EvalMetric
from sktrainer.data.predictions import CachedPredictor
from sktrainer.types import Array

Convert = Callable[[float], float]
MetricTable = Mapping[str, tuple[str, Convert]]

# Conversions of a library's value to the scorer's value.
identity: Convert = float
negative: Convert = operator.neg


def complement(value: float) -> float:
    return 1.0 - value


def negative_square(value: float) -> float:
    return -(value**2)


def equivalent_metric(metric: EvalMetric, table: MetricTable) -> tuple[str, Convert] | None:
    """Return the library metric equal to this scorer, and the conversion of its values.

    Return None if the library has no such metric, or if the scorer has the name of a
    scikit-learn scorer but is a different one.
    """
    if metric.name not in table or metric.name not in get_scorer_names():
        return None
    # Scorers do not define __eq__. Their repr has the function, its arguments and the
    # response method.
    is_same = repr(metric.scorer) == repr(get_scorer(metric.name))
    return table[metric.name] if is_same else None


def to_probabilities(raw: Array) -> Array:
    """Convert raw outputs of a classifier to probabilities (of class 1 if 1-d)."""
    return np.asarray(expit(raw) if raw.ndim == 1 else softmax(raw, axis=1))


class OutputScorer:
    """Monitored scorer, applied to the outputs that a library passes to a custom metric."""

    def __init__(self, request: FitRequest) -> None:
        assert request.monitor.metric.scorer is not None
        self._scorer = request.monitor.metric.scorer
        self.task = request.task
        is_classification = request.task == "classification"
        self.classes = np.unique(request.train.y) if is_classification else None

    def score(self, outputs: Array, y: Array, sample_weight: Array | None) -> float:
        """Return the score of the outputs of one set of rows.

        `outputs` are probabilities (of class 1 if 1-d), or predictions for regression, and `y`
        positions in `classes`, or target values.
        """
        X, classes = np.empty((len(y), 0)), self.classes
        if classes is None:
            predicted = CachedPredictor(self.task, None, lambda: outputs)
            return call_scorer(self._scorer, predicted, X, y, sample_weight)
        # argmax returns the first maximum, as the libraries do: a probability of 0.5 is class
        # 0. Keep float32: converted to float64, the rows no longer sum to one exactly and
        # scikit-learn warns.
        proba = np.column_stack([1.0 - outputs, outputs]) if outputs.ndim == 1 else outputs
        predicted = CachedPredictor(
            self.task, classes, lambda: classes[proba.argmax(axis=1)], lambda: proba
        )
        labels = classes[y.astype(np.intp)]
        return call_scorer(self._scorer, predicted, X, labels, sample_weight)


@dataclass(frozen=True)
class MetricNames:
    """Mapping from the metric names of a library to the names in the history.

    Attributes
    ----------
    scorer : str or None
        Name of the monitored scorer.
    library : str or None
        The library's name of the metric that computes the scorer.
    convert : callable
        Converts the library's value to the scorer's value.
    loss : str or None
        The library's name of the loss. None: the first reported metric other than
        `library`. "": the loss is not reported.
    keep : bool
        Record the other metrics too, under the library's names.
    unknown_loss : bool
        The loss is unknown, because the objective is user-defined. The library evaluates a
        default metric, which may not match the objective.
    """

    scorer: str | None = None
    library: str | None = None
    convert: Convert = identity
    loss: str | None = None
    keep: bool = False
    unknown_loss: bool = False

    def translate(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the metrics of one set of rows after one round under their history names."""
        loss = self._loss_name(values)
        translated = {"loss": values[loss]} if loss in values else {}
        if self.scorer is not None and self.library is not None and self.library in values:
            translated[self.scorer] = self.convert(values[self.library])
        if self.keep:
            rest = {k: v for k, v in values.items() if k not in (loss, self.library)}
            translated.update(rest)
        return translated

    def _loss_name(self, values: Mapping[str, float]) -> str:
        if self.loss is None:
            others = [name for name in values if name != self.library]
            return next(iter(others or values), "")
        if not self.loss or self.loss in values:
            return self.loss
        # A library may append defaults: "Huber:delta=1".
        name = self.loss.partition(":")[0]
        return next((v for v in values if v.partition(":")[0] == name), "")
