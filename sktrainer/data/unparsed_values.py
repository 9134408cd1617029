"""Warnings about the values of columns that are converted or treated as missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sktrainer.data.columns import ColumnValues
from sktrainer.data.levels import is_missing
from sktrainer.data.number_formats import is_missing_string
from sktrainer.exceptions import DataWarning, warn_caller
from sktrainer.types import Array

MAX_VALUES, MAX_COLUMNS = 3, 5


class UnparsedValues:
    """Collector of values that cannot be read, in all columns, for one warning.

    Examples
    --------
    >>> unparsed = UnparsedValues()
    >>> values = np.array([31, "?", "many", None], dtype=object)
    >>> unparsed.record("age", "numbers", values, np.array([31, np.nan, np.nan, np.nan]))
    >>> unparsed.message
    "values of another type were treated as missing: 'many' in column 'age' (numbers in \
training)"
    """

    def __init__(self) -> None:
        self._columns: list[str] = []
        self._notes: list[str] = []

    def note(self, text: str) -> None:
        """Add a note on how a column was read; "" adds nothing."""
        self._notes.extend([text] * bool(text))

    def record(self, name: str, trained_on: str, values: ColumnValues, parsed: Array) -> None:
        """Record the values of a column that were read as missing but do not mean missing.

        `trained_on` states what the column contained in training: "numbers", "dates" or
        "strings". `parsed` holds the numbers, dates or level codes read from `values`. A
        string that is no level is not recorded.
        """
        text = trained_on == "strings"
        if not text and values.dtype.kind in "iufbmM":
            return
        if text and isinstance(values.dtype, pd.StringDtype):
            return
        if isinstance(values, np.ndarray) and values.dtype == object:
            searched = [isinstance(v, str) != text for v in values]
            if not any(searched):
                return
        missing = parsed < 0 if text else pd.isna(parsed)
        if not missing.any():
            return
        distinct = pd.unique(np.asarray(values[missing], dtype=object))
        if text:
            lost = [v for v in distinct if not isinstance(v, str) and not is_missing(v)]
        else:
            lost = [v for v in distinct if isinstance(v, str) and not is_missing_string(v)]
        if lost:
            examples = [repr(v[:40]) if isinstance(v, str) else str(v)[:40] for v in lost]
            shown = _preview(examples, MAX_VALUES, ", ")
            self._columns.append(f"{shown} in column {name!r} ({trained_on} in training)")

    @property
    def message(self) -> str:
        """Text of the warning; empty if there is nothing to report."""
        columns = _preview(self._columns, MAX_COLUMNS, "; ")
        lost = columns and f"values of another type were treated as missing: {columns}"
        notes = _preview(self._notes, MAX_COLUMNS, "; ")
        return "; ".join(filter(None, (lost, notes)))

    def warn(self) -> None:
        """Issue the warning, if there is anything to report."""
        if self.message:
            warn_caller(self.message, DataWarning)


def _preview(items: Sequence[str], most: int, separator: str) -> str:
    more = f" and {len(items) - most:,} more" if len(items) > most else ""
    return separator.join(items[:most]) + more
