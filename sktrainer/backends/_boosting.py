"""What the gradient boosting backends share: names, threads, and the record of the rounds.

Three rules hold for all of them.

- The trainer alone stops a fit. The models' own early-stopping parameters are set aside
  while they train and are back on them afterwards, so that two stoppers never meet.
- A scorer that the trainer watches takes the place of the model's own metrics. Where the
  trainer watches the loss, metrics that the model was given are recorded under their
  library's names, and the one that the library would stop on is watched.
- The train curve of XGBoost and LightGBM is measured on a sample of the training rows (see
  `curve_size`), because the metric of all of them in every round costs 9 to 19 % of a fit.
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
from sktrainer.running.early_stopping import WatchedMetric
from sktrainer.running.predicted import Predicted
from sktrainer.running.seeding import derive_seed
from sktrainer.types import Array, ModelFit, Rows, Scorer, Task

FEWEST_CURVE_ROWS, MOST_CURVE_ROWS = 1_000, 10_000

Convert = Callable[[float], float]
MetricTable = Mapping[str, tuple[str, Convert]]


def refuse_unsupported(model: Any, wrapper: str) -> None:
    """Refuse a model of the library that cannot be trained on rows and targets alone.

    Parameters
    ----------
    model : object
    wrapper : str
        Name of the class that the library's scikit-learn estimators derive from.

    Raises
    ------
    ParameterError
        The model ranks, needs a Dask cluster, or is no scikit-learn estimator.
    """
    ancestors = [base.__name__ for base in type(model).__mro__]
    name = type(model).__name__
    if any(ancestor.endswith("Ranker") for ancestor in ancestors):
        raise ParameterError(
            f"expected a classifier or a regressor, got the ranker {name}; rankers need "
            "query groups: train them with their library's own fit"
        )
    if any(ancestor.startswith("Dask") for ancestor in ancestors):
        raise ParameterError(
            f"expected an estimator that trains in this process, got {name}; pass the "
            f"estimator without Dask: {name.removeprefix('Dask')}"
        )
    if wrapper not in ancestors:
        raise ParameterError(
            f"expected a scikit-learn estimator, got {type(model).__module__}.{name}; pass "
            "the library's classifier or regressor"
        )


def granted_threads(asked: Any, granted: int) -> int:
    """Return the threads to use: those granted, or fewer where the user asked for fewer.

    Examples
    --------
    >>> granted_threads(None, 4), granted_threads(-1, 4), granted_threads(2, 4)
    (4, 4, 2)
    """
    return granted if asked is None or asked <= 0 else min(int(asked), granted)


def curve_size(n_train: int) -> int:
    """Return the number of training rows that the train curve is measured on.

    All of them up to 1,000, then a twentieth within 1,000 and 10,000: predicting a row costs
    about half of what training on it does (measured: LightGBM, 200,000 rows, 2.5 %).

    Examples
    --------
    >>> curve_size(800), curve_size(60_000), curve_size(1_000_000)
    (800, 3000, 10000)
    """
    return min(n_train, MOST_CURVE_ROWS, max(FEWEST_CURVE_ROWS, n_train // 20))


def train_curve_rows(request: FitRequest) -> Rows:
    """Return the training rows that the train curve is measured on.

    Where that is all of them, the very same object, which libraries can share with training;
    else a sample without replacement that depends on the seed alone.
    """
    train = request.train
    size = curve_size(len(train))
    if size == len(train):
        return train
    generator = np.random.default_rng(derive_seed(request.seed, "train curve"))
    rows = np.sort(generator.choice(len(train), size, replace=False))
    weight = None if train.sample_weight is None else train.sample_weight[rows]
    return Rows(_safe_indexing(train.X, rows), train.y[rows], weight)


def library_metric(metric: WatchedMetric, table: MetricTable) -> tuple[str, Convert] | None:
    """Return the library's own metric that equals this scorer, and the way to its sign.

    None where the library has no such metric, or where the scorer carries the name of one
    of scikit-learn's without being it.
    """
    if metric.name not in table or metric.name not in get_scorer_names():
        return None
    # Scorers do not compare; their repr names the function, its arguments and the response.
    same = repr(metric.scorer) == repr(get_scorer(metric.name))
    return table[metric.name] if same else None


def same(value: float) -> float:
    return value


def negative(value: float) -> float:
    return -value


def complement(value: float) -> float:
    return 1.0 - value


def negative_square(value: float) -> float:
    return -(value**2)


@dataclass(frozen=True)
class Names:
    """How the values that a library reports are called in the history.

    Attributes
    ----------
    scorer : str or None
        Name of the watched scorer.
    library : str or None
        The library's name of the metric that stands for the scorer.
    convert : callable
        From the library's value to the scorer's.
    loss : str or None
        The library's name of the loss; None: the first reported beside `library`; "": the
        loss is not reported.
    keep : bool
        Record the other metrics too, under the library's names.
    """

    scorer: str | None = None
    library: str | None = None
    convert: Convert = same
    loss: str | None = None
    keep: bool = False

    def translate(self, values: Mapping[str, float]) -> dict[str, float]:
        """Return the values of one part after one round, as the history names them."""
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
        if self.loss is not None:  # a library may spell out defaults: "Huber:delta=1"
            name = self.loss.partition(":")[0]
            return next((v for v in values if v.partition(":")[0] == name), "")
        others = [name for name in values if name != self.library]
        return next(iter(others or values), "")


class Recorder:
    """Hands the values of each round to the monitor, and sums the fit up at its end.

    Parameters
    ----------
    request : FitRequest
    names : Names
    """

    def __init__(self, request: FitRequest, names: Names) -> None:
        self._monitor = request.monitor
        self._names = names
        self.n_iter = 0
        self.obeys = (
            request.validation is not None and request.n_iter is None and request.monitor.stops
        )

    def record(
        self,
        iteration: int,
        values: Mapping[str, Mapping[str, float]],
        *,
        seconds: float | None = None,
    ) -> bool:
        """Record one round, counted from 1, and answer whether the library is to stop."""
        if self.n_iter == 0 and self.obeys and not values.get("validation"):
            raise ParameterError(
                "expected a metric to watch for early stopping, got a model whose own "
                "parameters switch metrics off; leave its metric unset, or name a scorer "
                "as eval_metric"
            )
        self.n_iter = iteration
        translated = {part: self._names.translate(of) for part, of in values.items() if of}
        return self._monitor.record(iteration, translated, seconds=seconds) and self.obeys

    @property
    def stopped(self) -> bool:
        """Whether the library was told to stop."""
        return self.obeys and self._monitor.stopped

    @property
    def keeps_names(self) -> bool:
        """Whether metrics that the model was given are recorded, one of them watched."""
        return self._names.keep

    @property
    def improved(self) -> bool:
        """Whether the last round was the best so far."""
        return self._monitor.improved

    @property
    def best_iteration(self) -> int:
        """The round, counted from 1, that predictions are to use the model up to."""
        return (self._monitor.best_iteration if self.obeys else None) or self.n_iter

    def outcome(self, model: Any, max_iter: int) -> ModelFit:
        """Return the fit; `max_iter` is the number of rounds that it could have gone."""
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
    """Score what a library predicts in the middle of a fit, by a scikit-learn scorer.

    Parameters
    ----------
    scorer : callable
    task : {"classification", "regression"}
    classes : ndarray of shape (n_classes,) or None
    outputs : ndarray of shape (n_samples,) or (n_samples, n_classes)
        Probabilities (of class 1 where there is one column), or numbers.
    y : ndarray of shape (n_samples,)
        Positions into `classes`, or numbers.
    weight : ndarray of shape (n_samples,) or None
        Left out where the scorer takes no weights.
    """
    X = np.empty((len(y), 0))
    weights = {"sample_weight": weight} if weight is not None and _weighs(scorer) else {}
    if task == "regression" or classes is None:
        return float(scorer(Predicted(task, None, lambda: outputs), X, y, **weights))
    proba = np.column_stack([1.0 - outputs, outputs]) if outputs.ndim == 1 else outputs
    # argmax takes the first of equals, as the libraries do: exactly one half is class 0.
    # Single precision stays: scikit-learn warns of doubles that sum to one but nearly.
    predicted = Predicted(task, classes, lambda: classes[proba.argmax(axis=1)], lambda: proba)
    return float(scorer(predicted, X, classes[y.astype(np.intp)], **weights))


def _weighs(scorer: Scorer) -> bool:
    function = getattr(scorer, "_score_func", None)
    if function is None:
        return False
    parameters = inspect.signature(function).parameters.values()
    return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)
