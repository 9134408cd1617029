"""Incremental training: one call of `partial_fit`, from validation to the report.

    chunk ─ checks ─► CheckedData ─ learning ─► FittedModel ─► Stream, TrainingReport

The first chunk fits the steps before the model; later chunks are transformed by them.
A chunk produces new values and does not modify the trainer, so the trainer is unchanged
after a chunk that is invalid or fails.
"""

from sktrainer.incremental.learning import learn_chunk
from sktrainer.incremental.stream import Before, Chunk, Learned, Stream, stream_after

__all__ = ["Before", "Chunk", "Learned", "Stream", "learn_chunk", "stream_after"]
