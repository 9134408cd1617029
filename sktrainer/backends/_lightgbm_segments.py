"""LightGBM trained in segments of rounds, so that a killed fit goes on to the same bits.

LightGBM keeps its random generators to itself. Each segment is therefore a continuation
that starts from the text of the model before it, with a seed of its own: what a process
does after a segment depends on nothing but that text. The rows are binned once.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing

from sktrainer.backends._base import FitRequest
from sktrainer.backends._boosting import Recorder, train_curve_rows
from sktrainer.backends._lightgbm_parameters import SEED, forget
from sktrainer.backends._lightgbm_rounds import Rounds
from sktrainer.running.seeding import derive_seed, root_seed, segment_seed
from sktrainer.types import Rows

__all__ = ["Segments"]

# Drawn from `seed` where they are open; given, they would start every segment alike.
_MORE_SEEDS = (
    "bagging_seed",
    "bagging_fraction_seed",
    "feature_fraction_seed",
    "drop_seed",
    "extra_seed",
    "objective_seed",
)
_BINS = "data_random_seed"
_MODEL, _ROUNDS = "model.txt", "rounds.json"

Fit = Callable[[Rows, Any, list[Any]], None]


class Segments:
    """The segments of one fit.

    Parameters
    ----------
    request : FitRequest
        With a checkpoint.
    recorder : Recorder
    rounds : Rounds
    callback : callable
        LightGBM's, called after each round; feeds `recorder` and `rounds`, where there are
        any.
    fit : callable
        Called as ``fit(rows, booster, callbacks)``: fits the wrapper, from a booster on.
    metric : callable, list of str or None
        What the wrapper is asked for as `eval_metric`.
    """

    def __init__(
        self,
        request: FitRequest,
        recorder: Recorder,
        rounds: Rounds,
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
        """Train up to `max_iter` rounds from the newest state on."""
        checkpoint, recorder = self._request.checkpoint, self._recorder
        assert checkpoint is not None
        found = checkpoint.found()
        if found is not None:
            recorder.n_iter = found.iteration
            self._keep(found.state[_MODEL].decode())
            self._rounds.restore(found.state[_ROUNDS])
        over = recorder.n_iter >= max_iter or recorder.stopped
        with checkpoint.polled(), _seeds(self._request.model) as seeds:
            while not over:
                length = min(checkpoint.segment, max_iter - recorder.n_iter)
                self._segment(length, seeds(recorder.n_iter // checkpoint.segment))
                over = recorder.n_iter >= max_iter or recorder.stopped
                checkpoint.reached(recorder.n_iter, self._state, end=over)
        if self._sets is None:
            # Found at its end: the wrapper learns classes and columns from a few rows.
            self._request.model.set_params(n_estimators=1)
            self._fit(_a_row_of_each_class(self._request), None, [])
            checkpoint.reached(recorder.n_iter, self._state, end=True)
        self._dress()

    def _state(self) -> dict[str, bytes]:
        return {_MODEL: self._text.encode(), _ROUNDS: self._rounds.state()}

    def _keep(self, text: str) -> None:
        """Take the model as every process will find it: from its text."""
        from lightgbm import Booster

        self._text, self._booster = text, Booster(model_str=text)

    def _segment(self, length: int, seeds: Mapping[str, int]) -> None:
        model, self._rounds.begin = self._request.model, self._recorder.n_iter
        if self._sets is None:
            model.set_params(n_estimators=length, **seeds)
            self._fit(self._request.train, self._booster, [self._callback])
            trained, self._sets = model.booster_, self._binned()
        else:
            trained = self._go_on(length, seeds)
        self._keep(trained.model_to_string(num_iteration=-1))

    def _binned(self) -> tuple[Any, list[tuple[str, Any]]]:
        """Return the rows that the wrapper has binned: training rows, and those watched.

        Their values, which it lets go, are wanted to go on from a model.
        """
        request, booster = self._request, self._rounds.last.model
        train, others = self._rounds.datasets
        parts = [request.train, train_curve_rows(request), request.validation]
        values = [part.X for part in parts if part is not None]
        # The train curve may be that of the training rows as they are, binned once.
        own_curve = len(others) + 1 < len(values)
        for dataset, X in zip(others, values[len(values) - len(others) :], strict=True):
            dataset.data = X
        train.data = request.train.X
        named = list(zip(booster.name_valid_sets, others, strict=True))
        return train, [*([("train", train)] if own_curve else []), *named]

    def _go_on(self, length: int, seeds: Mapping[str, int]) -> Any:
        """Train a further segment without the wrapper, which would bin the rows again."""
        import lightgbm
        from lightgbm.sklearn import _EvalFunctionWrapper, _ObjectiveFunctionWrapper

        assert self._sets is not None
        train, watched = self._sets
        params = {**self._rounds.last.params, **seeds}
        params.pop("num_iterations", None)
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

    def _dress(self) -> None:
        """Give the wrapper what its own `fit` would have left on it."""
        if self._rounds.best_model:
            self._keep(self._rounds.best_model)
        model, booster, recorder = self._request.model, self._booster, self._recorder
        scores: Any = defaultdict(OrderedDict)
        for part, metric, value in self._rounds.best:
            scores[part][metric] = value
        booster.best_score = model._best_score = scores
        booster.best_iteration = model._best_iteration = (
            recorder.best_iteration if recorder.obeys else 0
        )
        model._Booster, model._evals_result = booster, self._rounds.logs


@contextmanager
def _seeds(model: Any) -> Iterator[Callable[[int], dict[str, int]]]:
    """Yield the seeds of each segment; the model's own parameters come back at the end."""
    given = model.get_params()
    own = next(name for name in SEED if given.get(name) is not None)
    seed = root_seed(given[own])
    more = {name: int(given[name]) for name in _MORE_SEEDS if given.get(name) is not None}

    def of_segment(segment: int) -> dict[str, int]:
        seeds = {name: segment_seed(value, segment) for name, value in more.items()}
        # It decides the bins, which all segments share.
        pinned = given.get(_BINS)
        seeds[_BINS] = derive_seed(seed, _BINS) if pinned is None else pinned
        return {**seeds, own: segment_seed(seed, segment)}

    try:
        yield of_segment
    finally:
        if _BINS not in given:
            forget(model, [_BINS])
        model.set_params(**{name: given[name] for name in (own, *more)})


def _a_row_of_each_class(request: FitRequest) -> Rows:
    """Return rows that hold every class, at least two."""
    rows = np.arange(2)
    if request.task == "classification":
        _, first = np.unique(request.train.y, return_index=True)
        rows = np.union1d(rows, first)
    return Rows(_safe_indexing(request.train.X, rows), request.train.y[rows])
