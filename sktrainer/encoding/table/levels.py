"""Category columns: their levels as text, and the code of each cell."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.encoding.table.cells import FEW_ROWS, Cells, unwrapped
from sktrainer.types import Array

#: The code of a missing cell, and of a level that training rows did not have.
MISSING = -1


def text_of(value: Any) -> str:
    """Return the text by which a cell is compared with the levels.

    Whole floats lose their ".0": a column of integers turns into floats as soon as one
    cell is missing, and its levels must stay what they were.

    Examples
    --------
    >>> text_of("1"), text_of(1), text_of(1.0), text_of(True)
    ('1', '1', '1', 'True')
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def object_array(texts: Sequence[str]) -> Array:
    """Return texts as a column of objects."""
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    return array


def is_missing(value: Any) -> bool:
    """Whether one cell is None, NaN, NaT or pandas.NA."""
    return value is None or value is pd.NA or (not isinstance(value, str) and value != value)


def factorise(cells: Cells) -> tuple[Array, list[str]]:
    """Return a code for each cell (-1 where missing) and the text that each code stands for.

    Two codes may stand for one text (the categories 1 and "1" of one column).

    Examples
    --------
    >>> import numpy as np
    >>> factorise(np.array(["b", None, "a", "b"], dtype=object))
    (array([ 0, -1,  1,  0]), ['b', 'a'])
    """
    if isinstance(cells, pd.Categorical):
        return cells.codes, [text_of(category) for category in cells.categories]
    cells = unwrapped(cells)
    if cells.dtype == object and not _is_text(cells):
        # Hash tables hold 1 and True for one cell; their texts are not.
        cells = _texts(cells)
    codes, uniques = pd.factorize(cells)
    return codes, [text_of(value) for value in uniques.tolist()]


def _is_text(cells: Cells) -> bool:
    return pd.api.types.infer_dtype(cells, skipna=True) in ("string", "empty")


def _texts(cells: Array) -> Array:
    texts = np.empty(len(cells), dtype=object)
    texts[:] = [
        None if missing else text_of(value)
        for value, missing in zip(cells, pd.isna(cells), strict=True)
    ]
    return texts


def learn_levels(cells: Cells) -> tuple[Array, list[str]]:
    """Return codes and the levels that the cells have, in their order.

    The order is that of an ordered categorical, else of the values where they compare,
    else of the texts. Categories that no cell has are no levels.

    Returns
    -------
    codes : ndarray of int32, shape (n_rows,)
        Positions into `levels`; -1 where missing.
    levels : list of str

    Examples
    --------
    >>> import numpy as np
    >>> learn_levels(np.array(["b", None, "a", "b"], dtype=object))
    (array([ 1, -1,  0,  1], dtype=int32), ['a', 'b'])
    """
    codes, texts = factorise(cells)
    used = np.bincount(codes[codes >= 0], minlength=len(texts)) > 0
    present = list(dict.fromkeys(text for text, use in zip(texts, used, strict=True) if use))
    if isinstance(cells, pd.Categorical) and not cells.ordered:
        present = _sorted_like(cells.categories, texts, present)
    elif not isinstance(cells, pd.Categorical):
        present.sort()
    return lookup(codes, texts, {text: code for code, text in enumerate(present)}), present


def _sorted_like(values: Any, texts: Sequence[str], present: list[str]) -> list[str]:
    try:
        order = np.argsort(np.asarray(values), kind="stable")
    except TypeError:
        return sorted(present)
    ranks: dict[str, int] = {}
    for rank, position in enumerate(order):
        ranks.setdefault(texts[position], rank)
    return sorted(present, key=ranks.__getitem__)


def lookup(codes: Array, texts: Sequence[str], table: dict[str, int]) -> Array:
    """Return, for each cell, the code that `table` gives its text; -1 where it has none."""
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
        Texts; a level's position is its code.

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
        # Without the table, which can be made again. One text: thousands of them, each by
        # itself, take longer to save than the model.
        return {"texts": json.dumps(self.levels.tolist())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        texts = state.get("texts")
        levels = state["levels"] if texts is None else object_array(json.loads(texts))
        object.__setattr__(self, "levels", levels)

    def read(self, cells: Cells) -> Array:
        """Return the codes of the cells; -1 where missing or not among the levels."""
        if len(cells) <= FEW_ROWS:
            return np.array([self._code(value) for value in cells], dtype=np.int32)
        codes, texts = factorise(cells)
        return lookup(codes, texts, self._table)

    def _code(self, value: Any) -> int:
        if isinstance(value, str):
            return self._table.get(value, MISSING)
        return MISSING if is_missing(value) else self._table.get(text_of(value), MISSING)
