"""Numeric columns and strings that contain numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from numbers import Real

import numpy as np
import pandas as pd

from sktrainer.data.columns import FEW_ROWS, ColumnValues, unwrap_column
from sktrainer.data.levels import factorize
from sktrainer.types import Array

#: Strings (lower case, stripped) that mean a missing value.
MISSING_STRINGS = frozenset(
    {"", "?", "-", "--", ".", "na", "n/a", "#n/a", "nan", "null", "none", "<na>", "missing"}
)

#: Above this limit, float32 cannot represent every integer.
MAX_EXACT_FLOAT32 = 2**24
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")

# Postal codes, phone and account numbers. As floats, they would lose leading zeros or digits.
_IDENTIFIER = re.compile(r"[+-]?(?:0\d.*|\d{16,})")
_TRUTH = {"true": 1.0, "false": 0.0}


def is_missing_string(text: str) -> bool:
    """Return whether the string means a missing value.

    Examples
    --------
    >>> is_missing_string(" ? "), is_missing_string("0")
    (True, False)
    """
    return text.strip().lower() in MISSING_STRINGS


def parse_all_numbers(strings: Sequence[str]) -> Array | None:
    """Parse strings as numbers; return None if one of them is not a number.

    Digits with a leading zero and integers with 16 or more digits are not numbers.

    Examples
    --------
    >>> parse_all_numbers(["1.5", " 2 ", "?"])
    array([1.5, 2. , nan])
    >>> parse_all_numbers(["01234", "98178"]) is None
    True
    """
    present = (_is_number(text) for text in strings if not is_missing_string(text))
    if not next(present, False) or not all(present):
        return None
    return parse_numbers(strings)


def _is_number(text: str) -> bool:
    stripped = text.strip()
    return bool(_NUMBER.fullmatch(stripped)) and not _IDENTIFIER.fullmatch(stripped)


def parse_numbers(strings: Sequence[str]) -> Array:
    """Parse each string as float64; return NaN for strings that are not numbers.

    Examples
    --------
    >>> parse_numbers(["1e3", "true", "many"])
    array([1000.,    1.,   nan])
    """
    return np.array([_parse_number(text) for text in strings], dtype=np.float64)


def _parse_number(text: str) -> float:
    if "_" in text:  # float("1_0") is 10 in Python only
        return float("nan")
    try:
        return float(text)
    except ValueError:
        return _TRUTH.get(text.strip().lower(), float("nan"))


def to_numbers(values: ColumnValues) -> Array:
    """Convert column values to numbers; values that are not numbers become NaN.

    Numeric arrays are returned without a copy, other columns as float64. Durations are in
    seconds.

    Examples
    --------
    >>> import numpy as np
    >>> to_numbers(np.array([1, "2.5", None], dtype=object))
    array([1. , 2.5, nan])
    """
    values = unwrap_column(values)
    if not isinstance(values, np.ndarray):
        return _parse_distinct(values)
    if values.dtype.kind in "iufb":
        return values
    if values.dtype.kind == "m":
        return np.asarray(values / np.timedelta64(1, "s"), dtype=np.float64)
    if values.dtype.kind == "M":
        return np.full(len(values), np.nan)
    if not any(isinstance(value, str) for value in values):
        try:
            return values.astype(np.float64)
        except (TypeError, ValueError):
            pass  # pandas.NA, durations or objects that are not numbers
    elif len(values) > FEW_ROWS:
        return _parse_distinct(values)
    return np.array([_to_number(value) for value in values], dtype=np.float64)


def _to_number(value: object) -> float:
    if isinstance(value, str):
        return _parse_number(value)
    if isinstance(value, np.timedelta64):
        value = pd.Timedelta(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Real | Decimal | np.bool_):
        return float(value)
    return float("nan")


def _parse_distinct(values: ColumnValues) -> Array:
    """Parse each distinct value only once."""
    codes, strings = factorize(values)
    return np.append(parse_numbers(strings), np.nan)[codes]


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
