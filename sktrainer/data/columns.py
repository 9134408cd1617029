"""Access to table columns as NumPy or pandas arrays, for any DataFrame library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from sktrainer.exceptions import InputError
from sktrainer.types import Array

__all__ = [
    "FEW_ROWS",
    "ColumnValues",
    "column_names",
    "column_reader",
    "is_float_frame",
    "is_frame",
    "unwrap_column",
]


#: One column: a one-dimensional NumPy array or pandas ExtensionArray.
ColumnValues: TypeAlias = Any


#: Up to this number of rows, a frame is converted to Python objects at once. For so few
#: rows, column access takes longer than all other steps of the encoding.
FEW_ROWS = 16


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

    Examples
    --------
    >>> import pandas as pd
    >>> is_float_frame(pd.DataFrame({"a": [0.5], "b": [1.5]}))
    True
    >>> is_float_frame(pd.DataFrame({"a": [0.5], "b": [1]}))
    False
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


def column_reader(X: Any, *, exact: bool = True) -> Callable[[int], ColumnValues]:
    """Return a function that maps a column position to the column's values.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n_rows, n_columns)
    exact : bool, default=True
        Whether the values must have the dtype of the column. If False, the values of
        frames with few rows are Python objects, which is faster.

    Returns
    -------
    callable
        Columns in NumPy or Arrow memory are returned without a copy.

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
            return _from_block(X.to_numpy(dtype=object))  # one call for all columns
        return lambda position: _unwrap_extension(X.iloc[:, position].array)
    frame = nw.from_native(X, eager_only=True)
    if few:
        block = np.empty(frame.shape, dtype=object)
        block[:] = frame.rows()
        return _from_block(block)
    return lambda position: _narwhals_cells(frame[:, position])


def _from_block(block: Array) -> Callable[[int], ColumnValues]:
    return lambda position: block[:, position]


def _unwrap_extension(cells: Any) -> ColumnValues:
    return cells.to_numpy() if isinstance(cells, pd.arrays.NumpyExtensionArray) else cells


def unwrap_column(cells: Any) -> ColumnValues:
    """Return column values as one of the array types that the encoder supports.

    These are NumPy arrays (numbers, booleans, datetimes, durations, objects) and the
    pandas types Categorical, DatetimeArray and string array. Nullable and Arrow numbers
    become floats if values are missing. All other types become object arrays.
    """
    if isinstance(cells, np.ndarray):
        return cells.astype(object) if cells.dtype.kind in "US" else cells
    if isinstance(cells, pd.arrays.NumpyExtensionArray):
        return unwrap_column(cells.to_numpy())
    dtype = cells.dtype
    if isinstance(dtype, pd.CategoricalDtype | pd.DatetimeTZDtype | pd.StringDtype):
        return cells
    if isinstance(dtype, np.dtype):  # datetimes and durations
        return cells.to_numpy()
    if isinstance(dtype, pd.PeriodDtype):
        return cells.to_timestamp().to_numpy()
    if isinstance(dtype, pd.SparseDtype):
        return unwrap_column(np.asarray(cells))
    if dtype.kind in "iufb":
        return _plain_numbers(cells)
    if dtype.kind == "U":  # Arrow strings
        return cells.astype("str")
    if dtype.kind in "mM":  # Arrow dates, timestamps and durations
        return unwrap_column(pd.Series(cells).dt.as_unit("us").to_numpy())
    return np.asarray(cells, dtype=object)


def _plain_numbers(cells: Any) -> Array:
    if not cells.isna().any():
        return cells.to_numpy(dtype=cells.dtype.numpy_dtype)
    dtype = np.float32 if cells.dtype.numpy_dtype == np.float32 else np.float64
    return cells.to_numpy(dtype=dtype, na_value=np.nan)


def _narwhals_cells(column: nw.Series[Any]) -> ColumnValues:
    dtype = column.dtype
    if isinstance(dtype, nw.Categorical | nw.Enum):
        cells = _objects(column.cast(nw.String))
        if isinstance(dtype, nw.Enum):
            return pd.Categorical(cells, categories=list(dtype.categories), ordered=True)
        return pd.Categorical(cells)
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
    return _objects(column)


def _objects(column: nw.Series[Any]) -> Array:
    cells = np.empty(len(column), dtype=object)
    cells[:] = column.to_list()
    return cells
