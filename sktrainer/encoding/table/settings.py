"""What goes into learning an encoding, and what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sklearn.preprocessing import OneHotEncoder, TargetEncoder

from sktrainer.encoding.table.columns import ColumnDecision
from sktrainer.encoding.table.finishing import Finish
from sktrainer.encoding.table.sources import Sources
from sktrainer.types import Array, Task


@dataclass(frozen=True)
class Settings:
    """The parameters of `TableEncoder`; `frame` where codes go into a DataFrame.

    `weight` holds the weights of the training rows, by which the scaler's means and
    deviations are taken.
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
class Encoders:
    """scikit-learn's encoders, which hold what was learned of the category columns."""

    onehot: OneHotEncoder | None = None
    target: TargetEncoder | None = None


class OutputPlan(Protocol):
    """How rows are encoded; pickled with the encoder."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the output columns."""

    @property
    def codes(self) -> tuple[int, ...]:
        """Output columns that hold category codes."""

    @property
    def finish(self) -> Finish:
        """The last steps, with what they learned."""

    @property
    def sources(self) -> Sources:
        """The input column of each output column."""

    def transform(self, X: Any, input_names: Sequence[str]) -> Any:
        """Encode rows; raise InputError that names columns with infinite cells."""


@dataclass(frozen=True)
class Learned:
    """What was learned of the training rows, and these rows encoded."""

    plan: OutputPlan
    decisions: tuple[ColumnDecision, ...]
    out: Any
    encoders: Encoders = Encoders()
