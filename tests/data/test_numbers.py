"""Parsing of numeric strings, and the need for float64."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sktrainer.data.numbers import (
    needs_float64,
    parse_all_numbers,
    parse_numbers,
    to_numbers,
    value_range,
)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_float_strings_are_parsed_exactly(values):
    numbers = parse_all_numbers([repr(value) for value in values])
    assert numbers is not None and numbers.tolist() == values


@pytest.mark.parametrize("text", ["", "?", "NA", "nan", " n/a ", "NULL", "None", "-"])
def test_common_missing_strings_are_missing(text):
    np.testing.assert_array_equal(parse_all_numbers([text, "1"]), [np.nan, 1])


@pytest.mark.parametrize(
    "strings",
    [
        ["1", "two"],
        ["01234"],
        ["-007"],
        ["4111111111111111"],
        ["1_000"],
        ["1,234"],
        ["inf"],
        ["0x1f"],
        ["?"],
        [],
    ],
)
def test_strings_that_resemble_numbers_are_rejected(strings):
    assert parse_all_numbers(strings) is None


def test_zero_is_not_a_leading_zero():
    np.testing.assert_array_equal(parse_all_numbers(["0", "0.5", "-0.25"]), [0, 0.5, -0.25])


def test_later_strings_that_are_not_numbers_are_missing():
    np.testing.assert_array_equal(parse_numbers(["1_0", "x", "TRUE"]), [np.nan, np.nan, 1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, bool])
def test_numbers_are_not_copied(dtype):
    cells = np.zeros(3, dtype=dtype)
    assert to_numbers(cells) is cells


@pytest.mark.parametrize("repeat", [1, 30])
def test_objects_of_every_type_are_converted(repeat):
    cells = np.array([1, 2.5, True, None, pd.NA, np.nan, object()] * repeat, dtype=object)
    expected = [1, 2.5, 1, *[np.nan] * 4] * repeat
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
