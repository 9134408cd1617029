"""Training of XGBoost in segments of rounds, so that resumed fits are bit-identical.

XGBoost does not expose the state of its random generators. Each segment is therefore
trained with its own seed, as a continuation of the serialized model of the previous segment.
The result depends only on those bytes, not on the process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sktrainer.backends._boosting.recorder import RoundRecorder
from sktrainer.backends.base import FitRequest
from sktrainer.backends.xgboost.callback import MODEL_FILE, RoundHistory
from sktrainer.runtime.seeds import root_seed, segment_seed

__all__ = ["train_in_segments"]


def train_in_segments(
    request: FitRequest,
    recorder: RoundRecorder,
    rounds: RoundHistory,
    max_iter: int,
    fit: Callable[[int, Any], None],
) -> None:
    """Train up to `max_iter` rounds, starting from the latest checkpoint.

    Parameters
    ----------
    request : FitRequest
        With a checkpoint.
    recorder : Recorder
    rounds : Rounds
    max_iter : int
    fit : callable
        Called as ``fit(begin, booster)``: trains `n_estimators` further rounds on top of a
        booster with `begin` rounds, and updates `recorder` and `rounds`.
    """
    model, checkpoint = request.model, request.checkpoint
    assert checkpoint is not None
    content, found = b"", checkpoint.restore()
    if found is not None:
        recorder.n_iter, content = found.iteration, found.state[MODEL_FILE]
        rounds.restore(found.state)

    def go_on(length: int) -> bytes:
        model.n_estimators = length
        fit(recorder.n_iter, _booster(content) if content else None)
        return bytes(model.get_booster().save_raw("ubj"))

    over = recorder.n_iter >= max_iter or recorder.stopped
    with checkpoint.defer_signals(), _cache_dmatrices(model), _seeds(model) as seed_segment:
        if over:  # train no round, but let `fit` set the fitted attributes of the wrapper
            go_on(0)
        while not over:
            seed_segment(recorder.n_iter // checkpoint.segment_length)
            content = go_on(min(checkpoint.segment_length, max_iter - recorder.n_iter))
            over = recorder.n_iter >= max_iter or recorder.stopped
            if not over:
                checkpoint.save_if_due(recorder.n_iter, partial(_state, content, rounds))
    checkpoint.save_if_due(recorder.n_iter, partial(_state, content, rounds), end=True)
    model._Booster = _booster(rounds.best or content)
    model.evals_result_ = rounds.logs


def _state(content: bytes, rounds: RoundHistory) -> dict[str, bytes]:
    return {MODEL_FILE: content, **rounds.state()}


def _booster(content: bytes) -> Any:
    from xgboost import Booster

    return Booster(model_file=bytearray(content))


@contextmanager
def _seeds(model: Any) -> Iterator[Callable[[int], None]]:
    """Yield a function that sets the seed of a segment; restore the model's own at the end."""
    given = model.get_params()
    name = "random_state" if given.get("random_state") is not None else "seed"
    own = given[name]
    seed = root_seed(own)
    try:
        yield lambda segment: model.set_params(**{name: segment_seed(seed, segment)})
    finally:
        model.set_params(**{name: own})


@contextmanager
def _cache_dmatrices(model: Any) -> Iterator[None]:
    """Reuse the DMatrix objects built by the first `fit` in all later calls of `fit`.

    The wrapper builds them with the private method `_create_dmatrix`, always in the same
    order. XGBoost versions without this method rebuild them for each segment.
    """
    make = getattr(model, "_create_dmatrix", None)
    if make is None:
        yield
        return
    built: list[Any] = []
    n_asked = 0

    def create(**options: Any) -> Any:
        nonlocal n_asked
        # The training matrix comes first in each `fit`; it is the only one without `ref`.
        n_asked = 1 if options.get("ref") is None else n_asked + 1
        if n_asked > len(built):
            built.append(make(**options))
        return built[n_asked - 1]

    model._create_dmatrix = create
    try:
        yield
    finally:
        del model._create_dmatrix
