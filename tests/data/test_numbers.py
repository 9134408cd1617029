"""Columns of numbers and durations, and the need for float64."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from sktrainer.data.numbers import (
    needs_float64,
    to_numbers,
    value_range,
)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, bool])
def test_numbers_are_not_copied(dtype):
    cells = np.zeros(3, dtype=dtype)
    assert to_numbers(cells) is cells


@pytest.mark.parametrize("repeat", [1, 30])
def test_objects_of_every_type_are_converted(repeat):
    cells = np.array([1, 2.5, True, Decimal("0.5"), None, pd.NA, np.nan] * repeat, dtype=object)
    expected = [1, 2.5, 1, 0.5, *[np.nan] * 3] * repeat
    np.testing.assert_array_equal(to_numbers(cells), expected)


def test_value_range_ignores_missing_values():
    assert value_range(np.array([np.nan, 2.0, -1.0])) == (-1.0, 2.0, 1)
    assert value_range(np.array([True, False])) == (0.0, 1.0, 0)
    assert value_range(np.array([np.nan]))[2] == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([2.0**24, 2.0**24 + 1], True),
        ([2.0**24, 2.0**25], False),
        ([1e9, 1e9 + 0.25], True),
        ([1e39, 1.0], True),
        ([0.1, 0.2, np.nan], False),
        ([123456789.12, 0.5], False),
        ([1.7e9, 1.7e9 + 64.0, np.nan], True),
    ],
)
def test_float64_is_needed_where_float32_loses_differences(values, expected):
    numbers = np.array(values)
    low, high, _ = value_range(numbers)
    assert needs_float64(numbers, low, high) is expected
