"""Column decisions for the report, and validation of the columns of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.data.columns import (
    ColumnValues,
    column_names,
    column_reader,
    is_frame,
    unwrap_column,
)
from sktrainer.exceptions import InputError
from sktrainer.types import Array

__all__ = [
    "UnsupportedValueError",
    "duplicate_message",
    "has_infinite",
    "inferred_type",
    "infinite_message",
    "table_problems",
    "unsupported_types",
    "unsupported_values_message",
]


_CONTAINERS = (list, tuple, dict, set, frozenset, np.ndarray, pd.Series, pd.DataFrame)


class UnsupportedValueError(InputError, TypeError):
    """Error for columns whose values are neither numbers, strings nor dates.

    It is also a TypeError, because the encoders of scikit-learn raise that.
    """


def table_problems(X: Any) -> list[str]:
    """Return the problems of a table, one message per problem, without raising.

    The checks cover the number of dimensions, duplicate column names, column names that are
    only partly strings, values that are lists, dicts or arrays, and infinite values.

    Parameters
    ----------
    X : DataFrame, ndarray or sparse matrix
        Other types, such as lists, are not checked.

    Returns
    -------
    list of str

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"size": [1.0, float("inf")], "tags": [["a"], ["b"]]})
    >>> for problem in table_problems(X):
    ...     print(problem)
    column 'tags' contains list values: expected numbers, strings or dates (each argument \
must be a string or a number); expand it into several columns, or drop it
    infinite values in column 'size': expected finite numbers or missing values; replace \
them with NaN or clip them
    """
    if not is_frame(X):
        return _array_problems(X)
    names = column_names(X)
    problems = [duplicate_message(names)] if len(set(names)) < len(names) else []
    kinds = sorted({type(name).__name__ for name in names})
    if len(kinds) > 1 and any(isinstance(name, str) for name in names):
        problems.append(
            f"column names must be all strings or all non-strings, got {' and '.join(kinds)}; "
            "rename them, for example with X.columns = X.columns.astype(str)"
        )
    column = column_reader(X)
    return [*problems, *_column_problems([str(name) for name in names], column)]


def _array_problems(X: Any) -> list[str]:
    data = X.data if hasattr(X, "tocsr") else X
    shape = getattr(X, "shape", None)
    if shape is not None and len(shape) != 2:
        problem = (
            f"X must have two dimensions (rows and columns), got shape {tuple(shape)}; "
            "reshape it, for example with X.reshape(-1, 1) for one column"
        )
        return [problem]
    if not isinstance(data, np.ndarray):
        return []
    if data.dtype.kind == "f" and not has_infinite(data):
        return []
    if data.dtype.kind not in "fO":
        return []
    if data.ndim != 2:
        return ["infinite values in the sparse X: expected finite numbers; replace them"]
    names = [f"x{position}" for position in range(data.shape[1])]
    return list(_column_problems(names, column_reader(X)))


def _column_problems(names: list[str], column: Callable[[int], ColumnValues]) -> Iterator[str]:
    infinite = []
    for position, name in enumerate(names):
        cells = unwrap_column(column(position))
        inferred = inferred_type(cells)
        unusable = unsupported_types(cells, inferred)
        if unusable:
            yield unsupported_values_message(name, unusable)
        elif _is_infinite(cells, inferred):
            infinite.append(name)
    if infinite:
        yield infinite_message(infinite)


def inferred_type(cells: ColumnValues) -> str:
    """Return the type that pandas infers for an object column; "" for other columns."""
    if not isinstance(cells, np.ndarray) or cells.dtype != object:
        return ""
    return pd.api.types.infer_dtype(cells, skipna=True)


def unsupported_types(cells: ColumnValues, inferred: str) -> list[str]:
    """Return the type names of values that are not a single number, string or date.

    Parameters
    ----------
    cells : ndarray or ExtensionArray of shape (n_rows,)
    inferred : str
        Their `inferred_type`. Single values are only inspected if it is "mixed".

    Examples
    --------
    >>> import numpy as np
    >>> cells = np.array([None, "a", {"a": 1}], dtype=object)
    >>> unsupported_types(cells, inferred_type(cells))
    ['dict']
    """
    if cells.dtype.kind == "c" or inferred == "complex":
        return ["complex"]
    if not inferred.startswith("mixed"):
        return []
    types = set(map(type, cells))
    found = {kind.__name__ for kind in types if issubclass(kind, (*_CONTAINERS, complex))}
    return sorted(found)


def _is_infinite(cells: ColumnValues, inferred: str) -> bool:
    if not isinstance(cells, np.ndarray) or not len(cells):
        return False
    if cells.dtype.kind == "f":
        return has_infinite(cells)
    if inferred not in ("floating", "mixed-integer-float"):
        return False
    return any(isinstance(cell, float | np.floating) and np.isinf(cell) for cell in cells)


def duplicate_message(names: list[Any]) -> str:
    """Return the message for duplicate column names."""
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    return f"column names must be unique, got duplicates: {_listed(twice)}; rename or drop them"


def unsupported_values_message(name: str, types: list[str]) -> str:
    """Return the message for a column with values of unsupported types."""
    # scikit-learn's estimator checks require "argument must be a string ... a number".
    return (
        f"column {name!r} contains {_listed(types)} values: expected numbers, strings or dates "
        "(each argument must be a string or a number); expand it into several columns, or "
        "drop it"
    )


def infinite_message(names: list[str]) -> str:
    """Return the message for columns with infinite values."""
    # scikit-learn's estimator checks require "inf" or "NaN" in the message.
    columns = "column" if len(names) == 1 else "columns"
    return (
        f"infinite values in {columns} {', '.join(map(repr, names))}: expected finite "
        "numbers or missing values; replace them with NaN or clip them"
    )


def has_infinite(values: Array) -> bool:
    """Return whether an array of floats contains an infinite value.

    Examples
    --------
    >>> import numpy as np
    >>> has_infinite(np.array([1.0, np.nan])), has_infinite(np.array([1.0, -np.inf]))
    (False, True)
    """
    with np.errstate(over="ignore", invalid="ignore"):
        # A finite sum proves that all values are finite, in one pass and without a copy.
        if not values.size or np.isfinite(values.sum()):
            return False
    low, high = np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)
    return bool(np.isinf(low) or np.isinf(high))


def _listed(items: list[str]) -> str:
    return ", ".join(items)
