"""Training in segments of rounds, so that resumed fits are bit-identical.

XGBoost and LightGBM do not expose the state of their random generators. Each segment is
therefore trained with its own seed, as a continuation of the serialized model of the previous
segment. The result depends only on those bytes, not on the process.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from sktrainer.backends._boosting.recorder import RoundRecorder
from sktrainer.checkpoints.fit import FitCheckpoint

_MODEL, _BEST_MODEL, _ROUNDS = "model", "best_model", "rounds.json"


class SegmentHistory:
    """Metrics of all rounds so far under the library's names, and the best model if needed.

    `keep_best` is for models whose later rounds change earlier ones.
    """

    def __init__(self, *, keep_best: bool) -> None:
        self.logs: dict[str, dict[str, list[float]]] = {}
        self.best_model = b""
        self._keep_best = keep_best

    def add(
        self,
        values: Iterable[tuple[str, str, float]],
        serialize: Callable[[], bytes],
        *,
        improved: bool,
    ) -> None:
        """Append the (set, metric, value) triples of a round."""
        for part, metric, value in values:
            self.logs.setdefault(part, {}).setdefault(metric, []).append(float(value))
        if improved and self._keep_best:
            self.best_model = serialize()

    def state(self) -> dict[str, bytes]:
        """Return the state as files."""
        return {_ROUNDS: json.dumps(self.logs).encode(), _BEST_MODEL: self.best_model}

    def restore(self, state: Mapping[str, bytes]) -> None:
        """Restore the state returned by `state`."""
        self.logs, self.best_model = json.loads(state[_ROUNDS]), state[_BEST_MODEL]


def train_in_segments(
    checkpoint: FitCheckpoint,
    recorder: RoundRecorder,
    history: SegmentHistory,
    max_iter: int,
    train_segment: Callable[[bytes, int, int], bytes],
) -> bytes:
    """Train up to `max_iter` rounds from the latest checkpoint; return the serialized model.

    ``train_segment(model, n_rounds, segment)`` trains `n_rounds` further rounds of a serialized
    model (``b""``: a new one), updates `recorder` and `history` in each round, and returns the
    serialized result. It is not called if training is complete.
    """
    model, length = b"", checkpoint.segment_length
    resume_point = checkpoint.restore()
    if resume_point is not None:
        recorder.n_iter, model = resume_point.iteration, resume_point.state[_MODEL]
        history.restore(resume_point.state)

    def state() -> dict[str, bytes]:
        return {_MODEL: model, **history.state()}

    with checkpoint.defer_signals():
        while recorder.n_iter < max_iter and not recorder.stopped:
            n_rounds = min(length, max_iter - recorder.n_iter)
            model = train_segment(model, n_rounds, recorder.n_iter // length)
            complete = recorder.n_iter >= max_iter or recorder.stopped
            checkpoint.save_if_due(recorder.n_iter, state, end=complete)
    # After a resume of complete training, this only marks the checkpoint as complete.
    checkpoint.save_if_due(recorder.n_iter, state, end=True)
    return model
