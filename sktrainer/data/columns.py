"""Access to table columns as NumPy or pandas arrays, for any DataFrame library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from sktrainer.exceptions import InputError, suggest_name
from sktrainer.types import Array

#: One column: a one-dimensional NumPy array or pandas ExtensionArray.
ColumnValues: TypeAlias = Any  # a union would need a type test before each attribute

#: Up to this number of rows, a frame is converted to Python objects at once. For so few
#: rows, column access takes longer than all other steps of the encoding.
FEW_ROWS = 16

#: Maximum number of column names in a message. Tables may have thousands of columns.
MAX_NAMES = 10


def is_frame(X: Any) -> bool:
    """Return whether X is an in-memory DataFrame (pandas, polars, pyarrow or similar).

    Raises
    ------
    InputError
        X is a lazy frame.

    Examples
    --------
    >>> import pandas as pd
    >>> is_frame(pd.DataFrame({"age": [31]})), is_frame([[31]])
    (True, False)
    """
    if isinstance(X, pd.DataFrame):
        return True
    if isinstance(X, np.ndarray | list | tuple):
        return False
    frame = nw.from_native(X, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        raise InputError("expected an in-memory table, got a lazy frame; pass X.collect()")
    return isinstance(frame, nw.DataFrame)


def is_float_frame(X: Any) -> bool:
    """Return whether X is a pandas DataFrame whose columns have one NumPy float dtype.

    Such a frame is usually one block of memory, which is available without a copy.
    """
    if not isinstance(X, pd.DataFrame):
        return False
    dtypes = set(X.dtypes)
    return len(dtypes) == 1 and next(iter(dtypes)) in (np.dtype("f4"), np.dtype("f8"))


def column_names(X: Any) -> list[Any]:
    """Return the column names of a frame, in order."""
    if isinstance(X, pd.DataFrame):
        return list(X.columns)
    return list(nw.from_native(X, eager_only=True).columns)


def column_labels(X: Any) -> list[str] | None:
    """Return the column names or positions of a table as strings; None for other inputs."""
    if is_frame(X):
        return [str(name) for name in column_names(X)]
    shape: tuple[int, ...] = getattr(X, "shape", ())
    return [str(position) for position in range(shape[1])] if len(shape) == 2 else None


def preview_names(names: Iterable[object]) -> str:
    """Return names as text: the first ten, and the number of further names.

    Examples
    --------
    >>> preview_names(["age", "sex"])
    "'age', 'sex'"
    >>> preview_names(range(12))
    '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more'
    """
    shown = [repr(name) for name in names]
    n_more = len(shown) - MAX_NAMES
    return ", ".join(shown[:MAX_NAMES]) + (f" and {n_more:,} more" if n_more > 0 else "")


def missing_column_message(parameter: str, name: object, columns: Sequence[object]) -> str:
    """Return the message for a parameter that names a column which X does not have.

    Examples
    --------
    >>> missing_column_message("y", "Churn", ["age", "churn"])
    "y='Churn' is not a column of X. Did you mean 'churn'?"
    """
    hint = suggest_name(str(name), map(str, columns))
    return (
        f"{parameter}={name!r} is not a column of X"
        f"{hint or f'. The columns of X are: {preview_names(columns)}.'}"
    )


def column_reader(X: Any, *, exact: bool = True) -> Callable[[int], ColumnValues]:
    """Return a function that maps a column position to the column's values.

    Columns in NumPy or Arrow memory are returned without a copy. With ``exact=False``, the
    values of frames with few rows are Python objects, which is faster.

    Examples
    --------
    >>> import pandas as pd
    >>> column = column_reader(pd.DataFrame({"age": [31, 45]}))
    >>> column(0)
    array([31, 45])
    """
    if isinstance(X, np.ndarray):
        return lambda position: X[:, position]
    few = not exact and len(X) <= FEW_ROWS
    if isinstance(X, pd.DataFrame):
        if few:
            return column_reader(X.to_numpy(dtype=object))  # one call for all columns
        return lambda position: _unwrap_numpy(X.iloc[:, position].array)
    frame = nw.from_native(X, eager_only=True)
    if few:
        block = np.empty(frame.shape, dtype=object)
        block[:] = frame.rows()
        return column_reader(block)
    return lambda position: _convert_narwhals(frame[:, position])


def _unwrap_numpy(values: ColumnValues) -> ColumnValues:
    return values.to_numpy() if isinstance(values, pd.arrays.NumpyExtensionArray) else values


def unwrap_column(values: ColumnValues) -> ColumnValues:
    """Return column values as one of the array types that the encoder supports.

    These are NumPy arrays (numbers, booleans, datetimes, durations, objects) and the
    pandas types Categorical, DatetimeArray and string array. Nullable and Arrow numbers
    become floats if values are missing. All other types become object arrays.
    """
    values = _unwrap_numpy(values)
    if isinstance(values, np.ndarray):
        return values.astype(object) if values.dtype.kind in "US" else values
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype | pd.DatetimeTZDtype | pd.StringDtype):
        return values
    if isinstance(dtype, np.dtype):  # datetimes and durations
        return values.to_numpy()
    if isinstance(dtype, pd.PeriodDtype):
        return values.to_timestamp().to_numpy()
    if isinstance(dtype, pd.SparseDtype):
        return unwrap_column(np.asarray(values))
    if dtype.kind in "iufb":  # nullable and Arrow numbers
        numpy_dtype = dtype.numpy_dtype
        if values.isna().any():
            numpy_dtype = np.float32 if numpy_dtype == np.float32 else np.float64
            return values.to_numpy(dtype=numpy_dtype, na_value=np.nan)
        return values.to_numpy(dtype=numpy_dtype)
    if dtype.kind == "U":  # Arrow strings
        return values.astype("str")
    if dtype.kind in "mM":
        return unwrap_column(_convert_arrow_times(values))
    return np.asarray(values, dtype=object)


def _convert_arrow_times(values: ColumnValues) -> Array:
    """Convert Arrow dates, timestamps and durations."""
    series: Any = pd.Series(values)
    if str(values.dtype).startswith("date"):
        return np.asarray(series.astype("datetime64[s]"))
    return np.asarray(series.dt.as_unit("us").to_numpy())


def _convert_narwhals(column: nw.Series[Any]) -> ColumnValues:
    dtype = column.dtype
    if isinstance(dtype, nw.Categorical | nw.Enum):
        values = object_array(column.cast(nw.String).to_list())
        if isinstance(dtype, nw.Enum):
            return pd.Categorical(values, categories=list(dtype.categories), ordered=True)
        return pd.Categorical(values)
    if isinstance(dtype, nw.Datetime) and dtype.time_zone is not None:
        wall = column.dt.replace_time_zone(None).to_numpy()
        # At the end of daylight saving time, one hour is ambiguous. Its calendar parts
        # are the same either way, so the choice does not matter.
        is_dst = np.zeros(len(wall), dtype=bool)
        return pd.DatetimeIndex(wall).tz_localize(dtype.time_zone, ambiguous=is_dst).array
    if isinstance(dtype, nw.Date):
        return column.cast(nw.Datetime("us")).to_numpy()
    if isinstance(dtype, nw.Boolean) and column.null_count():
        return pd.array(column.to_list(), dtype="boolean")
    if isinstance(dtype, nw.Decimal):
        return column.cast(nw.Float64).to_numpy()
    if dtype.is_numeric() or isinstance(dtype, nw.Boolean | nw.Datetime | nw.Duration):
        return unwrap_column(column.to_numpy())
    return object_array(column.to_list())


def object_array(items: Sequence[object]) -> Array:
    """Return items as a one-dimensional array of objects, even if they are sequences."""
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array
