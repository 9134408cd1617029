"""Incremental training: one call of `partial_fit`, from validation to the report.

    chunk ─ checks ─► CheckedData ─ learning ─► FittedModel ─► Stream, TrainingReport

The first chunk fits the steps before the model; later chunks are transformed by them.
A chunk produces new values and does not modify the trainer, so the trainer is unchanged
after a chunk that is invalid or fails.
"""

from sktrainer.training.partial_fit.run import run_partial_fit
from sktrainer.training.partial_fit.state import (
    PartialFitInputs,
    PartialFitResult,
    PartialFitState,
    PreviousFit,
    state_after_fit,
)

__all__ = [
    "PartialFitInputs",
    "PartialFitResult",
    "PartialFitState",
    "PreviousFit",
    "run_partial_fit",
    "state_after_fit",
]
