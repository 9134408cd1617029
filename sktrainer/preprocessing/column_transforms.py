"""Plans that encode one input column as output columns; one class per column kind.

A plan parses the values of a column (`read`) and writes them into its output columns
(`write`). These are separate methods because the training rows have already been parsed
when the column kind was detected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from sktrainer.data.columns import ColumnValues
from sktrainer.data.dates import DateFormat, calendar_parts, to_datetimes
from sktrainer.data.levels import Levels
from sktrainer.data.numbers import to_numbers
from sktrainer.types import Array

__all__ = [
    "ColumnTransform",
    "DateTransform",
    "LevelTransform",
    "NumericTransform",
    "OneHotTransform",
]


class ColumnTransform(Protocol):
    """Protocol of the encoding of one input column.

    Attributes
    ----------
    input_kind : str
        "numbers" or "dates" if strings that cannot be parsed as such become missing.
    """

    input_kind: ClassVar[str]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the output columns."""

    @property
    def scaled(self) -> bool:
        """Whether the output columns are quantities that can be standardised."""

    def read(self, cells: ColumnValues) -> Array:
        """Parse column values as numbers, datetimes or level codes."""

    def write(self, values: Array, out: Array) -> None:
        """Write parsed values into `out`, of shape (n_rows, len(names))."""


@dataclass(frozen=True)
class NumericTransform:
    """Plan of a column of numbers or booleans, which is not transformed.

    Examples
    --------
    >>> import numpy as np
    >>> plan, out = NumericTransform("age"), np.empty((2, 1))
    >>> plan.write(plan.read(np.array([31, 45])), out)
    >>> out.tolist()
    [[31.0], [45.0]]
    """

    name: str
    scaled: bool = True
    input_kind: ClassVar[str] = "numbers"

    @property
    def names(self) -> tuple[str, ...]:
        """Name of the single output column."""
        return (self.name,)

    def read(self, cells: ColumnValues) -> Array:
        """Return the values as numbers; NaN if missing."""
        return to_numbers(cells)

    def write(self, values: Array, out: Array) -> None:
        """Write the numbers."""
        out[:, 0] = values


@dataclass(frozen=True)
class DateTransform:
    """Plan of a datetime column, which is encoded as calendar parts."""

    name: str
    form: DateFormat
    parts: tuple[str, ...]
    scaled: bool = True
    input_kind: ClassVar[str] = "dates"

    @property
    def names(self) -> tuple[str, ...]:
        """Column name combined with the name of each part."""
        return tuple(f"{self.name}_{part}" for part in self.parts)

    def read(self, cells: ColumnValues) -> Array:
        """Return the values as datetimes; NaT if missing or not a date."""
        return to_datetimes(cells, self.form)

    def write(self, values: Array, out: Array) -> None:
        """Write the calendar parts; NaN for NaT."""
        for position, part in enumerate(calendar_parts(values, self.parts)):
            out[:, position] = part


@dataclass(frozen=True)
class LevelTransform:
    """Plan of a category column that maps each level to numbers: codes or target means.

    Parameters
    ----------
    names : tuple of str
    levels : Levels
    table : ndarray of shape (n_levels + 1, len(names))
        One row per level. The last row is for missing values and unknown levels.
    scaled : bool
    """

    names: tuple[str, ...]
    levels: Levels
    table: Array
    scaled: bool
    input_kind: ClassVar[str] = ""

    def read(self, cells: ColumnValues) -> Array:
        """Return the level codes of the values; -1 for missing values and unknown levels."""
        return self.levels.read(cells)

    def write(self, values: Array, out: Array) -> None:
        """Write the numbers of the level of each value."""
        for position in range(self.table.shape[1]):
            # Code -1 selects the last row of the table.
            out[:, position] = self.table[:, position][values]


@dataclass(frozen=True)
class OneHotTransform:
    """Plan of a one-hot encoded category column, with one 0/1 column per level.

    Parameters
    ----------
    names : tuple of str
    levels : Levels
    slots : ndarray of int, shape (n_levels + 1,)
        Output column of each level; -1 for none. The last entry is for missing values and
        unknown levels.
    """

    names: tuple[str, ...]
    levels: Levels
    slots: Array
    scaled: bool = False
    input_kind: ClassVar[str] = ""

    def read(self, cells: ColumnValues) -> Array:
        """Return the level codes of the values; -1 for missing values and unknown levels."""
        return self.levels.read(cells)

    def write(self, values: Array, out: Array) -> None:
        """Write 1 into the column of the level of each value, and 0 elsewhere."""
        out[:] = 0
        slots = self.slots[values]
        rows = np.flatnonzero(slots >= 0)
        out[rows, slots[rows]] = 1
