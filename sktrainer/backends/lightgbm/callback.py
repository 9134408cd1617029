"""LightGBM callback that runs in each round, and the recorded metrics."""

from __future__ import annotations

import json
from typing import Any

from sktrainer.backends._boosting.recorder import RoundRecorder
from sktrainer.backends.base import FitRequest

__all__ = ["RoundCallback", "RoundHistory"]

_CALLBACK_ORDER = 40  # LightGBM's own callbacks have an order of at most 30


class RoundHistory:
    """Metrics of all rounds so far and of the best round, and optionally the best model.

    Parameters
    ----------
    keeps_best : bool
        Keep a copy of the best model, for models whose later rounds change earlier ones.

    Attributes
    ----------
    begin : int
        Number of rounds before this segment. LightGBM's own count is the number of trees,
        which is smaller if a round found no further split.
    """

    def __init__(self, *, keeps_best: bool) -> None:
        self.begin = 0
        self.best_model = ""
        self._keeps_best = keeps_best
        self.logs: dict[str, dict[str, list[float]]] = {}
        self.best: list[Any] = []
        self.last: Any = None
        self.datasets: tuple[Any, list[Any]] = (None, [])

    def add(self, env: Any, *, improved: bool) -> None:
        """Append the results of a round from the environment passed to the callback."""
        self.last = env
        self.datasets = env.model.train_set, list(env.model.valid_sets)
        results = env.evaluation_result_list
        for part, metric, value, *_ in results:
            self.logs.setdefault(part, {}).setdefault(metric, []).append(float(value))
        if improved or not self.best:
            self.best = [[part, metric, float(value)] for part, metric, value, *_ in results]
        if improved and self._keeps_best:
            self.best_model = env.model.model_to_string(num_iteration=-1)

    def state(self) -> bytes:
        """Return the state as JSON."""
        return json.dumps([self.logs, self.best, self.best_model]).encode()

    def restore(self, content: bytes) -> None:
        """Restore the state returned by `state`."""
        self.logs, self.best, self.best_model = json.loads(content)


class RoundCallback:
    """LightGBM callback that records each round and stops training.

    Parameters
    ----------
    request : FitRequest
    recorder : Recorder
    last : int or None
        Last round of the training, if predictions must use the best round; None to use all
        rounds.
    rounds : Rounds or None, default=None
        Stores LightGBM's results if the model is trained in segments.
    """

    order = _CALLBACK_ORDER
    before_iteration = False

    def __init__(
        self,
        request: FitRequest,
        recorder: RoundRecorder,
        last: int | None,
        rounds: RoundHistory | None = None,
    ) -> None:
        self._monitor = request.monitor
        self._checkpoint = request.checkpoint
        self._rounds = rounds
        self._recorder = recorder
        self._last = last
        self._best: list[Any] = []

    def __call__(self, env: Any) -> None:
        results, begin = env.evaluation_result_list, self._rounds.begin if self._rounds else 0
        iteration = begin + env.iteration - env.begin_iteration + 1
        if iteration == 1 and self._recorder.records_native_metrics:
            self._watch_first(results)
        values: dict[str, dict[str, float]] = {}
        for part, metric, value, *_ in results:
            values.setdefault(part, {})[metric] = float(value)
        stop = self._recorder.record(iteration, values)
        if self._recorder.improved:
            self._best = results
        if self._rounds is not None:
            self._rounds.add(env, improved=self._recorder.improved)
        if self._checkpoint is not None:
            self._checkpoint.raise_if_interrupted()
        if stop or iteration == self._last:
            self._end(results)

    def _watch_first(self, results: list[Any]) -> None:
        for part, metric, _, maximize, *_ in results:
            if part == "validation":
                self._monitor.set_native_metric(metric, greater_is_better=bool(maximize))
                return

    def _end(self, results: list[Any]) -> None:
        # LightGBM stops on this exception and sets best_iteration_ from it.
        from lightgbm.callback import EarlyStopException

        cuts = self._last is not None
        best = self._recorder.best_iteration if cuts else self._recorder.n_iter
        raise EarlyStopException(best - 1, self._best or results)
