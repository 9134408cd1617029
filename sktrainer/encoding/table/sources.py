"""Which input column each output column of an encoder comes from."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Sources"]


@dataclass(frozen=True)
class Sources:
    """Positions of input columns, in the order of the output columns.

    Attributes
    ----------
    values : tuple of int
        Of the columns that hold values, codes or levels.
    marks : tuple of int
        Of those after them, which mark missing cells.

    Examples
    --------
    >>> sources = Sources(values=(0, 0, 2), marks=(2,))
    >>> sources.outputs(0), sources.outputs(1), sources.outputs(2)
    ((0, 1), (), (2, 3))
    """

    values: tuple[int, ...]
    marks: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.values) + len(self.marks)

    def value_outputs(self, position: int) -> tuple[int, ...]:
        """Return the output columns that an input column's values became."""
        return tuple(at for at, source in enumerate(self.values) if source == position)

    def outputs(self, position: int) -> tuple[int, ...]:
        """Return all output columns that come from an input column."""
        found = enumerate((*self.values, *self.marks))
        return tuple(at for at, source in found if source == position)
