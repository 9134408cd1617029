"""Metrics of the boosting libraries and the scorers that they equal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sklearn.metrics import get_scorer, get_scorer_names

from sktrainer.callbacks.early_stopping import EvalMetric

__all__ = [
    "MetricNames",
    "MetricTable",
    "complement",
    "equivalent_metric",
    "identity",
    "negative",
    "negative_square",
]

Convert = Callable[[float], float]
MetricTable = Mapping[str, tuple[str, Convert]]


def equivalent_metric(metric: EvalMetric, table: MetricTable) -> tuple[str, Convert] | None:
    """Return the library metric equal to this scorer, and the conversion of its values.

    Return None if the library has no such metric, or if the scorer has the name of a
    scikit-learn scorer but is a different one.
    """
    if metric.name not in table or metric.name not in get_scorer_names():
        return None
    # Scorers do not define __eq__. Their repr has the function, its arguments and the
    # response method.
    same = repr(metric.scorer) == repr(get_scorer(metric.name))
    return table[metric.name] if same else None


def identity(value: float) -> float:
    return value


def negative(value: float) -> float:
    return -value


def complement(value: float) -> float:
    return 1.0 - value


def negative_square(value: float) -> float:
    return -(value**2)


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
    """

    scorer: str | None = None
    library: str | None = None
    convert: Convert = identity
    loss: str | None = None
    keep: bool = False

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
        if self.loss is not None and (not self.loss or self.loss in values):
            return self.loss
        if self.loss is not None:  # a library may append defaults: "Huber:delta=1"
            name = self.loss.partition(":")[0]
            return next((v for v in values if v.partition(":")[0] == name), "")
        others = [name for name in values if name != self.library]
        return next(iter(others or values), "")
