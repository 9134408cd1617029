"""LightGBM callback that runs in each round."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

from sktrainer.backends._boosting.recorder import RoundRecorder
from sktrainer.backends._boosting.segments import SegmentHistory
from sktrainer.backends.base import FitRequest


class RoundCallback:
    """LightGBM callback that records each round and stops training.

    `last` is the last round of the training, if predictions must use the best round, or None to
    use all rounds. `history` stores LightGBM's results if the model is trained in segments.
    `params` are the parameters with which LightGBM trains, and `datasets` the binned training
    set and the named evaluation sets other than the training set.
    """

    order = 40  # LightGBM's own callbacks have an order of at most 30
    before_iteration = False

    def __init__(
        self,
        request: FitRequest,
        recorder: RoundRecorder,
        last: int | None,
        history: SegmentHistory | None = None,
    ) -> None:
        self.params: dict[str, Any] = {}
        self.datasets: tuple[Any, list[tuple[str, Any]]] | None = None
        self._checkpoint = request.checkpoint
        self._model = request.model
        self._monitor = request.monitor
        self._history = history
        self._recorder = recorder
        self._last = last
        self._best_results: list[Any] = []

    def __call__(self, env: Any) -> None:
        results = env.evaluation_result_list
        # LightGBM's early stopping uses the first metric.
        first = next((entry for entry in results if entry[0] == "validation"), None)
        if first is not None:
            self._recorder.monitor_native_metric(first[1], greater_is_better=bool(first[3]))
        values: dict[str, dict[str, float]] = {}
        for part, metric, value, *_ in results:
            values.setdefault(part, {})[metric] = float(value)
        if self._monitor.reads_models:
            self._monitor.snapshot = partial(fitted_copy, self._model, env.model)
        stop = self._recorder.record(values)
        if self._recorder.improved:
            self._best_results = results
        if self._history is not None:
            booster = env.model
            if self.datasets is None:
                named = zip(booster.name_valid_sets, booster.valid_sets, strict=True)
                self.params, self.datasets = env.params, (booster.train_set, list(named))
            self._history.add(
                [entry[:3] for entry in results],
                lambda: booster.model_to_string(num_iteration=-1).encode(),
                improved=self._recorder.improved,
            )
        if self._checkpoint is not None:
            self._checkpoint.raise_if_interrupted()
        if stop or self._recorder.n_iter == self._last:
            # LightGBM stops on this exception and sets best_iteration_ from it.
            from lightgbm.callback import EarlyStopException

            recorder = self._recorder
            best = recorder.n_iter if self._last is None else recorder.best_iteration
            raise EarlyStopException(best - 1, self._best_results or results)


def fitted_copy(model: Any, booster: Any) -> Any:
    """Return a copy of the model that predicts with a copy of the booster."""
    from lightgbm import Booster

    copied = copy.copy(model)
    copied._Booster = Booster(model_str=booster.model_to_string(num_iteration=-1))
    copied._n_features = copied._Booster.num_feature()
    copied._best_iteration, copied.fitted_ = 0, True
    return copied
