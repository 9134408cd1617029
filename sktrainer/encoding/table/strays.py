"""Texts among numbers or dates that are neither: they are taken for missing, and told of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sktrainer.encoding.table.cells import Cells
from sktrainer.encoding.table.numeric import is_missing_text
from sktrainer.exceptions import DataWarning, warn_caller
from sktrainer.types import Array

__all__ = ["Strays", "holds_texts", "stray_texts"]

MOST_TEXTS, MOST_COLUMNS = 3, 5


def holds_texts(cells: Cells) -> bool:
    """Whether there may be texts among the cells.

    Examples
    --------
    >>> holds_texts(np.array([1.0, np.nan])), holds_texts(np.array([1, "many"], dtype=object))
    (False, True)
    """
    if cells.dtype.kind in "iufbmM":
        return False
    return not isinstance(cells, np.ndarray) or any(isinstance(cell, str) for cell in cells)


def stray_texts(cells: Cells, values: Array) -> list[str]:
    """Return the texts, each once, that were read as missing and do not stand for it.

    Parameters
    ----------
    cells : array of shape (n_rows,)
    values : ndarray of shape (n_rows,)
        The numbers or datetimes that they were read as.

    Examples
    --------
    >>> cells = np.array([31, "?", "many", None], dtype=object)
    >>> stray_texts(cells, np.array([31, np.nan, np.nan, np.nan]))
    ['many']
    """
    missing = pd.isna(values)
    if not missing.any():
        return []
    lost = pd.unique(np.asarray(cells[missing], dtype=object))  # the few, not the column
    return [text for text in lost if isinstance(text, str) and not is_missing_text(text)]


class Strays:
    """Gathers such texts column by column, and warns of all at once.

    Examples
    --------
    >>> strays = Strays()
    >>> strays.look("age", "numbers", np.array([31, "many"], object), np.array([31, np.nan]))
    >>> strays.message
    "texts were taken for missing cells: 'many' in column 'age', which held numbers in training"
    """

    def __init__(self) -> None:
        self._found: list[str] = []

    def look(self, name: str, held: str, cells: Cells, values: Array) -> None:
        """Look at the cells of a column that held numbers or dates in training."""
        texts = stray_texts(cells, values) if holds_texts(cells) else []
        if texts:
            shown = _some([repr(text[:40]) for text in texts], MOST_TEXTS, ", ")
            self._found.append(f"{shown} in column {name!r}, which held {held} in training")

    @property
    def message(self) -> str:
        """What was found, in one sentence; empty where nothing was."""
        found = _some(self._found, MOST_COLUMNS, "; ")
        return found and f"texts were taken for missing cells: {found}"

    def warn(self) -> None:
        """Warn, where something was found."""
        if self._found:
            warn_caller(self.message, DataWarning)


def _some(texts: Sequence[str], most: int, between: str) -> str:
    more = f" and {len(texts) - most:,} more" if len(texts) > most else ""
    return between.join(texts[:most]) + more
