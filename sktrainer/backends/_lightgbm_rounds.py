"""What LightGBM calls in each round, and what is kept of the rounds."""

from __future__ import annotations

import json
from typing import Any

from sktrainer.backends._base import FitRequest
from sktrainer.backends._boosting import Recorder

__all__ = ["Live", "Rounds"]

_AFTER_ALL_OTHERS = 40  # LightGBM's own callbacks go up to 30


class Rounds:
    """What LightGBM reported of all rounds so far, and of the best one.

    Parameters
    ----------
    keeps_best : bool
        The model changes the rounds before in those after: its best state is kept whole.

    Attributes
    ----------
    begin : int
        Rounds before those of this segment. LightGBM would count the trees in their place,
        which are fewer where it found nothing more to split.
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
        """Take the results of a round from what its callback is given."""
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
        """Return them as text."""
        return json.dumps([self.logs, self.best, self.best_model]).encode()

    def restore(self, content: bytes) -> None:
        """Go on from what `state` returned."""
        self.logs, self.best, self.best_model = json.loads(content)


class Live:
    """LightGBM callback: tells the recorder each round and ends training on its answer.

    Parameters
    ----------
    request : FitRequest
    recorder : Recorder
    last : int or None
        The round after which training ends by itself, where predictions are to use the
        best one; None where the model is kept whole.
    rounds : Rounds or None, default=None
        Takes what LightGBM reported, where the fit goes in segments.
    """

    order = _AFTER_ALL_OTHERS
    before_iteration = False

    def __init__(
        self,
        request: FitRequest,
        recorder: Recorder,
        last: int | None,
        rounds: Rounds | None = None,
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
        if iteration == 1 and self._recorder.keeps_names:
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
            self._checkpoint.poll()
        if stop or iteration == self._last:
            self._end(results)

    def _watch_first(self, results: list[Any]) -> None:
        for part, metric, _, maximize, *_ in results:
            if part == "validation":
                self._monitor.watch(metric, greater_is_better=bool(maximize))
                return

    def _end(self, results: list[Any]) -> None:
        # The exception is LightGBM's own word for "stop"; it sets best_iteration_.
        from lightgbm.callback import EarlyStopException

        cuts = self._last is not None
        best = self._recorder.best_iteration if cuts else self._recorder.n_iter
        raise EarlyStopException(best - 1, self._best or results)
