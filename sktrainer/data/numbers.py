"""Columns of numbers and durations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.data.column_checks import UnreadableValueError, raise_unless_missing
from sktrainer.data.columns import FEW_ROWS, ColumnValues, unwrap_column
from sktrainer.data.levels import is_missing
from sktrainer.data.number_formats import PLAIN, NumberFormat
from sktrainer.types import Array

#: Above this limit, float32 cannot represent every integer.
MAX_EXACT_FLOAT32 = 2**24


def to_numbers(values: ColumnValues, form: NumberFormat = PLAIN) -> Array:
    """Convert column values to numbers; strings that are not numbers become NaN.

    Numeric arrays are returned without a copy, other columns as float64.

    Raises
    ------
    UnreadableValueError
        A value is neither a number, a boolean nor a string.

    Examples
    --------
    >>> import numpy as np
    >>> to_numbers(np.array([1, "2.5", None], dtype=object))
    array([1. , 2.5, nan])
    """
    values = unwrap_column(values)
    if isinstance(values, pd.Categorical):
        return _from_categories(values, lambda categories: to_numbers(categories, form))
    if isinstance(values, np.ndarray) and values.dtype.kind in "iufb":
        return values
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        raise_unless_missing(values, "numbers")
        return np.full(len(values), np.nan)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        raise_unless_missing(values, "numbers")
    return _read_objects(values, lambda value: _to_number(value, form), form.parse)


def _from_categories(values: pd.Categorical, read: Callable[[Any], Array]) -> Array:
    used = values.remove_unused_categories()
    numbers = read(used.categories.array).astype(np.float64)
    return np.append(numbers, np.nan)[used.codes]


def _read_objects(
    values: ColumnValues, read: Callable[[object], float], parse: Callable[[str], float]
) -> Array:
    """Convert strings and objects; each distinct string is parsed once."""
    if len(values) > FEW_ROWS and pd.api.types.infer_dtype(values, skipna=True) == "string":
        codes, strings = pd.factorize(values)
        return np.append([parse(text) for text in strings], np.nan)[codes]
    numbers = (np.nan if is_missing(value) else read(value) for value in values)
    return np.fromiter(numbers, dtype=np.float64, count=len(values))


def _to_number(value: object, form: NumberFormat) -> float:
    if isinstance(value, str):
        return form.parse(value)
    if isinstance(value, Real | Decimal | np.bool_) and not isinstance(value, np.timedelta64):
        return float(value)
    raise UnreadableValueError(value, "numbers")


def to_seconds(values: ColumnValues) -> Array:
    """Convert durations, and strings such as "1 days 02:00:00" or "P1DT2H", to seconds.

    Raises
    ------
    UnreadableValueError
        A value is neither a duration nor a string.

    Examples
    --------
    >>> to_seconds(pd.array([pd.Timedelta("1min"), None], dtype="timedelta64[s]"))
    array([60., nan])
    """
    values = unwrap_column(values)
    if isinstance(values, pd.Categorical):
        return _from_categories(values, to_seconds)
    if isinstance(values, np.ndarray) and values.dtype.kind == "m":
        return np.asarray(values / np.timedelta64(1, "s"), dtype=np.float64)
    if not isinstance(values, np.ndarray) or values.dtype.kind == "O":
        return _read_objects(values, _duration_seconds, _parse_duration)
    raise_unless_missing(values, "durations")
    return np.full(len(values), np.nan)


def _duration_seconds(value: object) -> float:
    if isinstance(value, str):
        return _parse_duration(value)
    if isinstance(value, timedelta | np.timedelta64):
        return pd.Timedelta(value).total_seconds()
    raise UnreadableValueError(value, "durations")


def _parse_duration(text: str) -> float:
    try:
        float(text)
    except ValueError:
        return float(pd.to_timedelta(text, errors="coerce").total_seconds())
    return float("nan")  # a number without a unit


def mask_number(values: Array, missing: float) -> Array:
    """Return the numbers with NaN in place of the number `missing`.

    Examples
    --------
    >>> import numpy as np
    >>> mask_number(np.array([0, 5]), 0.0), mask_number(np.array([0, 5]), np.nan)
    (array([nan,  5.]), array([0, 5]))
    """
    found = values == missing
    if not found.any():
        return values
    return np.where(found, np.float32(np.nan), values)


def value_range(values: Array) -> tuple[float, float, int]:
    """Return the minimum, the maximum and the number of missing values.

    Examples
    --------
    >>> import numpy as np
    >>> value_range(np.array([3.0, np.nan, 1.0]))
    (1.0, 3.0, 1)
    """
    if not len(values):
        return np.nan, np.nan, 0
    low = values.min()
    if low == low:  # min() is NaN if any value is missing
        return float(low), float(values.max()), 0
    n_missing = int(np.count_nonzero(np.isnan(values)))
    return float(np.fmin.reduce(values)), float(np.fmax.reduce(values)), n_missing


def needs_float64(values: Array, low: float, high: float) -> bool:
    """Return whether float32 would lose differences between the values.

    This is the case if integers above 2**24 (such as identifiers) become equal in float32,
    if values that vary little relative to their magnitude are rounded, and if values
    exceed the range of float32.

    Examples
    --------
    >>> import numpy as np
    >>> needs_float64(np.array([7129300520, 7129300521]), 7129300520, 7129300521)
    True
    >>> needs_float64(np.array([0.5, 7.5]), 0.5, 7.5)
    False
    """
    largest = max(abs(low), abs(high))
    if values.dtype.itemsize <= 2 or values.dtype == np.float32 or not largest > 0:
        return False
    if largest > float(np.finfo(np.float32).max):
        return True
    if high - low < largest * 2.0**-14:
        # Fewer than about 1,000 float32 values lie between the minimum and the maximum.
        present = values[~np.isnan(values)]
        return bool(np.any(present != present.astype(np.float32)))
    if largest <= MAX_EXACT_FLOAT32:
        return False
    if values.dtype.kind == "f":
        present = values[~np.isnan(values)]
        if not np.all(present == np.floor(present)):
            return False
    return bool(pd.unique(values.astype(np.float32)).size < pd.unique(values).size)


def round_down_float32(value: float) -> float:
    """Return the greatest float32 that is not above a threshold.

    A float32 is at most the threshold if and only if it is at most the result.
    """
    narrow = np.float32(value)
    if float(narrow) > value:  # np.float32 rounds to the nearest
        narrow = np.nextafter(narrow, np.float32(-np.inf))
    return float(narrow)
