"""Options and result types of the table encoder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.random import RandomState
from sklearn.preprocessing import OneHotEncoder, TargetEncoder

from sktrainer.data.type_inference import ColumnDecision
from sktrainer.preprocessing.postprocessing import Postprocessing
from sktrainer.types import Array, Task


@dataclass(frozen=True)
class EncoderOptions:
    """Parameters of `TableEncoder` for one fit.

    `frame` states whether category codes are returned in a DataFrame. `weight` contains
    the sample weights of the training rows for the scaler. `missing_values` is a number that
    means missing, besides NaN, and `float64` whether the output is always float64.
    `class_names` names the classes if y holds their codes.
    """

    encoding: str
    max_levels: int = 30
    impute: bool = True
    scale: bool = True
    task: Task = "classification"
    seed: int | RandomState | None = None
    frame: bool = False
    weight: Array | None = None
    missing_values: float = math.nan
    float64: bool = False
    class_names: tuple[str, ...] | None = None


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


@dataclass(frozen=True)
class ColumnSources:
    """Position of the input column of each output column.

    `values` are the input columns of the output columns with values, codes or levels, and
    `missing_indicators` those of the missing indicators, which follow them.

    Examples
    --------
    >>> sources = ColumnSources(values=(0, 0, 2), missing_indicators=(2,))
    >>> sources.outputs(0), sources.outputs(1), sources.outputs(2)
    ((0, 1), (), (2, 3))
    """

    values: tuple[int, ...]
    missing_indicators: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.values) + len(self.missing_indicators)

    def value_outputs(self, position: int) -> tuple[int, ...]:
        """Return the output columns with the values of an input column."""
        return tuple(at for at, source in enumerate(self.values) if source == position)

    def outputs(self, position: int) -> tuple[int, ...]:
        """Return all output columns of an input column, including its indicator."""
        sources = enumerate((*self.values, *self.missing_indicators))
        return tuple(at for at, source in sources if source == position)
