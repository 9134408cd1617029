"""Mapping from the output columns of an encoder to its input columns."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ColumnSources"]


@dataclass(frozen=True)
class ColumnSources:
    """Position of the input column of each output column.

    Attributes
    ----------
    values : tuple of int
        Input columns of the output columns with values, codes or levels.
    marks : tuple of int
        Input columns of the missing indicators, which follow them.

    Examples
    --------
    >>> sources = Sources(values=(0, 0, 2), marks=(2,))
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
        found = enumerate((*self.values, *self.missing_indicators))
        return tuple(at for at, source in found if source == position)
