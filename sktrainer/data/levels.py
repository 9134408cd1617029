"""Levels of category columns as strings, and the code of each value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.data.columns import FEW_ROWS, ColumnValues, unwrap_column
from sktrainer.types import Array

__all__ = ["MISSING", "Levels", "factorize", "fit_levels", "is_missing", "object_array"]


#: Code of missing values and of levels that did not occur in training.
MISSING = -1


def level_text(value: Any) -> str:
    """Return the string used to compare a value with the levels.

    Whole floats lose their ".0", because pandas converts an integer column to floats as
    soon as one value is missing, and the levels must not change.

    Examples
    --------
    >>> level_text("1"), level_text(1), level_text(1.0), level_text(True)
    ('1', '1', '1', 'True')
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def object_array(texts: Sequence[str]) -> Array:
    """Return strings as a one-dimensional object array."""
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    return array


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN, NaT or pandas.NA."""
    return value is None or value is pd.NA or (not isinstance(value, str) and value != value)


def factorize(cells: ColumnValues) -> tuple[Array, list[str]]:
    """Return the code of each value (-1 if missing) and the string of each code.

    Two codes may have the same string, such as the categories 1 and "1" of one column.

    Examples
    --------
    >>> import numpy as np
    >>> factorize(np.array(["b", None, "a", "b"], dtype=object))
    (array([ 0, -1,  1,  0]), ['b', 'a'])
    """
    if isinstance(cells, pd.Categorical):
        return cells.codes, [level_text(category) for category in cells.categories]
    cells = unwrap_column(cells)
    if cells.dtype == object and not _is_text(cells):
        # pd.factorize treats 1 and True as equal, but their strings differ.
        cells = _texts(cells)
    codes, uniques = pd.factorize(cells)
    return codes, [level_text(value) for value in uniques.tolist()]


def _is_text(cells: ColumnValues) -> bool:
    return pd.api.types.infer_dtype(cells, skipna=True) in ("string", "empty")


def _texts(cells: Array) -> Array:
    texts = np.empty(len(cells), dtype=object)
    texts[:] = [
        None if missing else level_text(value)
        for value, missing in zip(cells, pd.isna(cells), strict=True)
    ]
    return texts


def fit_levels(cells: ColumnValues) -> tuple[Array, list[str]]:
    """Return the code of each value and the sorted levels.

    Levels follow the order of an ordered categorical. Other categoricals are sorted by
    value if their categories are comparable; everything else is sorted by string. Unused
    categories are ignored.

    Returns
    -------
    codes : ndarray of int32, shape (n_rows,)
        Positions in `levels`; -1 for missing values.
    levels : list of str

    Examples
    --------
    >>> import numpy as np
    >>> fit_levels(np.array(["b", None, "a", "b"], dtype=object))
    (array([ 1, -1,  0,  1], dtype=int32), ['a', 'b'])
    """
    codes, texts = factorize(cells)
    used = np.bincount(codes[codes >= 0], minlength=len(texts)) > 0
    present = list(dict.fromkeys(text for text, use in zip(texts, used, strict=True) if use))
    if isinstance(cells, pd.Categorical) and not cells.ordered:
        present = _sort_levels(cells.categories, texts, present)
    elif not isinstance(cells, pd.Categorical):
        present.sort()
    return map_levels(codes, texts, {text: code for code, text in enumerate(present)}), present


def _sort_levels(values: Any, texts: Sequence[str], present: list[str]) -> list[str]:
    try:
        order = np.argsort(np.asarray(values), kind="stable")
    except TypeError:
        return sorted(present)
    ranks: dict[str, int] = {}
    for rank, position in enumerate(order):
        ranks.setdefault(texts[position], rank)
    return sorted(present, key=ranks.__getitem__)


def map_levels(codes: Array, texts: Sequence[str], table: dict[str, int]) -> Array:
    """Return the code in `table` of each value's string; -1 if it is not in the table."""
    translation = np.full(len(texts) + 1, MISSING, dtype=np.int32)
    for position, text in enumerate(texts):
        translation[position] = table.get(text, MISSING)
    return translation[codes]


@dataclass(frozen=True)
class Levels:
    """The levels that a column had in the training rows.

    Parameters
    ----------
    levels : ndarray of object, shape (n_levels,)
        Strings. The position of a level is its code.

    Examples
    --------
    >>> import numpy as np
    >>> levels = Levels(np.array(["a", "b"], dtype=object))
    >>> levels.read(np.array(["b", "never seen", None], dtype=object))
    array([ 1, -1, -1], dtype=int32)
    """

    levels: Array

    @cached_property
    def _table(self) -> dict[str, int]:
        return {text: code for code, text in enumerate(self.levels.tolist())}

    def __getstate__(self) -> dict[str, Any]:
        # The lookup table is rebuilt on demand. The levels are one JSON string, because
        # saving thousands of separate strings can take longer than saving the model.
        return {"texts": json.dumps(self.levels.tolist())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        texts = state.get("texts")
        levels = state["levels"] if texts is None else object_array(json.loads(texts))
        object.__setattr__(self, "levels", levels)

    def read(self, cells: ColumnValues) -> Array:
        """Return the code of each value; -1 if it is missing or an unknown level."""
        if len(cells) <= FEW_ROWS:
            return np.array([self._code(value) for value in cells], dtype=np.int32)
        codes, texts = factorize(cells)
        return map_levels(codes, texts, self._table)

    def _code(self, value: Any) -> int:
        if isinstance(value, str):
            return self._table.get(value, MISSING)
        return MISSING if is_missing(value) else self._table.get(level_text(value), MISSING)
