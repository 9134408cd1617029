"""Encodings of one input column as output columns; one class per column kind.

A transform parses the values of a column (`read`) and writes them into its output columns
(`write`). These are separate methods because the training rows have already been parsed
when the column kind was detected.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np

from sktrainer.data.columns import ColumnValues
from sktrainer.data.dates import DateFormat, calendar_parts, to_datetimes
from sktrainer.data.levels import Levels
from sktrainer.data.number_formats import PLAIN, NumberFormat
from sktrainer.data.numbers import mask_number, to_numbers, to_seconds
from sktrainer.types import Array


class ColumnTransform(Protocol):
    """Protocol of the encoding of one input column."""

    @property
    def input_kind(self) -> str:
        """What the column contained in training: "numbers", "durations", "dates" or "strings".

        Other values become missing. "" for levels of several types.
        """

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the output columns."""

    @property
    def scaled(self) -> bool:
        """Whether the output columns are quantities that can be standardized."""

    def read(self, values: ColumnValues) -> Array:
        """Parse column values as numbers, datetimes or level codes."""

    def write(self, values: Array, out: Array) -> None:
        """Write parsed values into `out`, of shape (n_rows, len(names))."""


@dataclass(frozen=True)
class NumericTransform:
    """Transform of a column of numbers, booleans or durations to numbers."""

    name: str
    scaled: bool = True
    form: NumberFormat = PLAIN
    input_kind: Literal["numbers", "durations"] = "numbers"
    missing: float = math.nan

    @property
    def names(self) -> tuple[str, ...]:
        """Name of the single output column."""
        return (self.name,)

    def read(self, values: ColumnValues) -> Array:
        """Return the values as numbers, and durations in seconds; NaN if missing."""
        if self.input_kind == "durations":
            return to_seconds(values)
        return to_numbers(values, self.form)

    def write(self, values: Array, out: Array) -> None:
        """Write the numbers; NaN for the number `missing`."""
        out[:, 0] = mask_number(values, self.missing)


@dataclass(frozen=True)
class DateTransform:
    """Transform of a datetime column to calendar parts."""

    name: str
    form: DateFormat
    parts: tuple[str, ...]
    scaled: bool = True
    input_kind: ClassVar[str] = "dates"

    @property
    def names(self) -> tuple[str, ...]:
        """Column name combined with the name of each part."""
        return tuple(f"{self.name}_{part}" for part in self.parts)

    def read(self, values: ColumnValues) -> Array:
        """Return the values as datetimes; NaT if missing or not a date."""
        return to_datetimes(values, self.form)

    def write(self, values: Array, out: Array) -> None:
        """Write the calendar parts; NaN for NaT."""
        for position, part in enumerate(calendar_parts(values, self.parts)):
            out[:, position] = part


@dataclass(frozen=True)
class LevelTransform:
    """Transform of a category column that maps each level to numbers: codes or target means.

    `table` has one row per level and one column per output column. Its last row is for
    missing values and unknown levels.
    """

    names: tuple[str, ...]
    levels: Levels
    table: Array
    scaled: bool

    @property
    def input_kind(self) -> str:
        """What the column contained in training."""
        return "" if self.levels.has_numbers else "strings"

    def read(self, values: ColumnValues) -> Array:
        """Return the level codes of the values; -1 for missing values and unknown levels."""
        return self.levels.read(values)

    def write(self, values: Array, out: Array) -> None:
        """Write the numbers of the level of each value."""
        for position in range(self.table.shape[1]):
            # Code -1 selects the last row of the table.
            out[:, position] = self.table[:, position][values]


@dataclass(frozen=True)
class OneHotTransform:
    """Transform of a category column to one 0/1 column per level.

    `slots` holds the output column of each level; -1 for none. Its last entry is for
    missing values and unknown levels.
    """

    names: tuple[str, ...]
    levels: Levels
    slots: Array
    scaled: bool = False

    @property
    def input_kind(self) -> str:
        """What the column contained in training."""
        return "" if self.levels.has_numbers else "strings"

    def read(self, values: ColumnValues) -> Array:
        """Return the level codes of the values; -1 for missing values and unknown levels."""
        return self.levels.read(values)

    def write(self, values: Array, out: Array) -> None:
        """Write 1 into the column of the level of each value, and 0 elsewhere."""
        out[:] = 0
        slots = self.slots[values]
        rows = np.flatnonzero(slots >= 0)
        out[rows, slots[rows]] = 1
