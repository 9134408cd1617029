"""One `partial_fit`: a chunk of rows, from its checks to the report.

    chunk ─ checks ─► CheckedData ─ learning ─► FittedModel ─► Stream, TrainingReport

The first chunk fits the steps before the model; later ones go through them as they are.
Nothing of the trainer is changed on the way: what a chunk leaves is a new value, so that a
chunk that is refused, or a step that fails, leaves what was there before.
"""

from sktrainer.incremental.learning import learn_chunk
from sktrainer.incremental.stream import Before, Chunk, Learned, Stream, stream_after

__all__ = ["Before", "Chunk", "Learned", "Stream", "learn_chunk", "stream_after"]
