"""Input and output types of learning an encoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sklearn.preprocessing import OneHotEncoder, TargetEncoder

from sktrainer.encoding.table.columns import ColumnDecision
from sktrainer.encoding.table.finishing import Postprocessing
from sktrainer.encoding.table.sources import ColumnSources
from sktrainer.types import Array, Task


@dataclass(frozen=True)
class EncoderOptions:
    """Parameters of `TableEncoder` for one fit.

    `frame` states whether category codes are returned in a DataFrame. `weight` contains
    the sample weights of the training rows for the scaler.
    """

    encoding: str
    max_levels: int = 30
    impute: bool = True
    scale: bool = True
    task: Task = "classification"
    seed: Any = None
    frame: bool = False
    weight: Array | None = None


@dataclass(frozen=True)
class FittedEncoders:
    """Fitted scikit-learn encoders of the category columns."""

    onehot: OneHotEncoder | None = None
    target: TargetEncoder | None = None


class FittedTransform(Protocol):
    """Protocol of a learned encoding, pickled with the encoder."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the output columns."""

    @property
    def codes(self) -> tuple[int, ...]:
        """Positions of output columns with category codes."""

    @property
    def finish(self) -> Postprocessing:
        """The fitted final steps."""

    @property
    def sources(self) -> ColumnSources:
        """Input column of each output column."""

    def transform(self, X: Any, input_names: Sequence[str]) -> Any:
        """Encode rows; raise InputError if a column contains infinite values."""


@dataclass(frozen=True)
class FittedTable:
    """The encoding learned from the training rows, and the encoded training rows."""

    plan: FittedTransform
    decisions: tuple[ColumnDecision, ...]
    out: Any
    encoders: FittedEncoders = FittedEncoders()
