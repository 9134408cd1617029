"""Metric names, threads and per-round recording shared by the gradient boosting backends.

All of them follow three rules.

- Only the trainer stops a fit. The models' own early-stopping parameters are removed during
  training and restored afterwards.
- If the trainer monitors a scorer, it replaces the model's own metrics. If the trainer
  monitors the loss, metrics set on the model are recorded under the library's names, and
  the metric that the library would use for early stopping is monitored. So is the default
  metric that the library evaluates for a user-defined objective, whose loss is unknown.
- XGBoost and LightGBM compute the training curve on a sample of the training rows (see
  `train_curve_size`): a metric over all rows in every round takes 9 to 19 % of the fit time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing

from sktrainer.backends._boosting.metrics import MetricNames
from sktrainer.backends.base import FitRequest
from sktrainer.exceptions import ParameterError
from sktrainer.runtime.seeds import derive_seed
from sktrainer.types import ModelFit, Rows, StopReason

FEWEST_CURVE_ROWS, MOST_CURVE_ROWS = 1_000, 10_000


def train_curve_size(n_train: int) -> int:
    """Return the number of training rows used to compute the training curve.

    All rows up to 1,000; otherwise 5 % of the rows, clipped to between 1,000 and 10,000.
    Predicting a row costs about half as much as training on it (LightGBM with 200,000 rows:
    2.5 % of the fit time).

    Examples
    --------
    >>> train_curve_size(800), train_curve_size(60_000), train_curve_size(1_000_000)
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


class RoundRecorder:
    """Recorder that passes the metrics of each round to the monitor and builds the result.

    `n_iter` is the number of rounds recorded so far, including those before a resume, and
    `stops_early` whether early stopping can end the fit.
    """

    def __init__(self, request: FitRequest, names: MetricNames) -> None:
        self._monitor = request.monitor
        self._names = names
        self.n_iter = 0
        self.stops_early = (
            request.validation is not None and request.n_iter is None and request.monitor.stops
        )

    def record(
        self, values: Mapping[str, Mapping[str, float]], *, seconds: float | None = None
    ) -> bool:
        """Record the next round and return whether the library must stop."""
        if self.n_iter == 0 and self.stops_early and not values.get("validation"):
            raise ParameterError(
                "early stopping needs a metric, but the parameters of the model disable all "
                "metrics; remove the metric parameter from the model, or set eval_metric to "
                "the name of a scorer"
            )
        self.n_iter += 1
        translated = {part: self._names.translate(of) for part, of in values.items() if of}
        stop = self._monitor.record(self.n_iter, translated, seconds=seconds)
        return stop and (self.stops_early or self._monitor.stopped_by_callback)

    def monitor_native_metric(self, name: str, *, greater_is_better: bool) -> None:
        """Monitor a metric of the model from the first round, if the trainer does not."""
        if self.n_iter == 0 and self._names.keep and self._names.scorer is None:
            self._monitor.set_native_metric(name, greater_is_better=greater_is_better)

    @property
    def stopped(self) -> bool:
        """Whether early stopping or a callback ended the fit."""
        monitor = self._monitor
        return monitor.stopped_by_callback or (self.stops_early and monitor.stopped)

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
        reason: StopReason = "converged" if self.n_iter < max_iter else "max_iter"
        if self.stopped:
            reason = self._monitor.stop_reason
        unknown = self._names.unknown_loss and self._names.scorer is None and self.stops_early
        return ModelFit(
            model=model,
            stop_reason=reason,
            n_iter=self.n_iter,
            best_iteration=self.best_iteration,
            evaluations=self._monitor.evaluations,
            metric_for_unknown_loss=self._monitor.watched[0] if unknown else None,
        )
