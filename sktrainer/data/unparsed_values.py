"""Warnings about strings in numeric or date columns that are treated as missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sktrainer.data.columns import ColumnValues
from sktrainer.data.numbers import is_missing_string
from sktrainer.exceptions import DataWarning, warn_caller
from sktrainer.types import Array

MAX_STRINGS, MAX_COLUMNS = 3, 5


class UnparsedValues:
    """Collector of unparsable strings in all columns, for one warning.

    Examples
    --------
    >>> unparsed = UnparsedValues()
    >>> values = np.array([31, "?", "many", None], dtype=object)
    >>> unparsed.record("age", "numbers", values, np.array([31, np.nan, np.nan, np.nan]))
    >>> unparsed.message
    "text values were treated as missing: 'many' in column 'age' (numbers in training)"
    """

    def __init__(self) -> None:
        self._columns: list[str] = []

    def record(self, name: str, trained_on: str, values: ColumnValues, parsed: Array) -> None:
        """Record the strings of a column that were parsed as missing but do not mean missing.

        `trained_on` states what the column contained in training: "numbers" or "dates".
        `parsed` holds the numbers or dates parsed from `values`.
        """
        if values.dtype.kind in "iufbmM":
            return
        if isinstance(values, np.ndarray) and not any(isinstance(v, str) for v in values):
            return
        missing = pd.isna(parsed)
        if not missing.any():
            return
        lost = pd.unique(np.asarray(values[missing], dtype=object))
        strings = [s for s in lost if isinstance(s, str) and not is_missing_string(s)]
        if strings:
            shown = _preview([repr(text[:40]) for text in strings], MAX_STRINGS, ", ")
            self._columns.append(f"{shown} in column {name!r} ({trained_on} in training)")

    @property
    def message(self) -> str:
        """Text of the warning; empty if no such string was found."""
        columns = _preview(self._columns, MAX_COLUMNS, "; ")
        return columns and f"text values were treated as missing: {columns}"

    def warn(self) -> None:
        """Warn about all recorded strings."""
        if self._columns:
            warn_caller(self.message, DataWarning)


def _preview(items: Sequence[str], most: int, separator: str) -> str:
    more = f" and {len(items) - most:,} more" if len(items) > most else ""
    return separator.join(items[:most]) + more
