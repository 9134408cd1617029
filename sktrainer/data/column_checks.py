"""Column decisions for the report, and validation of the columns of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sktrainer.data.columns import (
    ColumnValues,
    column_names,
    column_reader,
    is_frame,
    preview_names,
    unwrap_column,
)
from sktrainer.exceptions import InputError
from sktrainer.types import Array

_CONTAINERS = (list, tuple, dict, set, frozenset, np.ndarray, pd.Series, pd.DataFrame)


class UnsupportedValueError(InputError, TypeError):
    """Error for columns whose values are neither numbers, strings nor dates.

    It is also a TypeError, because the encoders of scikit-learn raise that.
    """


class UnreadableValueError(Exception):
    """Error for a value that cannot be read as a value of its column.

    `value` is the first such value, and `expected` states what the column contains.
    """

    def __init__(self, value: object, expected: str) -> None:
        super().__init__(value, expected)
        self.value, self.expected = value, expected

    def as_input_error(self, name: str, reference: str) -> InputError:
        """Return the error for the column `name`; `reference` is where `expected` holds."""
        kind = type(self.value)
        if issubclass(kind, (*_CONTAINERS, complex)):
            return UnsupportedValueError(unsupported_values_message(name, [kind.__name__]))
        fix = {
            "dates": f"pandas.to_datetime(X[{name!r}], unit=...)",
            "durations": f"pandas.to_timedelta(X[{name!r}], unit=...)",
        }
        message = (
            f"column {name!r} contains {kind.__name__} values, such as {self.value!s:.40}: "
            f"expected {self.expected}, as in {reference}; convert them"
        )
        how = fix.get(self.expected)
        return InputError(f"{message}, for example with {how}" if how else message)


def check_scalar(value: object, expected: str) -> None:
    """Raise UnreadableValueError if the value is a list, dict, array or complex number."""
    if isinstance(value, (*_CONTAINERS, complex)):
        raise UnreadableValueError(value, expected)


def raise_unless_missing(values: ColumnValues, expected: str) -> None:
    """Raise UnreadableValueError if a value of an array is not missing."""
    present = np.flatnonzero(~np.asarray(pd.isna(values)))
    if len(present):
        raise UnreadableValueError(pd.Series(values[present[:1]]).iloc[0], expected)


def join_errors(errors: Sequence[InputError]) -> InputError:
    """Return one error, of the type of the first, with all problems."""
    return type(errors[0])([problem for error in errors for problem in error.problems])


def table_problems(X: Any) -> list[str]:
    """Return the problems of a DataFrame, array or sparse matrix, one message per problem.

    The checks cover the number of dimensions, duplicate column names, column names that are
    only partly strings, values that are lists, dicts or arrays, and infinite values.

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
    return [*problems, *_column_problems(X, [str(name) for name in names])]


def _array_problems(X: Any) -> list[str]:
    shape = getattr(X, "shape", None)
    if shape is not None and len(shape) != 2:
        problem = (
            f"X must have two dimensions (rows and columns), got shape {tuple(shape)}; "
            "reshape it, for example with X.reshape(-1, 1) for one column"
        )
        return [problem]
    if sparse.issparse(X):
        infinite = infinite_sparse_columns(X)
        return [infinite_message(infinite)] if infinite else []
    if not isinstance(X, np.ndarray) or X.dtype.kind not in "fO":
        return []
    if X.dtype.kind == "f" and not has_infinite(X):
        return []
    return list(_column_problems(X, [f"x{position}" for position in range(X.shape[1])]))


def _column_problems(X: Any, names: list[str]) -> Iterator[str]:
    column, infinite = column_reader(X), []
    for position, name in enumerate(names):
        values = unwrap_column(column(position))
        inferred = inferred_type(values)
        unusable = unsupported_types(values, inferred)
        if unusable:
            yield unsupported_values_message(name, unusable)
        elif _is_infinite(values, inferred):
            infinite.append(name)
    if infinite:
        yield infinite_message(infinite)


def inferred_type(values: ColumnValues) -> str:
    """Return the type that pandas infers for an object column; "" for other columns."""
    if not isinstance(values, np.ndarray) or values.dtype != object:
        return ""
    return pd.api.types.infer_dtype(values, skipna=True)


def unsupported_types(values: ColumnValues, inferred: str) -> list[str]:
    """Return the type names of values that are not a single number, string or date.

    Single values are only inspected if `inferred`, their `inferred_type`, is "mixed".

    Examples
    --------
    >>> import numpy as np
    >>> values = np.array([None, "a", {"a": 1}], dtype=object)
    >>> unsupported_types(values, inferred_type(values))
    ['dict']
    """
    if values.dtype.kind == "c" or inferred == "complex":
        return ["complex"]
    if not inferred.startswith("mixed"):
        return []
    types = set(map(type, values))
    return sorted({t.__name__ for t in types if issubclass(t, (*_CONTAINERS, complex))})


def _is_infinite(values: ColumnValues, inferred: str) -> bool:
    if not isinstance(values, np.ndarray) or not len(values):
        return False
    if values.dtype.kind == "f":
        return has_infinite(values)
    if inferred not in ("floating", "mixed-integer-float"):
        return False
    return any(isinstance(value, float | np.floating) and np.isinf(value) for value in values)


def duplicate_message(names: Sequence[Hashable]) -> str:
    """Return the message for duplicate column names."""
    duplicates = sorted(str(name) for name, n in Counter(names).items() if n > 1)
    return (
        f"column names must be unique, got duplicates: {preview_names(duplicates)}; rename or "
        "drop them"
    )


def unsupported_values_message(name: str, types: Sequence[str]) -> str:
    """Return the message for a column with values of unsupported types."""
    # scikit-learn's estimator checks require "argument must be a string ... a number".
    return (
        f"column {name!r} contains {', '.join(types)} values: expected numbers, strings or "
        "dates (each argument must be a string or a number); expand it into several columns, "
        "or drop it"
    )


def infinite_sparse_columns(X: Any) -> list[str]:
    """Return the names of the columns of a sparse matrix that contain infinite values."""
    if X.dtype.kind != "f" or not has_infinite(X.data):
        return []
    matrix = sparse.coo_array(X)
    columns = np.unique(matrix.col[np.isinf(matrix.data)])
    return [f"x{position}" for position in columns.tolist()]


def infinite_message(names: Sequence[str]) -> str:
    """Return the message for columns with infinite values."""
    # scikit-learn's estimator checks require "inf" or "NaN" in the message.
    columns = "column" if len(names) == 1 else "columns"
    return (
        f"infinite values in {columns} {preview_names(names)}: expected finite numbers or "
        "missing values; replace them with NaN or clip them"
    )


def has_infinite(values: Array) -> bool:
    """Return whether an array of floats contains an infinite value.

    NaN is not infinite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        # A finite sum proves that all values are finite, in one pass and without a copy.
        if not values.size or np.isfinite(values.sum()):
            return False
    low, high = np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)
    return bool(np.isinf(low) or np.isinf(high))
