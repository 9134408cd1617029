"""The one early stopping: it keeps the history of a fit and says when to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sktrainer.types import Evaluation

Values = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class WatchedMetric:
    """What early stopping watches on the validation rows.

    Attributes
    ----------
    name : str
        "loss" (the model's own), or the scorer's name.
    scorer : callable or None
        A scikit-learn scorer; None for the loss.
    """

    name: str = "loss"
    scorer: Callable[..., float] | None = None

    @property
    def greater_is_better(self) -> bool:
        return self.scorer is not None


class Monitor:
    """Takes the metrics of each iteration and answers whether the fit is to stop.

    It belongs to one fit: its state starts here and ends with it.

    Parameters
    ----------
    metric : WatchedMetric
    n_iter_no_change : int or None, default=None
        Iterations without improvement after which `record` answers True; None: never.
    tol : float, default=0.0
        A value must be better than the best by more than this to count as better.
    on_iteration : callable or None, default=None
        Called as ``on_iteration(iteration, values)`` after each record, for progress.

    Examples
    --------
    >>> monitor = Monitor(WatchedMetric(), n_iter_no_change=2)
    >>> losses = [0.9, 0.5, 0.6, 0.7, 0.4]
    >>> [monitor.record(i, {"validation": {"loss": v}}) for i, v in enumerate(losses, 1)]
    [False, False, False, True, True]
    >>> monitor.best_iteration
    2
    """

    def __init__(
        self,
        metric: WatchedMetric,
        *,
        n_iter_no_change: int | None = None,
        tol: float = 0.0,
        on_iteration: Callable[[int, Values], Any] | None = None,
    ) -> None:
        self.metric = metric
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.evaluations: list[Evaluation] = []
        self.best_iteration: int | None = None
        self.best_value: float = math.nan
        self.improved = False
        self._name = metric.name
        self._greater_is_better = metric.greater_is_better
        self._on_iteration = on_iteration
        self._stopped = False
        self._start = time.perf_counter()

    @property
    def stops(self) -> bool:
        """Whether this fit may be stopped early at all."""
        return self.n_iter_no_change is not None

    def watch(self, name: str, *, greater_is_better: bool) -> None:
        """Say under which name the model's own metric is recorded, and which way is up.

        For a model that was given a metric of its own, while the trainer watches "loss".
        """
        self._name = name
        self._greater_is_better = greater_is_better

    def record(self, iteration: int, values: Values, *, seconds: float | None = None) -> bool:
        """Keep the values of one iteration and answer whether to stop.

        Parameters
        ----------
        iteration : int
            Counted from 1.
        values : mapping
            ``{"train": {metric: value}, "validation": {metric: value}}``, either may miss.
        seconds : float or None
            Since the fit began; None: now. NaN where the library does not say.
        """
        elapsed = time.perf_counter() - self._start if seconds is None else seconds
        for part in ("train", "validation"):
            for metric, value in values.get(part, {}).items():
                self.evaluations.append(
                    Evaluation(iteration, part, metric, float(value), elapsed)
                )
        watched = values.get("validation", {}).get(self._name)
        self.improved = (
            watched is not None and not self._stopped and self._is_better(float(watched))
        )
        if self.improved and watched is not None:
            self.best_value, self.best_iteration = float(watched), iteration
        if self._on_iteration is not None:
            self._on_iteration(iteration, values)
        # NaN from the start never improves: patience then counts from the beginning.
        waited = iteration - (self.best_iteration or 0)
        if watched is not None and self.n_iter_no_change is not None:
            self._stopped = self._stopped or waited >= self.n_iter_no_change
        return self._stopped

    def state(self) -> dict[str, Any]:
        """Return all that it knows as plain values, which `restore` takes."""
        return {
            "evaluations": [
                [e.iteration, e.set, e.metric, e.value, e.seconds] for e in self.evaluations
            ],
            "best_iteration": self.best_iteration,
            "best_value": self.best_value,
            "improved": self.improved,
            "stopped": self._stopped,
            "name": self._name,
            "greater_is_better": self._greater_is_better,
            "seconds": time.perf_counter() - self._start,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from where `state` was taken: history, best, patience and clock."""
        self.evaluations[:] = [Evaluation(*entry) for entry in state["evaluations"]]
        self.best_iteration = state["best_iteration"]
        self.best_value = float(state["best_value"])
        self.improved, self._stopped = bool(state["improved"]), bool(state["stopped"])
        self._name, self._greater_is_better = state["name"], state["greater_is_better"]
        self._start = time.perf_counter() - state["seconds"]

    @property
    def stopped(self) -> bool:
        """Whether `record` has answered True."""
        return self._stopped

    def _is_better(self, value: float) -> bool:
        if math.isnan(value):
            return False
        if math.isnan(self.best_value):
            return True
        gain = value - self.best_value if self._greater_is_better else self.best_value - value
        return gain > self.tol
