"""The columns of any table as NumPy or pandas arrays, whatever library made the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from sktrainer.exceptions import InputError
from sktrainer.types import Array

#: One column: a one-dimensional NumPy array or pandas ExtensionArray.
Cells: TypeAlias = Any

#: So few rows are taken out of a frame at once, as Python objects: to ask a frame for its
#: columns one by one costs more than all the rest of encoding a row.
FEW_ROWS = 16


def is_frame(X: Any) -> bool:
    """Whether X is a DataFrame that is in memory (pandas, polars, pyarrow and the like).

    Raises
    ------
    InputError
        X is a frame that is still to be computed.

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
        raise InputError("expected a table in memory, got a lazy one; pass X.collect()")
    return isinstance(frame, nw.DataFrame)


def is_float_block(X: Any) -> bool:
    """Whether X is a pandas DataFrame whose columns all are floats of one NumPy dtype.

    Such a frame mostly is one block of memory, which can be had without a copy.

    Examples
    --------
    >>> import pandas as pd
    >>> is_float_block(pd.DataFrame({"a": [0.5], "b": [1.5]}))
    True
    >>> is_float_block(pd.DataFrame({"a": [0.5], "b": [1]}))
    False
    """
    if not isinstance(X, pd.DataFrame):
        return False
    dtypes = set(X.dtypes)
    return len(dtypes) == 1 and next(iter(dtypes)) in (np.dtype("f4"), np.dtype("f8"))


def column_names(X: Any) -> list[Any]:
    """Return the names of a frame's columns, as they stand in it."""
    if isinstance(X, pd.DataFrame):
        return list(X.columns)
    return list(nw.from_native(X, eager_only=True).columns)


def cells_by_position(X: Any, *, exact: bool = True) -> Callable[[int], Cells]:
    """Return a function from a column's position to its cells.

    Parameters
    ----------
    X : DataFrame or ndarray of shape (n_rows, n_columns)
    exact : bool, default=True
        Whether the cells must have the column's own dtype; with False the cells of a
        frame of few rows come as Python objects, which is quicker.

    Returns
    -------
    callable
        Nothing is copied where the column lies in NumPy or Arrow memory.

    Examples
    --------
    >>> import pandas as pd
    >>> column = cells_by_position(pd.DataFrame({"age": [31, 45]}))
    >>> column(0)
    array([31, 45])
    """
    if isinstance(X, np.ndarray):
        return lambda position: X[:, position]
    few = not exact and len(X) <= FEW_ROWS
    if isinstance(X, pd.DataFrame):
        if few:
            return _from_block(X.to_numpy(dtype=object))
        return lambda position: _without_wrapper(X.iloc[:, position].array)
    frame = nw.from_native(X, eager_only=True)
    if few:
        block = np.empty(frame.shape, dtype=object)
        block[:] = frame.rows()
        return _from_block(block)
    return lambda position: _narwhals_cells(frame[:, position])


def _from_block(block: Array) -> Callable[[int], Cells]:
    return lambda position: block[:, position]


def _without_wrapper(cells: Any) -> Cells:
    return cells.to_numpy() if isinstance(cells, pd.arrays.NumpyExtensionArray) else cells


def unwrapped(cells: Any) -> Cells:
    """Return pandas cells in one of the few forms that the rest of the package knows.

    These are NumPy arrays (numbers, booleans, datetimes, durations, objects) and pandas'
    Categorical, DatetimeArray and string arrays. Nullable and Arrow numbers become
    floats where cells are missing; what is none of these becomes an array of objects.
    """
    if isinstance(cells, np.ndarray):
        return cells.astype(object) if cells.dtype.kind in "US" else cells
    if isinstance(cells, pd.arrays.NumpyExtensionArray):
        return unwrapped(cells.to_numpy())
    dtype = cells.dtype
    if isinstance(dtype, pd.CategoricalDtype | pd.DatetimeTZDtype | pd.StringDtype):
        return cells
    if isinstance(dtype, np.dtype):  # datetimes and durations
        return cells.to_numpy()
    if isinstance(dtype, pd.PeriodDtype):
        return cells.to_timestamp().to_numpy()
    if isinstance(dtype, pd.SparseDtype):
        return unwrapped(np.asarray(cells))
    if dtype.kind in "iufb":
        return _plain_numbers(cells)
    if dtype.kind == "U":
        return cells.astype("str")
    if dtype.kind in "mM":
        return unwrapped(pd.Series(cells).dt.as_unit("us").to_numpy())
    return np.asarray(cells, dtype=object)


def _plain_numbers(cells: Any) -> Array:
    if not cells.isna().any():
        return cells.to_numpy(dtype=cells.dtype.numpy_dtype)
    dtype = np.float32 if cells.dtype.numpy_dtype == np.float32 else np.float64
    return cells.to_numpy(dtype=dtype, na_value=np.nan)


def _narwhals_cells(column: nw.Series[Any]) -> Cells:
    dtype = column.dtype
    if isinstance(dtype, nw.Categorical | nw.Enum):
        cells = _objects(column.cast(nw.String))
        if isinstance(dtype, nw.Enum):
            return pd.Categorical(cells, categories=list(dtype.categories), ordered=True)
        return pd.Categorical(cells)
    if isinstance(dtype, nw.Datetime) and dtype.time_zone is not None:
        wall = column.dt.replace_time_zone(None).to_numpy()
        # A clock that is put back shows an hour twice; the parts are the same for both.
        twice = np.zeros(len(wall), dtype=bool)
        return pd.DatetimeIndex(wall).tz_localize(dtype.time_zone, ambiguous=twice).array
    if isinstance(dtype, nw.Date):
        return column.cast(nw.Datetime("us")).to_numpy()
    if isinstance(dtype, nw.Boolean) and column.null_count():
        return pd.array(column.to_list(), dtype="boolean")
    if isinstance(dtype, nw.Decimal):
        return column.cast(nw.Float64).to_numpy()
    if dtype.is_numeric() or isinstance(dtype, nw.Boolean | nw.Datetime | nw.Duration):
        return unwrapped(column.to_numpy())
    return _objects(column)


def _objects(column: nw.Series[Any]) -> Array:
    cells = np.empty(len(column), dtype=object)
    cells[:] = column.to_list()
    return cells
