"""What goes into one `partial_fit`, and what it leaves for the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sktrainer.encoding.table.schema import Schema, schema_of
from sktrainer.encoding.table_encoder import TableEncoder
from sktrainer.flow import Run
from sktrainer.results.fitted import FittedModel
from sktrainer.results.report import TrainingReport
from sktrainer.stages.checks import RawInput
from sktrainer.training import Trained
from sktrainer.types import Array, Evaluation, Split

__all__ = ["Before", "Chunk", "Learned", "Stream", "decisions_in", "stream_after"]


@dataclass(frozen=True)
class Chunk:
    """The arguments of one `partial_fit`, as they came."""

    X: Any
    y: Any
    classes: Any = None
    sample_weight: Any = None
    multi_output: bool = False

    def raw(self, *, tabular: bool = True, classes: Any = None) -> RawInput:
        """Return them as the checks take them."""
        return RawInput(
            self.X,
            self.y,
            sample_weight=self.sample_weight,
            tabular=tabular,
            multi_output=self.multi_output,
            chunk=True,
            classes=classes,
        )


@dataclass(frozen=True)
class Stream:
    """What the chunks (or the fit) before leave for the next, besides the fitted pipeline.

    Attributes
    ----------
    schema : Schema
        What the columns of the first rows held.
    seed : int
        The one that all others come from.
    outputs : tuple of int
        The shape of one row's target.
    class_weight : ndarray of shape (n_classes,) or None
        The weights that the first rows gave the classes, where they did.
    class_counts : ndarray of shape (n_classes,) or None
        Rows of each class in the chunks so far.
    n_iter : int
        Iterations of the fit before, if there was one, and chunks.
    n_chunks, n_rows : int
        Of `partial_fit` alone; rows of weight zero do not count.
    seconds : float
        That the steps of the model have taken.
    evaluations : tuple of Evaluation
    """

    schema: Schema
    seed: int
    outputs: tuple[int, ...] = ()
    class_weight: Array | None = None
    class_counts: Array | None = None
    n_iter: int = 0
    n_chunks: int = 0
    n_rows: int = 0
    seconds: float = 0.0
    evaluations: tuple[Evaluation, ...] = ()


@dataclass(frozen=True)
class Before:
    """A trainer as it stands before a chunk that is not its first."""

    fitted: FittedModel
    stream: Stream
    report: TrainingReport


@dataclass(frozen=True)
class Learned:
    """All that one `partial_fit` leaves behind."""

    run: Run
    split: Split
    report: TrainingReport
    stream: Stream
    cv: None = None
    fingerprint: None = None


def stream_after(trained: Trained) -> Stream:
    """Return what an ordinary fit leaves for chunks that may follow."""
    run, data = trained.run, trained.data
    return Stream(
        schema=schema_of(data.X, decisions_in(run.fitted.pipeline.steps)),
        seed=trained.recipe.seed,
        outputs=data.y.shape[1:],
        class_weight=run.class_weight,
        n_iter=run.fit.n_iter or 0,
        evaluations=tuple(run.fit.evaluations),
    )


def decisions_in(steps: Sequence[tuple[str, Any]]) -> tuple[Any, ...]:
    """Return what the automatic preprocessor found in each column, () where there is none."""
    encoders = (step for _, step in steps if isinstance(step, TableEncoder))
    return next((encoder.decisions_ for encoder in encoders), ())
