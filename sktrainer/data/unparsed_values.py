"""Warnings about strings in numeric or date columns that are treated as missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sktrainer.data.columns import ColumnValues
from sktrainer.data.numbers import is_missing_string
from sktrainer.exceptions import DataWarning, warn_caller
from sktrainer.types import Array

__all__ = ["UnparsedValues", "may_hold_strings", "unparsed_strings"]


MOST_TEXTS, MOST_COLUMNS = 3, 5


def may_hold_strings(cells: ColumnValues) -> bool:
    """Return whether the values may contain strings.

    Examples
    --------
    >>> (
    ...     may_hold_strings(np.array([1.0, np.nan])),
    ...     may_hold_strings(np.array([1, "many"], dtype=object)),
    ... )
    (False, True)
    """
    if cells.dtype.kind in "iufbmM":
        return False
    return not isinstance(cells, np.ndarray) or any(isinstance(cell, str) for cell in cells)


def unparsed_strings(cells: ColumnValues, values: Array) -> list[str]:
    """Return the distinct strings that were parsed as missing but do not mean missing.

    Parameters
    ----------
    cells : array of shape (n_rows,)
    values : ndarray of shape (n_rows,)
        Numbers or datetimes parsed from `cells`.

    Examples
    --------
    >>> cells = np.array([31, "?", "many", None], dtype=object)
    >>> unparsed_strings(cells, np.array([31, np.nan, np.nan, np.nan]))
    ['many']
    """
    missing = pd.isna(values)
    if not missing.any():
        return []
    lost = pd.unique(np.asarray(cells[missing], dtype=object))  # only the missing rows
    return [text for text in lost if isinstance(text, str) and not is_missing_string(text)]


class UnparsedValues:
    """Collector of unparsable strings in all columns, for one warning.

    Examples
    --------
    >>> strays = UnparsedValues()
    >>> strays.look("age", "numbers", np.array([31, "many"], object), np.array([31, np.nan]))
    >>> strays.message
    "text values were treated as missing: 'many' in column 'age' (numbers in training)"
    """

    def __init__(self) -> None:
        self._found: list[str] = []

    def look(self, name: str, held: str, cells: ColumnValues, values: Array) -> None:
        """Record the unparsable strings of a column that had numbers or dates in training."""
        texts = unparsed_strings(cells, values) if may_hold_strings(cells) else []
        if texts:
            shown = _some([repr(text[:40]) for text in texts], MOST_TEXTS, ", ")
            self._found.append(f"{shown} in column {name!r} ({held} in training)")

    @property
    def message(self) -> str:
        """Text of the warning; empty if no such string was found."""
        found = _some(self._found, MOST_COLUMNS, "; ")
        return found and f"text values were treated as missing: {found}"

    def warn(self) -> None:
        """Warn about all recorded strings."""
        if self._found:
            warn_caller(self.message, DataWarning)


def _some(texts: Sequence[str], most: int, between: str) -> str:
    more = f" and {len(texts) - most:,} more" if len(texts) > most else ""
    return between.join(texts[:most]) + more
