"""XGBoost trained in segments of rounds, so that a killed fit goes on to the same bits.

XGBoost keeps its random generators to itself. Each segment is therefore a continuation
that starts from the bytes of the model before it, with a seed of its own: what a process
does after a segment depends on nothing but those bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from sktrainer.backends._base import FitRequest
from sktrainer.backends._boosting import Recorder
from sktrainer.running.seeding import root_seed, segment_seed

__all__ = ["Rounds", "train_in_segments"]

_MODEL, _BEST, _LOGS = "model.ubj", "best.ubj", "rounds.json"


class Rounds:
    """What XGBoost reported of all rounds so far, and the best model where that is kept.

    Parameters
    ----------
    keeps_best : bool
        The model changes the rounds before in those after: its best state is kept whole.
    """

    def __init__(self, *, keeps_best: bool) -> None:
        self.logs: dict[str, dict[str, list[float]]] = {}
        self.best: bytes | None = None
        self._keeps_best = keeps_best

    def add(self, booster: Any, evals_log: Mapping[str, Any], *, improved: bool) -> None:
        """Take the values of a round from what its callback is given."""
        for part, of_part in evals_log.items():
            for metric, values in of_part.items():
                self.logs.setdefault(part, {}).setdefault(metric, []).append(float(values[-1]))
        if improved and self._keeps_best:
            self.best = bytes(booster.save_raw("ubj"))

    def state(self) -> dict[str, bytes]:
        """Return them as files."""
        best = {} if self.best is None else {_BEST: self.best}
        return {_LOGS: json.dumps(self.logs).encode(), **best}

    def restore(self, state: Mapping[str, bytes]) -> None:
        """Go on from what `state` returned."""
        self.logs, self.best = json.loads(state[_LOGS]), state.get(_BEST)


def train_in_segments(
    request: FitRequest,
    recorder: Recorder,
    rounds: Rounds,
    max_iter: int,
    fit: Callable[[int, Any], None],
) -> None:
    """Train up to `max_iter` rounds, from the checkpoint's newest state on.

    Parameters
    ----------
    request : FitRequest
        With a checkpoint.
    recorder : Recorder
    rounds : Rounds
    max_iter : int
    fit : callable
        Called as ``fit(begin, booster)``: fits the model's `n_estimators` further rounds
        from a booster of `begin` rounds on, feeding `recorder` and `rounds`.
    """
    model, checkpoint = request.model, request.checkpoint
    assert checkpoint is not None
    content, found = b"", checkpoint.found()
    if found is not None:
        recorder.n_iter, content = found.iteration, found.state[_MODEL]
        rounds.restore(found.state)

    def go_on(length: int) -> bytes:
        model.n_estimators = length
        fit(recorder.n_iter, _booster(content) if content else None)
        return bytes(model.get_booster().save_raw("ubj"))

    over = recorder.n_iter >= max_iter or recorder.stopped
    with checkpoint.polled(), _matrices_built_once(model), _seeds(model) as seed_segment:
        if over:  # no round is trained: the wrapper learns what its `fit` leaves on it
            go_on(0)
        while not over:
            seed_segment(recorder.n_iter // checkpoint.segment)
            content = go_on(min(checkpoint.segment, max_iter - recorder.n_iter))
            over = recorder.n_iter >= max_iter or recorder.stopped
            if not over:
                checkpoint.reached(recorder.n_iter, partial(_state, content, rounds))
    checkpoint.reached(recorder.n_iter, partial(_state, content, rounds), end=True)
    model._Booster = _booster(rounds.best or content)
    model.evals_result_ = rounds.logs


def _state(content: bytes, rounds: Rounds) -> dict[str, bytes]:
    return {_MODEL: content, **rounds.state()}


def _booster(content: bytes) -> Any:
    from xgboost import Booster

    return Booster(model_file=bytearray(content))


@contextmanager
def _seeds(model: Any) -> Iterator[Callable[[int], None]]:
    """Yield what sets the seed of a segment; the model's own comes back at the end."""
    given = model.get_params()
    name = "random_state" if given.get("random_state") is not None else "seed"
    own = given[name]
    seed = root_seed(own)
    try:
        yield lambda segment: model.set_params(**{name: segment_seed(seed, segment)})
    finally:
        model.set_params(**{name: own})


@contextmanager
def _matrices_built_once(model: Any) -> Iterator[None]:
    """Let every `fit` inside use the matrices that the first one has made of the rows.

    The wrapper makes them by this method of its own, always in the same order. A version
    of XGBoost that has none makes them anew for each segment.
    """
    make = getattr(model, "_create_dmatrix", None)
    if make is None:
        yield
        return
    built: list[Any] = []
    n_asked = 0

    def create(**options: Any) -> Any:
        nonlocal n_asked
        # The training rows, the first of each `fit`, come without a reference to others.
        n_asked = 1 if options.get("ref") is None else n_asked + 1
        if n_asked > len(built):
            built.append(make(**options))
        return built[n_asked - 1]

    model._create_dmatrix = create
    try:
        yield
    finally:
        del model._create_dmatrix
