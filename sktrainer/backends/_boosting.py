"""Metric names, threads and per-round recording shared by the gradient boosting backends.

All of them follow three rules.

- Only the trainer stops a fit. The models' own early-stopping parameters are removed during
  training and restored afterwards.
- If the trainer monitors a scorer, it replaces the model's own metrics. If the trainer
  monitors the loss, metrics set on the model are recorded under the library's names, and
  the metric that the library would use for early stopping is monitored.
- XGBoost and LightGBM compute the training curve on a sample of the training rows (see
  `train_curve_size`): a metric over all rows in every round takes 9 to 19 % of the fit time.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.utils import _safe_indexing

from sktrainer.backends._base import FitRequest
from sktrainer.exceptions import ParameterError
from sktrainer.running.early_stopping import EvalMetric
from sktrainer.running.predicted import CachedPredictor
from sktrainer.running.seeding import derive_seed
from sktrainer.types import Array, ModelFit, Rows, Scorer, Task

FEWEST_CURVE_ROWS, MOST_CURVE_ROWS = 1_000, 10_000

Convert = Callable[[float], float]
MetricTable = Mapping[str, tuple[str, Convert]]


def refuse_unsupported(model: Any, wrapper: str) -> None:
    """Raise an error if the model cannot be trained on X and y alone.

    Parameters
    ----------
    model : object
    wrapper : str
        Name of the base class of the library's scikit-learn estimators.

    Raises
    ------
    ParameterError
        If the model is a ranker, needs a Dask cluster, or is not a scikit-learn estimator.
    """
    ancestors = [base.__name__ for base in type(model).__mro__]
    name = type(model).__name__
    if any(ancestor.endswith("Ranker") for ancestor in ancestors):
        raise ParameterError(
            f"expected a classifier or a regressor, got the ranker {name}; rankers need "
            "query groups: call the fit method of the ranker directly"
        )
    if any(ancestor.startswith("Dask") for ancestor in ancestors):
        raise ParameterError(
            f"expected an estimator that trains in this process, got {name}; use the "
            f"estimator without Dask: {name.removeprefix('Dask')}"
        )
    if wrapper not in ancestors:
        raise ParameterError(
            f"expected a scikit-learn estimator, got {type(model).__module__}.{name}; use "
            "the classifier or regressor of the library"
        )


def resolve_n_threads(asked: Any, granted: int) -> int:
    """Return the number of threads to use: `granted`, or fewer if the user set fewer.

    Examples
    --------
    >>> granted_threads(None, 4), granted_threads(-1, 4), granted_threads(2, 4)
    (4, 4, 2)
    """
    return granted if asked is None or asked <= 0 else min(int(asked), granted)


def train_curve_size(n_train: int) -> int:
    """Return the number of training rows used to compute the training curve.

    All rows up to 1,000; otherwise 5 % of the rows, clipped to between 1,000 and 10,000.
    Predicting a row costs about half as much as training on it (LightGBM with 200,000 rows:
    2.5 % of the fit time).

    Examples
    --------
    >>> curve_size(800), curve_size(60_000), curve_size(1_000_000)
    (800, 3000, 10000)
    """
    return min(n_train, MOST_CURVE_ROWS, max(FEWEST_CURVE_ROWS, n_train // 20))


def train_curve_rows(request: FitRequest) -> Rows:
    """Return the training rows used to compute the training curve.

    If all rows are used, return the same object, so that libraries can reuse the training
    data. Otherwise draw a sample without replacement that depends only on the seed.
    """
    train = request.train
    size = train_curve_size(len(train))
    if size == len(train):
        return train
    generator = np.random.default_rng(derive_seed(request.seed, "train curve"))
    rows = np.sort(generator.choice(len(train), size, replace=False))
    weight = None if train.sample_weight is None else train.sample_weight[rows]
    return Rows(_safe_indexing(train.X, rows), train.y[rows], weight)


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


class RoundRecorder:
    """Recorder that passes the metrics of each round to the monitor and builds the result.

    Parameters
    ----------
    request : FitRequest
    names : Names
    """

    def __init__(self, request: FitRequest, names: MetricNames) -> None:
        self._monitor = request.monitor
        self._names = names
        self.n_iter = 0
        self.stops_early = (
            request.validation is not None and request.n_iter is None and request.monitor.stops
        )

    def record(
        self,
        iteration: int,
        values: Mapping[str, Mapping[str, float]],
        *,
        seconds: float | None = None,
    ) -> bool:
        """Record one round, counted from 1, and return whether the library must stop."""
        if self.n_iter == 0 and self.stops_early and not values.get("validation"):
            raise ParameterError(
                "early stopping needs a metric, but the parameters of the model disable all "
                "metrics; remove the metric parameter from the model, or set eval_metric to "
                "the name of a scorer"
            )
        self.n_iter = iteration
        translated = {part: self._names.translate(of) for part, of in values.items() if of}
        return self._monitor.record(iteration, translated, seconds=seconds) and self.stops_early

    @property
    def stopped(self) -> bool:
        """Whether early stopping ended the fit."""
        return self.stops_early and self._monitor.stopped

    @property
    def records_native_metrics(self) -> bool:
        """Whether the model's own metrics are recorded and one of them is monitored."""
        return self._names.keep

    @property
    def improved(self) -> bool:
        """Whether the last round is the best so far."""
        return self._monitor.improved

    @property
    def best_iteration(self) -> int:
        """Number of rounds that predictions use, counted from 1."""
        return (self._monitor.best_iteration if self.stops_early else None) or self.n_iter

    def outcome(self, model: Any, max_iter: int) -> ModelFit:
        """Return the result of the fit; `max_iter` is the maximum number of rounds."""
        exhausted = "converged" if self.n_iter < max_iter else "max_iter"
        return ModelFit(
            model=model,
            stop_reason="early_stopping" if self.stopped else exhausted,  # type: ignore[arg-type]
            n_iter=self.n_iter,
            best_iteration=self.best_iteration,
            evaluations=self._monitor.evaluations,
        )


def score_outputs(
    scorer: Scorer,
    task: Task,
    classes: Array | None,
    outputs: Array,
    y: Array,
    weight: Array | None,
) -> float:
    """Score the outputs that a library passes to a metric during the fit.

    Parameters
    ----------
    scorer : callable
    task : {"classification", "regression"}
    classes : ndarray of shape (n_classes,) or None
    outputs : ndarray of shape (n_samples,) or (n_samples, n_classes)
        Probabilities (of class 1 if 1-d), or predictions for regression.
    y : ndarray of shape (n_samples,)
        Positions into `classes`, or target values for regression.
    weight : ndarray of shape (n_samples,) or None
        Ignored if the scorer does not accept sample weights.
    """
    X = np.empty((len(y), 0))
    weights = {"sample_weight": weight} if weight is not None and _weighs(scorer) else {}
    if task == "regression" or classes is None:
        return float(scorer(CachedPredictor(task, None, lambda: outputs), X, y, **weights))
    proba = np.column_stack([1.0 - outputs, outputs]) if outputs.ndim == 1 else outputs
    # argmax returns the first maximum, as the libraries do: a probability of 0.5 is class 0.
    # Keep float32: converted to float64, the rows no longer sum to one exactly and
    # scikit-learn warns.
    predicted = CachedPredictor(
        task, classes, lambda: classes[proba.argmax(axis=1)], lambda: proba
    )
    return float(scorer(predicted, X, classes[y.astype(np.intp)], **weights))


def _weighs(scorer: Scorer) -> bool:
    function = getattr(scorer, "_score_func", None)
    if function is None:
        return False
    parameters = inspect.signature(function).parameters.values()
    return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)
