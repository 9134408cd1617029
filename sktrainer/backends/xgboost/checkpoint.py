"""Training of XGBoost in segments of rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sktrainer.backends._boosting.recorder import RoundRecorder
from sktrainer.backends._boosting.segments import SegmentHistory, train_in_segments
from sktrainer.backends.base import FitRequest
from sktrainer.backends.xgboost.callback import (
    make_round_callback,
    offset_callback,
    truncate_to_best,
)
from sktrainer.backends.xgboost.parameters import is_truncatable
from sktrainer.runtime.seeds import root_seed, segment_seed


def fit_in_segments(
    request: FitRequest,
    recorder: RoundRecorder,
    max_iter: int,
    callbacks: list[Any],
    fit: Callable[[Any], None],
) -> None:
    """Train up to `max_iter` rounds, starting from the latest checkpoint.

    `callbacks` are those of the user. ``fit(booster)`` trains `n_estimators` further rounds of
    a booster or of a new model (None).
    """
    from xgboost import Booster

    model, checkpoint = request.model, request.checkpoint
    assert checkpoint is not None
    truncatable = is_truncatable(model)
    history = SegmentHistory(keep_best=recorder.stops_early and not truncatable)
    params = model.get_params()
    seed_name = "random_state" if params.get("random_state") is not None else "seed"
    seed = root_seed(params[seed_name])

    def train_segment(content: bytes, n_rounds: int, segment: int) -> bytes:
        model.set_params(n_estimators=n_rounds, **{seed_name: segment_seed(seed, segment)})
        own = [offset_callback(callback, recorder.n_iter) for callback in callbacks]
        model.callbacks = [*own, make_round_callback(request, recorder, history)]
        fit(Booster(model_file=bytearray(content)) if content else None)
        return bytes(model.get_booster().save_raw("ubj"))

    try:
        with _cache_dmatrices(model):
            content = train_in_segments(checkpoint, recorder, history, max_iter, train_segment)
            if not hasattr(model, "_Booster"):
                # The checkpoint is complete: let `fit` set the attributes of the wrapper.
                train_segment(content, 0, 0)
    finally:
        model.set_params(**{seed_name: params[seed_name]})
    booster = Booster(model_file=bytearray(history.best_model or content))
    if recorder.stops_early and truncatable:
        booster = truncate_to_best(booster, recorder, request.monitor)
    model._Booster, model.evals_result_ = booster, history.logs


@contextmanager
def _cache_dmatrices(model: Any) -> Iterator[None]:
    """Reuse the DMatrix objects built by the first `fit` in all later calls of `fit`.

    The wrapper builds them with the private method `_create_dmatrix`, always in the same
    order. XGBoost versions without this method rebuild them for each segment.
    """
    create_dmatrix = getattr(model, "_create_dmatrix", None)
    if create_dmatrix is None:
        yield
        return
    cache: list[Any] = []
    n_requested = 0

    def create(**options: Any) -> Any:
        nonlocal n_requested
        # The training matrix comes first in each `fit`; it is the only one without `ref`.
        n_requested = 1 if options.get("ref") is None else n_requested + 1
        if n_requested > len(cache):
            cache.append(create_dmatrix(**options))
        return cache[n_requested - 1]

    model._create_dmatrix = create
    try:
        yield
    finally:
        del model._create_dmatrix
