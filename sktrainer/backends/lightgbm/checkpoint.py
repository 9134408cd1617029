"""Training of LightGBM in segments of rounds, so that resumed fits are bit-identical.

LightGBM does not expose the state of its random generators. Each segment is therefore
trained with its own seed, as a continuation of the previous segment's model in text format.
The result depends only on that text, not on the process. The rows are binned only once.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing

from sktrainer.backends._boosting.recorder import RoundRecorder, train_curve_rows
from sktrainer.backends.base import FitRequest
from sktrainer.backends.lightgbm.callback import RoundHistory
from sktrainer.backends.lightgbm.parameters import SEED, unset_params
from sktrainer.runtime.seeds import derive_seed, root_seed, segment_seed
from sktrainer.types import Rows

__all__ = ["SegmentedTraining"]

# LightGBM derives these seeds from `seed` if they are not set. If the user sets them, each
# segment needs different values; otherwise all segments would draw the same numbers.
_EXTRA_SEED_PARAMS = (
    "bagging_seed",
    "bagging_fraction_seed",
    "feature_fraction_seed",
    "drop_seed",
    "extra_seed",
    "objective_seed",
)

_BIN_SEED_PARAM = "data_random_seed"
_MODEL, _ROUNDS = "model.txt", "rounds.json"
Fit = Callable[[Rows, Any, list[Any]], None]


class SegmentedTraining:
    """Segment-wise training of one fit.

    Parameters
    ----------
    request : FitRequest
        With a checkpoint.
    recorder : Recorder
    rounds : Rounds
    callback : callable
        LightGBM callback that updates `recorder` and `rounds` after each round.
    fit : callable
        Called as ``fit(rows, booster, callbacks)``: fits the wrapper on top of a booster.
    metric : callable, list of str or None
        The `eval_metric` of the wrapper.
    """

    def __init__(
        self,
        request: FitRequest,
        recorder: RoundRecorder,
        rounds: RoundHistory,
        callback: Any,
        fit: Fit,
        metric: Any,
    ) -> None:
        self._request = request
        self._recorder = recorder
        self._rounds = rounds
        self._callback = callback
        self._fit = fit
        self._metric = metric
        self._text = ""
        self._booster: Any = None
        self._sets: tuple[Any, list[tuple[str, Any]]] | None = None

    def train(self, max_iter: int) -> None:
        """Train up to `max_iter` rounds, starting from the latest checkpoint."""
        checkpoint, recorder = self._request.checkpoint, self._recorder
        assert checkpoint is not None
        found = checkpoint.restore()
        if found is not None:
            recorder.n_iter = found.iteration
            self._keep(found.state[_MODEL].decode())
            self._rounds.restore(found.state[_ROUNDS])
        over = recorder.n_iter >= max_iter or recorder.stopped
        with checkpoint.defer_signals(), _seeds(self._request.model) as seeds:
            while not over:
                length = min(checkpoint.segment_length, max_iter - recorder.n_iter)
                self._segment(length, seeds(recorder.n_iter // checkpoint.segment_length))
                over = recorder.n_iter >= max_iter or recorder.stopped
                checkpoint.save_if_due(recorder.n_iter, self._state, end=over)
        if self._sets is None:
            # The checkpoint is complete. Fit a few rows to set classes and columns.
            self._request.model.set_params(n_estimators=1)
            self._fit(_one_row_per_class(self._request), None, [])
            checkpoint.save_if_due(recorder.n_iter, self._state, end=True)
        self._restore_wrapper()

    def _state(self) -> dict[str, bytes]:
        return {_MODEL: self._text.encode(), _ROUNDS: self._rounds.state()}

    def _keep(self, text: str) -> None:
        """Load the model from its text, exactly as a resumed process does."""
        from lightgbm import Booster

        self._text, self._booster = text, Booster(model_str=text)

    def _segment(self, length: int, seeds: Mapping[str, int]) -> None:
        model, self._rounds.begin = self._request.model, self._recorder.n_iter
        if self._sets is None:
            model.set_params(n_estimators=length, **seeds)
            self._fit(self._request.train, self._booster, [self._callback])
            trained, self._sets = model.booster_, self._binned()
        else:
            trained = self._train_segment(length, seeds)
        self._keep(trained.model_to_string(num_iteration=-1))

    def _binned(self) -> tuple[Any, list[tuple[str, Any]]]:
        """Return the binned training set and the evaluation sets that the wrapper built.

        The raw values, which the wrapper frees, are set again: LightGBM needs them to
        continue from a model.
        """
        request, booster = self._request, self._rounds.last.model
        train, others = self._rounds.datasets
        parts = [request.train, train_curve_rows(request), request.validation]
        values = [part.X for part in parts if part is not None]
        # If the training curve uses all training rows, it shares their dataset.
        own_curve = len(others) + 1 < len(values)
        for dataset, X in zip(others, values[len(values) - len(others) :], strict=True):
            dataset.data = X
        train.data = request.train.X
        named = list(zip(booster.name_valid_sets, others, strict=True))
        return train, [*([("train", train)] if own_curve else []), *named]

    def _train_segment(self, length: int, seeds: Mapping[str, int]) -> Any:
        """Train the next segment without the wrapper, which would bin the rows again."""
        import lightgbm
        from lightgbm.sklearn import _EvalFunctionWrapper, _ObjectiveFunctionWrapper

        assert self._sets is not None
        train, watched = self._sets
        params = {**self._rounds.last.params, **seeds}
        params.pop("num_iterations", None)  # it would override `length`
        own = self._request.model._objective
        feval: Any = _EvalFunctionWrapper(self._metric) if callable(self._metric) else None
        if callable(own):
            params["objective"] = _ObjectiveFunctionWrapper(own)
        return lightgbm.train(
            params,
            train,
            length,
            valid_sets=[dataset for _, dataset in watched],
            valid_names=[name for name, _ in watched],
            feval=feval,
            init_model=self._booster,
            callbacks=[self._callback],
        )

    def _restore_wrapper(self) -> None:
        """Set the fitted attributes of the wrapper, as its own `fit` does."""
        if self._rounds.best_model:
            self._keep(self._rounds.best_model)
        model, booster, recorder = self._request.model, self._booster, self._recorder
        scores: Any = defaultdict(OrderedDict)
        for part, metric, value in self._rounds.best:
            scores[part][metric] = value
        booster.best_score = model._best_score = scores
        # A best iteration of 0 makes predictions use all rounds.
        booster.best_iteration = model._best_iteration = (
            recorder.best_iteration if recorder.stops_early else 0
        )
        model._Booster, model._evals_result = booster, self._rounds.logs


@contextmanager
def _seeds(model: Any) -> Iterator[Callable[[int], dict[str, int]]]:
    """Yield a function that returns a segment's seeds; restore the parameters at the end."""
    given = model.get_params()
    own = next(name for name in SEED if given.get(name) is not None)
    seed = root_seed(given[own])
    more = {
        name: int(given[name]) for name in _EXTRA_SEED_PARAMS if given.get(name) is not None
    }

    def of_segment(segment: int) -> dict[str, int]:
        seeds = {name: segment_seed(value, segment) for name, value in more.items()}
        # This seed determines the bins, so it must be the same for all segments.
        pinned = given.get(_BIN_SEED_PARAM)
        seeds[_BIN_SEED_PARAM] = (
            derive_seed(seed, _BIN_SEED_PARAM) if pinned is None else pinned
        )
        return {**seeds, own: segment_seed(seed, segment)}

    try:
        yield of_segment
    finally:
        if _BIN_SEED_PARAM not in given:
            unset_params(model, [_BIN_SEED_PARAM])
        model.set_params(**{name: given[name] for name in (own, *more)})


def _one_row_per_class(request: FitRequest) -> Rows:
    """Return at least two rows that together contain every class."""
    rows = np.arange(2)
    if request.task == "classification":
        _, first = np.unique(request.train.y, return_index=True)
        rows = np.union1d(rows, first)
    return Rows(_safe_indexing(request.train.X, rows), request.train.y[rows])
