"""Kind of the values of a column, and the difference between two kinds."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from scipy import sparse

from sktrainer.data.column_checks import inferred_type
from sktrainer.data.columns import ColumnValues, column_reader, is_frame, unwrap_column
from sktrainer.data.dates import infer_date_format
from sktrainer.data.levels import factorize
from sktrainer.data.number_formats import infer_number_format

Kind: TypeAlias = Literal[
    "numbers",
    "booleans",
    "dates",
    "durations",
    "strings",
    "categories",
    "complex numbers",
    "mixed",
    "empty",
]

#: Kind by the code of a NumPy dtype; all other dtypes hold numbers.
_KINDS_OF_DTYPES: dict[str, Kind] = {
    "b": "booleans",
    "M": "dates",
    "m": "durations",
    "U": "strings",
    "S": "strings",
    "c": "complex numbers",
}

#: Kind by the type that pandas infers for an object column; all other types are mixed.
_KINDS_OF_OBJECTS: dict[str, Kind] = {
    "string": "strings",
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
    "complex": "complex numbers",
}

#: Kind by the kind of a ColumnDecision.
KINDS_OF_DECISIONS: dict[str, Kind] = {
    "numeric": "numbers",
    "boolean": "booleans",
    "datetime": "dates",
    "duration": "durations",
}

# (kind before, kind now) pairs that are accepted although the kinds differ.
_INTERCHANGEABLE = {
    ("numbers", "booleans"),
    ("booleans", "numbers"),
    ("strings", "mixed"),
    ("mixed", "strings"),
    ("mixed", "numbers"),
    ("mixed", "booleans"),
}

#: Python code of a dtype that holds values of a kind; str for all others.
DTYPES: dict[Kind, str] = {
    "numbers": "float",
    "booleans": "bool",
    "dates": "'datetime64[us]'",
    "categories": "'category'",
}


def kind_difference(
    before: Kind, now: Kind, values: ColumnValues | None, *, parses: bool
) -> str:
    """Return the kind of a column and an example if it is not that of `before`, else "".

    `parses` is whether strings are parsed as the numbers or dates of `before`.

    Examples
    --------
    >>> kind_difference("numbers", "strings", np.array(["1", "2"], dtype=object), parses=False)
    "strings (such as '1')"
    """
    if before == now or "empty" in (before, now) or (before, now) in _INTERCHANGEABLE:
        return ""
    if values is None:
        return now
    if parses and now == "strings" and _can_parse(values, before):
        return ""
    value = pd.Series(unwrap_column(values)).dropna().iloc[0]
    shown = "mixed values" if now == "mixed" else now
    return f"{shown} (such as {value.item() if isinstance(value, np.generic) else value!r})"


def column_kind(values: ColumnValues, *, categories: bool = False) -> Kind:
    """Return the kind of a column; that of the categories, or "categories" if it is asked for.

    Examples
    --------
    >>> column_kind(np.array([None, True], dtype=object)), column_kind(np.array([np.nan]))
    ('booleans', 'empty')
    """
    values = unwrap_column(values)
    if values.dtype == object:
        return _KINDS_OF_OBJECTS.get(inferred_type(values), "mixed")
    # Check the first value before scanning the whole column for missing values.
    may_be_empty = len(values) > 0 or not isinstance(values, np.ndarray)
    if may_be_empty and pd.isna(values[:1]).all() and pd.isna(values).all():
        return "empty"
    if isinstance(values, pd.Categorical):
        return "categories" if categories else column_kind(values.categories.array)
    if isinstance(values.dtype, pd.StringDtype):
        return "strings"
    return _KINDS_OF_DTYPES.get(values.dtype.kind, "numbers")


def has_column_names(X: Any) -> bool:
    """Return whether X is a table with column names."""
    return hasattr(X, "columns") and is_frame(X)


def is_all_numeric(X: Any) -> bool:
    """Return whether the dtypes of an array, a sparse matrix or a pandas table are numeric."""
    if isinstance(X, pd.DataFrame):
        return all(dtype.kind in "biuf" for dtype in {*X.dtypes})
    return getattr(getattr(X, "dtype", None), "kind", "O") in "biuf"


def table_columns(
    X: Any, *, categories: bool = False
) -> list[tuple[Kind, ColumnValues | None]] | None:
    """Return kind and values of each column, None for the values if X has a single dtype.

    Return None if X is not a table.
    """
    shape: tuple[int, ...] = tuple(getattr(X, "shape", ()))
    if len(shape) != 2:
        return None
    if sparse.issparse(X) or (isinstance(X, np.ndarray) and X.dtype != object):
        return [(_KINDS_OF_DTYPES.get(X.dtype.kind, "numbers"), None)] * shape[1]
    if not isinstance(X, np.ndarray) and not has_column_names(X):
        return None
    columns = map(column_reader(X), range(shape[1]))
    return [(column_kind(values, categories=categories), values) for values in columns]


def _can_parse(values: ColumnValues, kind: Kind) -> bool:
    strings = factorize(unwrap_column(values))[1]
    if kind in ("numbers", "booleans"):
        return infer_number_format(strings) is not None
    return kind == "dates" and infer_date_format(strings) is not None
