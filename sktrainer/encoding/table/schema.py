"""What the columns of a table hold, to tell whether further rows hold the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sktrainer.encoding.table.cells import (
    Cells,
    cells_by_position,
    column_names,
    is_frame,
    unwrapped,
)
from sktrainer.encoding.table.columns import ColumnDecision, inferred_type
from sktrainer.encoding.table.dates import format_of_texts
from sktrainer.encoding.table.levels import factorise
from sktrainer.encoding.table.numeric import numbers_of_texts

__all__ = ["Schema", "kind_of", "schema_of"]

_OF_ARRAYS = {"b": "booleans", "M": "dates", "m": "durations"}
_OF_OBJECTS = {
    "string": "texts",
    "empty": "empty",
    "boolean": "booleans",
    "integer": "numbers",
    "floating": "numbers",
    "mixed-integer-float": "numbers",
    "decimal": "numbers",
    "date": "dates",
    "datetime": "dates",
    "datetime64": "dates",
    "timedelta": "durations",
    "timedelta64": "durations",
}
_OF_DECISIONS = {
    "numeric": "numbers",
    "boolean": "booleans",
    "datetime": "dates",
    "duration": "durations",
}
_ALIKE = {
    ("numbers", "booleans"),
    ("booleans", "numbers"),
    ("texts", "mixed"),
    ("mixed", "texts"),
    ("mixed", "numbers"),
    ("mixed", "booleans"),
}


@dataclass(frozen=True)
class Schema:
    """What each column of a table holds.

    Attributes
    ----------
    names : tuple of str
    kinds : tuple of str
        "numbers", "booleans", "dates", "durations", "texts", "mixed" or "empty".
    shape : tuple of int
        Of one row, for what is no table: images, sequences.
    """

    names: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()

    def problems(self, X: Any) -> list[str]:
        """Say which columns of further rows hold something else, and what to do.

        Numbers and booleans stand for each other; a column without any cell fits all, and
        so do texts that are the numbers or dates which the column held before.

        Examples
        --------
        >>> import pandas as pd
        >>> schema = schema_of(pd.DataFrame({"size": [1.5, 2.0], "zip": ["021", "100"]}))
        >>> later = pd.DataFrame({"size": ["big", "small"], "zip": ["945", None]})
        >>> print(*schema.problems(later))
        column 'size' held numbers in the first chunk, got texts (such as 'big'); read it \
with one dtype in every chunk, for example X.astype({'size': float})
        """
        shape = _row_shape(X)
        if self.shape != shape and (self.shape or shape):
            problem = (
                f"rows of shape {self.shape or (len(self.names),)} were in the first chunk, "
                f"got {shape or 'a table'}; pass rows of one shape in every chunk"
            )
            return [problem]
        if not self.kinds:
            return []
        return list(self._differences(X))

    def _differences(self, X: Any) -> Iterator[str]:
        columns = _columns(X)
        if columns is None or len(columns) != len(self.kinds):
            return  # the number of columns is for others to check
        for name, before, cells in zip(self.names, self.kinds, columns, strict=True):
            now = cells if isinstance(cells, str) else kind_of(cells)
            if before == now or "empty" in (before, now) or (before, now) in _ALIKE:
                continue
            if now == "texts" and _reads_as(before, cells):
                continue
            some = "" if isinstance(cells, str) else f" (such as {_example(cells)!r})"
            to = {"numbers": "float", "booleans": "bool", "dates": "'datetime64[us]'"}
            yield (
                f"column {name!r} held {before} in the first chunk, got {now}{some}; read it "
                "with one dtype in every chunk, for example "
                f"X.astype({{{name!r}: {to.get(before, 'str')}}})"
            )


def schema_of(X: Any, decisions: Sequence[ColumnDecision] = ()) -> Schema:
    """Describe the columns of a table.

    Parameters
    ----------
    X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
        Of anything else (a list of texts, say) there is nothing to tell.
    decisions : sequence of ColumnDecision, default=()
        What the automatic preprocessor took the columns for: text may be numbers.

    Returns
    -------
    Schema

    Examples
    --------
    >>> import pandas as pd
    >>> schema_of(pd.DataFrame({"age": [31, 45], "sex": ["M", None]})).kinds
    ('numbers', 'texts')
    """
    columns = _columns(X)
    if columns is None:
        return Schema(shape=_row_shape(X))
    names = [str(name) for name in column_names(X)] if _is_table(X) else []
    names = names or [f"x{position}" for position in range(len(columns))]
    kinds = [cells if isinstance(cells, str) else kind_of(cells) for cells in columns]
    if len(decisions) == len(kinds):
        for position, decision in enumerate(decisions):
            if kinds[position] in ("texts", "mixed"):
                kinds[position] = _OF_DECISIONS.get(decision.kind, kinds[position])
    return Schema(tuple(names), tuple(kinds))


def kind_of(cells: Cells) -> str:
    """Return what the cells of a column are.

    Examples
    --------
    >>> kind_of(np.array([None, True], dtype=object)), kind_of(np.array([np.nan]))
    ('booleans', 'empty')
    """
    cells = unwrapped(cells)
    if isinstance(cells, pd.Categorical):
        return "empty" if cells.isna().all() else kind_of(cells.categories.array)
    if isinstance(cells.dtype, pd.StringDtype):
        return "empty" if cells.isna().all() else "texts"
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        return "empty" if cells.isna().all() else "dates"
    if cells.dtype == object:
        return _OF_OBJECTS.get(inferred_type(cells), "mixed")
    has_cells = not len(cells) or not pd.isna(cells[0]) or not pd.isna(cells).all()
    return _OF_ARRAYS.get(cells.dtype.kind, "numbers") if has_cells else "empty"


def _is_table(X: Any) -> bool:
    return hasattr(X, "columns") and is_frame(X)


def _columns(X: Any) -> list[Any] | None:
    """Return the cells of each column, or their one kind where all have one type."""
    shape: tuple[int, ...] = tuple(getattr(X, "shape", ()))
    if len(shape) != 2:
        return None
    if sparse.issparse(X) or (isinstance(X, np.ndarray) and X.dtype != object):
        kind = X.dtype.kind
        return ["texts" if kind in "US" else _OF_ARRAYS.get(kind, "numbers")] * shape[1]
    if not isinstance(X, np.ndarray) and not _is_table(X):
        return None
    column = cells_by_position(X)
    return [column(position) for position in range(shape[1])]


def _row_shape(X: Any) -> tuple[int, ...]:
    shape = tuple(getattr(X, "shape", ()))
    return shape[1:] if len(shape) > 2 else ()


def _reads_as(kind: str, cells: Cells) -> bool:
    if isinstance(cells, str):
        return False
    texts = factorise(unwrapped(cells))[1]
    if kind in ("numbers", "booleans"):
        return numbers_of_texts(texts) is not None
    return kind == "dates" and format_of_texts(texts) is not None


def _example(cells: Cells) -> Any:
    present = pd.Series(unwrapped(cells)).dropna()
    value = present.iloc[0]
    return value.item() if isinstance(value, np.generic) else value
