"""Tests of the types of CSV columns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sktrainer.data.file_formats.csv_columns import (
    ColumnFormat,
    ColumnScan,
    common_decimal,
)


def _scan(*values: str) -> ColumnScan:
    scan = ColumnScan()
    for value in values:  # one by one, so that no value decides alone
        scan.update([value])
    return scan


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        (["1", "-2", " 3"], "int64", [1, -2, 3]),
        (["1", "", "2"], "float64", [1.0, np.nan, 2.0]),
        (["1", "2.5", "NA", "1e3"], "float64", [1.0, 2.5, np.nan, 1000.0]),
        (["", "NaN"], "float64", [np.nan, np.nan]),
        (["true", "False"], "bool", [True, False]),
        (["true", "null"], "boolean", [True, pd.NA]),
        (["9007199254740993", "1"], "int64", [9007199254740993, 1]),
        (["9007199254740993", ""], "Int64", [9007199254740993, pd.NA]),
        (["18446744073709551615", "1"], "uint64", [18446744073709551615, 1]),
        (["inf", "1.5"], "float64", [np.inf, 1.5]),
    ],
)
def test_numbers_keep_their_value(values, dtype, expected):
    form = _scan(*values).format(None)
    assert form == ColumnFormat(dtype)
    pd.testing.assert_series_equal(
        pd.Series(form.convert(values)), pd.Series(expected, dtype=dtype)
    )


@pytest.mark.parametrize(
    "values",
    [
        ["00123", "98178"],
        ["1.5", "007"],
        ["18446744073709551616", "1"],  # no integer type holds it
        ["-1", "18446744073709551615"],
        ["9007199254740993", "1.5"],  # a float would round it
        ["1", "x"],
        ["true", "1"],
        ["1_000"],
        ["1.2.3"],
        ["1\x1f2"],
        ["\u0661"],  # a digit of another script
        ["01/02/2024"],
    ],
)
def test_values_that_numbers_would_change_stay_strings(values):
    form = _scan(*values).format(None)
    assert form == ColumnFormat("str")
    assert list(form.convert(values)) == values


@pytest.mark.parametrize(
    ("values", "decimal", "expected"),
    [
        (["1,5", "2"], ",", [1.5, 2.0]),
        (["1.234,5", "2"], ",", [1234.5, 2.0]),
        (["1,234.5", "2.25"], ".", [1234.5, 2.25]),
        (["1,234,567"], ".", [1234567.0]),
        (["1.234.567"], ",", [1234567.0]),
        (["1'234.5"], ".", [1234.5]),
        (["1 234,5", "-,5", ""], ",", [1234.5, -0.5, np.nan]),
    ],
)
def test_decimal_sign_and_thousands_are_detected(values, decimal, expected):
    form = _scan(*values).format(None)
    assert form == ColumnFormat("float64", decimal)
    assert form.convert(values) == pytest.approx(expected, abs=0, rel=0, nan_ok=True)


@pytest.mark.parametrize(
    ("value", "decimal", "form"),
    [
        ("1,234", None, ColumnFormat("str")),
        ("1,234", ".", ColumnFormat("float64", ".")),
        ("1,234", ",", ColumnFormat("float64", ",")),
        ("1.234", None, ColumnFormat("float64")),
        ("1.234", ".", ColumnFormat("float64")),
        ("1.234", ",", ColumnFormat("float64", ",")),
        ("1.5", ",", ColumnFormat("float64")),
    ],
)
def test_other_columns_decide_about_an_ambiguous_separator(value, decimal, form):
    assert _scan(value).format(decimal) == form


def test_common_decimal_sign_is_that_of_all_clear_columns():
    point, comma, unclear = _scan("1.5"), _scan("1,5"), _scan("1,234")
    assert common_decimal([point, unclear, _scan("x"), _scan("1"), _scan("")]) == "."
    assert common_decimal([comma, unclear]) == ","
    assert common_decimal([comma, point]) is None
