"""Column contract: names, order and kinds of columns, recorded at fit, checked at predict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sktrainer.data.column_checks import inferred_type
from sktrainer.data.columns import (
    ColumnValues,
    column_names,
    column_reader,
    is_frame,
    unwrap_column,
)
from sktrainer.data.dates import infer_date_format
from sktrainer.data.indexing import is_input_dict, select_inputs
from sktrainer.data.levels import factorize
from sktrainer.data.numbers import parse_all_numbers
from sktrainer.data.type_inference import ColumnDecision
from sktrainer.exceptions import InputError

__all__ = ["ColumnContract", "column_kind", "differences", "record_columns"]


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


_SHOWN = {"texts": "strings"}


# (kind before, kind now) pairs that are accepted although the kinds differ.
_INTERCHANGEABLE = {
    ("numbers", "booleans"),
    ("booleans", "numbers"),
    ("texts", "mixed"),
    ("mixed", "texts"),
    ("mixed", "numbers"),
    ("mixed", "booleans"),
}


@dataclass(frozen=True)
class ColumnContract:
    """Names and kinds of the columns of a table.

    Attributes
    ----------
    names : tuple of str
    kinds : tuple of str
        "numbers", "booleans", "dates", "durations", "texts", "mixed" or "empty".
    shape : tuple of int
        Shape of one row if X has more than two dimensions (images, sequences).
    """

    names: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()

    def problems(self, X: Any) -> list[str]:
        """Return a message for each column of a later chunk that has another kind.

        Numbers and booleans are interchangeable. Empty columns are always accepted, and so
        are strings that can be parsed as the numbers or dates of the first chunk.

        Examples
        --------
        >>> import pandas as pd
        >>> schema = record_columns(pd.DataFrame({"size": [1.5, 2.0], "zip": ["021", "100"]}))
        >>> later = pd.DataFrame({"size": ["big", "small"], "zip": ["945", None]})
        >>> print(*schema.problems(later))
        column 'size' contained numbers in the first chunk, got strings (such as 'big'); use \
the same dtype in every chunk, for example X.astype({'size': float})
        """
        shape = _row_shape(X)
        if self.shape != shape and (self.shape or shape):
            problem = (
                f"rows had shape {self.shape or (len(self.names),)} in the first chunk, got "
                f"{shape or 'a table'}; pass rows of the same shape in every chunk"
            )
            return [problem]
        if not self.kinds:
            return []
        return list(self._differences(X))

    def _differences(self, X: Any) -> Iterator[str]:
        columns = _columns(X)
        if columns is None or len(columns) != len(self.kinds):
            return  # the number of columns is checked elsewhere
        for name, before, cells in zip(self.names, self.kinds, columns, strict=True):
            now = cells if isinstance(cells, str) else column_kind(cells)
            if before == now or "empty" in (before, now) or (before, now) in _INTERCHANGEABLE:
                continue
            if now == "texts" and _reads_as(before, cells):
                continue
            some = "" if isinstance(cells, str) else f" (such as {_example(cells)!r})"
            to = {"numbers": "float", "booleans": "bool", "dates": "'datetime64[us]'"}
            was, got = (_SHOWN.get(kind, kind) for kind in (before, now))
            yield (
                f"column {name!r} contained {was} in the first chunk, got {got}{some}; "
                "use the same dtype in every chunk, for example "
                f"X.astype({{{name!r}: {to.get(before, 'str')}}})"
            )


def record_columns(X: Any, decisions: Sequence[ColumnDecision] = ()) -> ColumnContract:
    """Return the schema of a table.

    Parameters
    ----------
    X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
        For any other X, such as a list of strings, the schema is empty.
    decisions : sequence of ColumnDecision, default=()
        Decisions of the automatic preprocessor, which may have parsed strings as numbers.

    Returns
    -------
    Schema

    Examples
    --------
    >>> import pandas as pd
    >>> record_columns(pd.DataFrame({"age": [31, 45], "sex": ["M", None]})).kinds
    ('numbers', 'texts')
    """
    columns = _columns(X)
    if columns is None:
        return ColumnContract(shape=_row_shape(X))
    names = [str(name) for name in column_names(X)] if _is_table(X) else []
    names = names or [f"x{position}" for position in range(len(columns))]
    kinds = [cells if isinstance(cells, str) else column_kind(cells) for cells in columns]
    if len(decisions) == len(kinds):
        for position, decision in enumerate(decisions):
            if kinds[position] in ("texts", "mixed"):
                kinds[position] = _OF_DECISIONS.get(decision.kind, kinds[position])
    return ColumnContract(tuple(names), tuple(kinds))


def column_kind(cells: ColumnValues) -> str:
    """Return the kind of a column.

    Examples
    --------
    >>> column_kind(np.array([None, True], dtype=object)), column_kind(np.array([np.nan]))
    ('booleans', 'empty')
    """
    cells = unwrap_column(cells)
    if isinstance(cells, pd.Categorical):
        return "empty" if cells.isna().all() else column_kind(cells.categories.array)
    if isinstance(cells.dtype, pd.StringDtype):
        return "empty" if cells.isna().all() else "texts"
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        return "empty" if cells.isna().all() else "dates"
    if cells.dtype == object:
        return _OF_OBJECTS.get(inferred_type(cells), "mixed")
    # Check the first value before scanning the whole column for missing values.
    has_cells = not len(cells) or not pd.isna(cells[0]) or not pd.isna(cells).all()
    return _OF_ARRAYS.get(cells.dtype.kind, "numbers") if has_cells else "empty"


def _is_table(X: Any) -> bool:
    return hasattr(X, "columns") and is_frame(X)


def _columns(X: Any) -> list[Any] | None:
    """Return the values of each column, or its kind if X has one dtype; None if no table."""
    shape: tuple[int, ...] = tuple(getattr(X, "shape", ()))
    if len(shape) != 2:
        return None
    if sparse.issparse(X) or (isinstance(X, np.ndarray) and X.dtype != object):
        kind = X.dtype.kind
        return ["texts" if kind in "US" else _OF_ARRAYS.get(kind, "numbers")] * shape[1]
    if not isinstance(X, np.ndarray) and not _is_table(X):
        return None
    column = column_reader(X)
    return [column(position) for position in range(shape[1])]


def _row_shape(X: Any) -> tuple[int, ...]:
    shape = tuple(getattr(X, "shape", ()))
    return shape[1:] if len(shape) > 2 else ()


def _reads_as(kind: str, cells: ColumnValues) -> bool:
    if isinstance(cells, str):
        return False
    texts = factorize(unwrap_column(cells))[1]
    if kind in ("numbers", "booleans"):
        return parse_all_numbers(texts) is not None
    return kind == "dates" and infer_date_format(texts) is not None


def _example(cells: ColumnValues) -> Any:
    present = pd.Series(unwrap_column(cells)).dropna()
    value = present.iloc[0]
    return value.item() if isinstance(value, np.generic) else value


def differences(X: Any, X_val: Any) -> list[str]:
    """Return the differences between the columns or keys of `X_val` and those of X.

    Parameters
    ----------
    X, X_val : table, array, dict of arrays or None
        None if an earlier check refused it.

    Examples
    --------
    >>> differences({"words": [[1]]}, {"words": [[2]]})
    []
    """
    if X is None or X_val is None:
        return []
    if is_input_dict(X):
        try:
            select_inputs(X_val, X)
        except InputError as error:
            return list(error.problems)
        return []
    if is_input_dict(X_val):
        return [f"X_val must have the type of X, {type(X).__name__}, got a dict of arrays"]
    left, right = getattr(X, "columns", None), getattr(X_val, "columns", None)
    if left is None or right is None or list(left) == list(right):
        return []
    missing = [str(name) for name in left if name not in set(right)]
    extra = [str(name) for name in right if name not in set(left)]
    problem = (
        "X_val must have the columns of X in the same order; missing: "
        f"{', '.join(missing) or 'none'}; not in X: {', '.join(extra) or 'none'}"
    )
    return [problem]
