"""Early-stopping monitor shared by all backends. It also records the history of a fit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sktrainer.callbacks.base import MetricValues
from sktrainer.types import MetricValue, StopReason


@dataclass(frozen=True)
class EvalMetric:
    """Metric that early stopping monitors on the validation rows.

    Attributes
    ----------
    name : str
        "loss" for the model's own loss, or the name of the scorer.
    scorer : callable or None
        A scikit-learn scorer, or None for the loss.
    shown_name : str, default=""
        The name that is displayed, if it differs from `name`: "f1 ('bad')".
    """

    name: str = "loss"
    scorer: Callable[..., float] | None = None
    shown_name: str = ""

    @property
    def greater_is_better(self) -> bool:
        return self.scorer is not None


class Monitor:
    """Early-stopping monitor of a single fit.

    It receives the metrics of each iteration and decides whether to stop.

    Parameters
    ----------
    metric : EvalMetric
    n_iter_no_change : int or None, default=None
        Patience: iterations without improvement after which `record` returns True. If
        None, never stop early.
    tol : float, default=0.0
        Minimum improvement. Smaller changes do not count as an improvement.
    on_iteration : callable or None, default=None
        Called as ``on_iteration(iteration, values)`` by `record`. If it returns True, the fit
        stops.
    reads_models : bool, default=False
        Whether `on_iteration` reads `snapshot`.

    Attributes
    ----------
    evaluations : list of MetricValue
        History of the fit.
    best_iteration : int or None
        None as long as no iteration improved.
    best_value : float
    improved : bool
        Whether the last iteration is the best so far.
    stopped : bool
        Whether `record` has returned True.
    stopped_by_callback : bool
        Whether `on_iteration` has returned True.
    snapshot : callable or None
        Set by the backend if `reads_models` is True: returns a copy of the model as it is
        after the iteration that is recorded next. None: this model is not known.

    Examples
    --------
    >>> monitor = Monitor(EvalMetric(), n_iter_no_change=2)
    >>> losses = [0.9, 0.5, 0.6, 0.7, 0.4]
    >>> [monitor.record(i, {"validation": {"loss": v}}) for i, v in enumerate(losses, 1)]
    [False, False, False, True, True]
    >>> monitor.best_iteration
    2
    """

    def __init__(
        self,
        metric: EvalMetric,
        *,
        n_iter_no_change: int | None = None,
        tol: float = 0.0,
        on_iteration: Callable[[int, MetricValues], bool] | None = None,
        reads_models: bool = False,
    ) -> None:
        self.metric = metric
        self.reads_models = reads_models
        self.snapshot: Callable[[], Any] | None = None
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.evaluations: list[MetricValue] = []
        self.best_iteration: int | None = None
        self.best_value: float = math.nan
        self.improved = False
        self._name = metric.name
        self._greater_is_better = metric.greater_is_better
        self._on_iteration = on_iteration
        self.stopped = False
        self.stopped_by_callback = False
        self._n_observed = 0
        self._start = time.perf_counter()

    @property
    def stops(self) -> bool:
        """Whether early stopping is enabled."""
        return self.n_iter_no_change is not None

    @property
    def is_observed(self) -> bool:
        """Whether somebody wants to know each iteration while the fit runs."""
        return self._on_iteration is not None

    @property
    def stop_reason(self) -> StopReason:
        """Why `record` has returned True."""
        return "callback" if self.stopped_by_callback else "early_stopping"

    @property
    def patience(self) -> int | None:
        """Iterations without improvement that remain before the fit stops."""
        if self.n_iter_no_change is None:
            return None
        last = self.evaluations[-1].iteration if self.evaluations else 0
        return max(0, self.n_iter_no_change - (last - (self.best_iteration or 0)))

    @property
    def watched(self) -> tuple[str, bool]:
        """Name of the monitored metric, and whether a greater value is better."""
        return self._name, self._greater_is_better

    def set_native_metric(self, name: str, *, greater_is_better: bool) -> None:
        """Monitor a metric of the model instead of "loss".

        Used if the trainer monitors "loss" and the model has its own evaluation metric.
        """
        self._name = name
        self._greater_is_better = greater_is_better

    def record(
        self, iteration: int, values: MetricValues, *, seconds: float | None = None
    ) -> bool:
        """Record the values of one iteration and return whether to stop.

        Parameters
        ----------
        iteration : int
            Counted from 1.
        values : mapping
            ``{"train": {metric: value}, "validation": {metric: value}}``; both keys are
            optional.
        seconds : float or None
            Seconds since the start of the fit. If None, measured now. NaN if the library
            does not report it.
        """
        elapsed = time.perf_counter() - self._start if seconds is None else seconds
        for part in ("train", "validation"):
            for metric, value in values.get(part, {}).items():
                self.evaluations.append(
                    MetricValue(iteration, part, metric, float(value), elapsed)
                )
        monitored = values.get("validation", {}).get(self._name, math.nan)
        self.improved = not self.stopped and self._is_better(float(monitored))
        if self.improved:
            self.best_value, self.best_iteration = float(monitored), iteration
        if self._on_iteration is not None:
            self.observe(iteration, values)
        if self._name in values.get("validation", {}) and self.n_iter_no_change is not None:
            # If every value so far was NaN, the patience counts from the first iteration.
            n_without_gain = iteration - (self.best_iteration or 0)
            self.stopped = self.stopped or n_without_gain >= self.n_iter_no_change
        return self.stopped

    def observe(self, iteration: int, values: MetricValues) -> bool:
        """Pass an iteration to `on_iteration`, and return whether the fit stops.

        For a fit whose values are recorded after it; they are not passed again.
        """
        if self._on_iteration is not None and iteration > self._n_observed:
            self._n_observed = iteration
            if self._on_iteration(iteration, values):
                self.stopped = self.stopped_by_callback = True
        return self.stopped_by_callback

    def state_dict(self) -> dict[str, Any]:
        """Return the state as plain values, for `load_state_dict`."""
        return {
            "evaluations": [list(vars(entry).values()) for entry in self.evaluations],
            "best_iteration": self.best_iteration,
            "best_value": self.best_value,
            "improved": self.improved,
            "stopped": self.stopped,
            "name": self._name,
            "greater_is_better": self._greater_is_better,
            "seconds": time.perf_counter() - self._start,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore history, best iteration, patience and elapsed time from `state`."""
        self.evaluations[:] = [MetricValue(*entry) for entry in state["evaluations"]]
        self.best_iteration = state["best_iteration"]
        self.best_value = float(state["best_value"])
        self.improved, self.stopped = bool(state["improved"]), bool(state["stopped"])
        self._name, self._greater_is_better = state["name"], state["greater_is_better"]
        # Shift the start, so that the elapsed time continues without the interruption.
        self._start = time.perf_counter() - state["seconds"]

    def _is_better(self, value: float) -> bool:
        if math.isnan(value):
            return False
        if math.isnan(self.best_value):
            return True
        gain = value - self.best_value if self._greater_is_better else self.best_value - value
        return gain > self.tol
