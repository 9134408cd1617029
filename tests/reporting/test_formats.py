from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sktrainer.reporting.formats import (
    format_column,
    format_counts,
    format_number,
    format_percent,
    format_seconds,
    format_time,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.9996, "1.00"),
        (9.996, "10.0"),
        (0.0, "0.00"),
        (-0.01234, "-0.0123"),
        (1e-12, "1.00e-12"),
        (1.5e15, "1.50e+15"),
        (float("nan"), "-"),
        (float("-inf"), "-inf"),
        (np.float32(0.5), "0.500"),
        (np.int64(12345), "12,345"),
        (pd.NA, "-"),
        (True, "True"),
        ("text", "text"),
    ],
)
def test_number_has_three_significant_digits(value, text):
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("values", "strings"),
    [
        ([0.98, 1.0], ["0.980", "1.000"]),
        ([51234.5, 60321.25], ["51,234", "60,321"]),
        ([0.0192, float("nan"), None], ["0.0192", "-", "-"]),
        ([float("inf"), 1.0], ["inf", "1.000"]),
        ([1, 2000], ["1", "2,000"]),
        ([121.0, 3.0], ["121", "3"]),
        ([1.0, 1.0, 0.0], ["1.000", "1.000", "0.000"]),
        ([1e-9, 2.0e-8], ["1.00e-09", "2.00e-08"]),
        (["a", 0.5], ["a", "0.500"]),
        ([], []),
    ],
)
def test_values_of_a_column_have_the_same_decimals(values, strings):
    assert format_column(values) == strings


def test_many_classes_are_reduced_to_largest_and_rarest():
    text = format_counts({f"c{i}": i + 1 for i in range(50)})
    assert text.startswith("c49: 50 (3.9%)")
    assert "… 42 more" in text
    assert text.endswith("c0: 1 (0.08%)")
    assert text.count(":") == 8


@pytest.mark.parametrize(
    ("fraction", "text"), [(0, "0%"), (1, "100%"), (0.0996, "10%"), (0.999, "100%")]
)
def test_percentages_without_decimals_if_possible(fraction, text):
    assert format_percent(fraction) == text


@pytest.mark.parametrize(("seconds", "text"), [(59.97, "1 min 0 s"), (0.9999, "1.0 s")])
def test_duration_rounds_up_to_the_next_unit(seconds, text):
    assert format_seconds(seconds) == text


def test_string_that_is_not_a_time_is_unchanged():
    assert format_time("yesterday") == "yesterday"
