"""Input and result of one `partial_fit`, and the state passed to the next one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sktrainer.data.inputs import FitInputs
from sktrainer.data.schema import ColumnContract, record_columns
from sktrainer.preprocessing.table_encoder import TableEncoder
from sktrainer.reporting.report import TrainingReport
from sktrainer.scoring.predictor import Predictor
from sktrainer.training.fit_and_score import FitResult
from sktrainer.training.fit_state import FitState
from sktrainer.types import Array, MetricValue, Split

__all__ = [
    "PartialFitInputs",
    "PartialFitResult",
    "PartialFitState",
    "PreviousFit",
    "column_decisions",
    "state_after_fit",
]


@dataclass(frozen=True)
class PartialFitInputs:
    """Arguments of one `partial_fit`, as the user passed them."""

    X: Any
    y: Any
    classes: Any = None
    sample_weight: Any = None
    multi_output: bool = False

    def raw(self, *, tabular: bool = True, classes: Any = None) -> FitInputs:
        """Return the arguments in the form that the validation expects."""
        return FitInputs(
            self.X,
            self.y,
            sample_weight=self.sample_weight,
            tabular=tabular,
            multi_output=self.multi_output,
            chunk=True,
            classes=classes,
        )


@dataclass(frozen=True)
class PartialFitState:
    """State after a fit or chunk that the next chunk needs, besides the fitted pipeline.

    Attributes
    ----------
    schema : Schema
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
    evaluations : tuple of Evaluation
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

    fitted: Predictor
    stream: PartialFitState
    report: TrainingReport


@dataclass(frozen=True)
class PartialFitResult:
    """Result of one `partial_fit`."""

    run: FitResult
    split: Split
    report: TrainingReport
    stream: PartialFitState
    cv: None = None
    fingerprint: None = None


def state_after_fit(trained: FitState) -> PartialFitState:
    """Return the state after an ordinary fit, for chunks that may follow."""
    run, data = trained.run, trained.data
    return PartialFitState(
        schema=record_columns(data.X, column_decisions(run.fitted.pipeline.steps)),
        seed=trained.plan.seed,
        outputs=data.y.shape[1:],
        class_weight=run.class_weight,
        n_iter=run.fit.n_iter or 0,
        evaluations=tuple(run.fit.evaluations),
    )


def column_decisions(steps: Sequence[tuple[str, Any]]) -> tuple[Any, ...]:
    """Return the automatic preprocessor's decisions on the columns; () without one."""
    encoders = (step for _, step in steps if isinstance(step, TableEncoder))
    return next((encoder.decisions_ for encoder in encoders), ())
