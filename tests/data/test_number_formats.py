"""Strings that contain numbers, in every notation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sktrainer.data.number_formats import PLAIN, infer_number_format, number_formats


def parse(strings):
    """Return the numbers in a column of strings, or None if they are not numbers."""
    form = infer_number_format(strings)
    return None if form is None else [form.parse(text) for text in strings]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_float_strings_are_parsed_exactly(values):
    assert parse([repr(value) for value in values]) == values


@pytest.mark.parametrize("text", ["", "?", "NA", "nan", " n/a ", "NULL", "None", "-"])
def test_common_missing_strings_are_missing(text):
    np.testing.assert_array_equal(parse([text, "1"]), [np.nan, 1])


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
    assert parse(strings) is None


def test_zero_is_not_a_leading_zero():
    np.testing.assert_array_equal(parse(["0", "0.5", "-0.25"]), [0, 0.5, -0.25])


def test_later_strings_that_are_not_numbers_are_missing():
    numbers = [PLAIN.parse(text) for text in ["1_0", "x", "TRUE"]]
    np.testing.assert_array_equal(numbers, [np.nan, np.nan, 1])


@pytest.mark.parametrize(
    ("strings", "expected"),
    [
        (["1,5", "-12,25", "7"], [1.5, -12.25, 7]),
        (["1.234,5", "12.000"], [1234.5, 12000]),
        (["1 234,5", "1\u202f000,25"], [1234.5, 1000.25]),
        (["1,234.50", "99"], [1234.5, 99]),
        (["1,234,567", "12"], [1234567, 12]),
        (["1'234.5"], [1234.5]),
        (["12.5", "1,200"], [12.5, 1200]),
        (["$1,200", "-$5.50", "$ 7"], [1200, -5.5, 7]),
        (["£1,200"], [1200]),
        (["1.200,50 €", "5 €"], [1200.5, 5]),
        (["€5", "7"], [5, 7]),
        (["45 %", "3.5%"], [45, 3.5]),
        (["\u22125,5"], [-5.5]),
        (["1,5e3"], [1500]),
    ],
)
def test_unambiguous_notations_are_parsed(strings, expected):
    assert parse(strings) == expected


@pytest.mark.parametrize(
    "strings",
    [["1,234", "999"], ["€1.234"], ["€1,234"], ["$1.234"]],
)
def test_separators_with_two_meanings_are_ambiguous(strings):
    assert [form.decimal for form in number_formats(strings, [1] * len(strings))] == [".", ","]


@pytest.mark.parametrize(
    "strings",
    [
        ["555 123 456"],
        ["192.168.100.200"],
        ["1,2,3"],
        ["$5", "€5"],
        ["45 %", "0.45"],
        ["01,5"],
        ["$4111111111111111"],
        ["1,5", "1.5"],
    ],
)
def test_other_strings_with_separators_are_not_numbers(strings):
    assert parse(strings) is None


def test_share_of_numbers_counts_rows():
    assert infer_number_format(["1", "2", "x"], [94, 1, 5]) == PLAIN
    assert infer_number_format(["1", "2", "x"], [93, 1, 6]) is None
    assert infer_number_format(["1", "2", "x", "y", "?"], [190, 1, 9, 1, 500]) == PLAIN


def test_one_identifier_among_numbers_keeps_strings():
    assert infer_number_format(["98178", "01234"], [99, 1]) is None


def test_few_ambiguous_values_are_stray():
    assert infer_number_format(["1", "2", "1,234"], [98, 1, 1]) == PLAIN
