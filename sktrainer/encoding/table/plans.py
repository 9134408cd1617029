"""How each kept column becomes columns of the output; one class a kind of column.

A plan reads a column's cells (`read`) and writes what it read into its columns of the
output (`write`). The two are apart because training rows have been read already, when
they were recognised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from sktrainer.encoding.table.cells import Cells
from sktrainer.encoding.table.dates import DateFormat, calendar_parts, to_datetimes
from sktrainer.encoding.table.levels import Levels
from sktrainer.encoding.table.numeric import to_numbers
from sktrainer.types import Array


class Plan(Protocol):
    """What turns one input column into output columns.

    Attributes
    ----------
    held : str
        What the column held in training, where other texts than such are read as missing.
    """

    held: ClassVar[str]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the output columns."""

    @property
    def scaled(self) -> bool:
        """Whether the output columns are quantities, which may be standardised."""

    def read(self, cells: Cells) -> Array:
        """Turn cells into numbers, datetimes or level codes."""

    def write(self, values: Array, out: Array) -> None:
        """Write what was read into `out`, of shape (n_rows, len(names))."""


@dataclass(frozen=True)
class Numbers:
    """A column of numbers or booleans, as it is.

    Examples
    --------
    >>> import numpy as np
    >>> plan, out = Numbers("age"), np.empty((2, 1))
    >>> plan.write(plan.read(np.array([31, 45])), out)
    >>> out.tolist()
    [[31.0], [45.0]]
    """

    name: str
    scaled: bool = True
    held: ClassVar[str] = "numbers"

    @property
    def names(self) -> tuple[str, ...]:
        """The name of the one output column."""
        return (self.name,)

    def read(self, cells: Cells) -> Array:
        """Return the cells as numbers, NaN where missing."""
        return to_numbers(cells)

    def write(self, values: Array, out: Array) -> None:
        """Write the numbers."""
        out[:, 0] = values


@dataclass(frozen=True)
class Dates:
    """A column of datetimes, taken apart into calendar parts."""

    name: str
    form: DateFormat
    parts: tuple[str, ...]
    scaled: bool = True
    held: ClassVar[str] = "dates"

    @property
    def names(self) -> tuple[str, ...]:
        """The column's name with each part's."""
        return tuple(f"{self.name}_{part}" for part in self.parts)

    def read(self, cells: Cells) -> Array:
        """Return the cells as datetimes, NaT where missing or no date."""
        return to_datetimes(cells, self.form)

    def write(self, values: Array, out: Array) -> None:
        """Write the parts, NaN for NaT."""
        for position, part in enumerate(calendar_parts(values, self.parts)):
            out[:, position] = part


@dataclass(frozen=True)
class LevelValues:
    """A category column whose levels each stand for numbers: codes, or target means.

    Parameters
    ----------
    names : tuple of str
    levels : Levels
    table : ndarray of shape (n_levels + 1, len(names))
        A row a level; the last one for cells that are missing or of an unseen level.
    scaled : bool
    """

    names: tuple[str, ...]
    levels: Levels
    table: Array
    scaled: bool
    held: ClassVar[str] = ""

    def read(self, cells: Cells) -> Array:
        """Return the codes of the cells, -1 where missing or unseen."""
        return self.levels.read(cells)

    def write(self, values: Array, out: Array) -> None:
        """Write the numbers of each cell's level."""
        for position in range(self.table.shape[1]):
            out[:, position] = self.table[:, position][values]


@dataclass(frozen=True)
class OneHot:
    """A category column as one 0/1 column a level.

    Parameters
    ----------
    names : tuple of str
    levels : Levels
    slots : ndarray of int, shape (n_levels + 1,)
        The output column of each level, -1 for none; the last entry for cells that are
        missing or of an unseen level.
    """

    names: tuple[str, ...]
    levels: Levels
    slots: Array
    scaled: bool = False
    held: ClassVar[str] = ""

    def read(self, cells: Cells) -> Array:
        """Return the codes of the cells, -1 where missing or unseen."""
        return self.levels.read(cells)

    def write(self, values: Array, out: Array) -> None:
        """Write a 1 into the column of each cell's level."""
        out[:] = 0
        slots = self.slots[values]
        rows = np.flatnonzero(slots >= 0)
        out[rows, slots[rows]] = 1
