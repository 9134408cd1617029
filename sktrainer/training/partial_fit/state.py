"""Result of one `partial_fit`, and the state passed to the next one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sktrainer.data.schema import ColumnContract, record_columns
from sktrainer.data.type_inference import ColumnDecision
from sktrainer.preprocessing.table_encoder import TableEncoder
from sktrainer.reporting.report import TrainingReport
from sktrainer.scoring.predictor import Predictor
from sktrainer.types import Array, MetricValue, Split

if TYPE_CHECKING:  # a trainer that only predicts loads its state without these
    from sktrainer.training.fit_and_score import FitResult
    from sktrainer.training.run import FitState


@dataclass(frozen=True)
class PartialFitState:
    """State after a fit or chunk that the next chunk needs, besides the fitted pipeline.

    Attributes
    ----------
    schema : ColumnContract
        Names and kinds of the columns in the first chunk or the fit.
    seed : int
        Root seed, from which all other seeds are derived.
    outputs : tuple of int
        Shape of the target of one row.
    class_weight : ndarray of shape (n_classes,) or None
        Class weights computed on the first chunk or in the fit, if used.
    class_counts : ndarray of shape (n_classes,) or None
        Number of rows of each class in all chunks so far.
    n_iter : int
        Number of chunks, plus the iterations of an initial fit.
    n_chunks, n_rows : int
        Number of chunks, and of their rows with a positive weight. A fit does not count.
    seconds : float
        Total training time of the model.
    evaluations : tuple of MetricValue
    """

    schema: ColumnContract
    seed: int
    outputs: tuple[int, ...] = ()
    class_weight: Array | None = None
    class_counts: Array | None = None
    n_iter: int = 0
    n_chunks: int = 0
    n_rows: int = 0
    seconds: float = 0.0
    evaluations: tuple[MetricValue, ...] = ()


@dataclass(frozen=True)
class PreviousFit:
    """State of a trainer before a chunk that is not its first."""

    predictor: Predictor
    state: PartialFitState
    report: TrainingReport


@dataclass(frozen=True)
class PartialFitResult:
    """Result of one `partial_fit`."""

    result: FitResult
    split: Split
    report: TrainingReport
    state: PartialFitState
    cv: None = None
    fingerprint: None = None


def state_after_fit(fitted: FitState) -> PartialFitState:
    """Return the state after an ordinary fit, for chunks that may follow."""
    result, data = fitted.result, fitted.data
    return PartialFitState(
        schema=record_columns(data.X, column_decisions(result.predictor.pipeline.steps)),
        seed=fitted.plan.seed,
        outputs=data.y.shape[1:],
        class_weight=result.prepared.class_weight,
        n_iter=result.fit.n_iter or 0,
        evaluations=tuple(result.fit.evaluations),
    )


def column_decisions(steps: Sequence[tuple[str, Any]]) -> tuple[ColumnDecision, ...]:
    """Return the automatic preprocessor's decisions on the columns; () without one."""
    encoders = (step for _, step in steps if isinstance(step, TableEncoder))
    return next((encoder.decisions_ for encoder in encoders), ())
