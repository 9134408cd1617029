"""Conversion of the time column to numbers that sort in the order of time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sktrainer.data.columns import missing_column_message
from sktrainer.exceptions import InputError
from sktrainer.types import Array


def select_time_column(X: Any, column: str | int) -> Any:
    """Return a column of a DataFrame by name, or of an array by position."""
    names = getattr(X, "columns", None)
    if names is not None:
        if column not in list(names):
            raise InputError(missing_column_message("time_column", column, list(names)))
        return X[column]
    n_columns = X.shape[1] if getattr(X, "ndim", 0) == 2 else 0
    if sparse.issparse(X) or isinstance(column, str) or not 0 <= column < n_columns:
        raise InputError(
            f"time_column={column!r} must be a column name if X is a DataFrame, or a position "
            f"below {n_columns} if X is an array. Got X of type {type(X).__name__}."
        )
    return X[:, column]


def parse_times(values: Any, name: str | int) -> Array:
    """Return one sort key per row: numbers unchanged, dates as integers.

    Raises
    ------
    InputError
        If a value is missing, or is neither a number nor a date.
    """
    series = values
    if not isinstance(values, pd.Series):
        series = pd.Series(values.to_list() if hasattr(values, "to_list") else values)
    if not pd.api.types.is_numeric_dtype(series):
        missing = series.isna()
        # UTC makes times of different time zones comparable.
        parsed = pd.to_datetime(series, errors="coerce", format="mixed", utc=True)
        bad = parsed.isna() & ~missing
        if bad.any():
            example = series[bad].iloc[0]
            raise InputError(
                f"time_column={name!r} must contain dates or numbers, got {example!r} "
                f"({int(bad.sum()):,} invalid values in total). Parse the column first, for "
                "example with pandas.to_datetime(..., format=...)."
            )
        series = parsed
    if series.isna().any():
        raise InputError(
            f"time_column={name!r} must have a value in every row, got "
            f"{int(series.isna().sum()):,} missing values. Fill them, or drop these rows."
        )
    return np.asarray(series.astype("int64") if series.dtype.kind == "M" else series)
