"""Strings that contain numbers, and strings that mean a missing value."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np

#: Strings (lower case, stripped) that mean a missing value.
MISSING_STRINGS = frozenset(
    {"", "?", "-", "--", ".", "na", "n/a", "#n/a", "nan", "null", "none", "<na>", "missing"}
)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")

# Postal codes, phone and account numbers. As floats, they would lose leading zeros or digits.
_IDENTIFIER = re.compile(r"[+-]?(?:0\d.*|\d{16,})")
_TRUTH = {"true": 1.0, "false": 0.0}

#: Smallest share of numbers (or dates) among the values of a column that is read as such.
MIN_SHARE = 0.95

# Currencies whose countries group thousands by commas. Amounts have at most two decimals.
_COMMA_CURRENCIES = "$£¥₹₩"
_CURRENCIES = f"{_COMMA_CURRENCIES}€₽"
_WITH_UNIT = re.compile(
    rf"([+-]?)([{_CURRENCIES}]?)\s*([+-]?[\d.,' ]*\d(?:[eE][+-]?\d+)?)\s*([{_CURRENCIES}%]?)"
)
_GROUPED = r"[+-]?(?:[1-9]\d{{0,2}}([{groups}])\d{{3}}(?:\1\d{{3}})*|\d+|(?={point}))"
_NOTATIONS = {
    decimal: re.compile(
        _GROUPED.format(groups=groups, point=re.escape(decimal))
        + rf"(?:{re.escape(decimal)}\d+(?:[eE][+-]?\d{{1,3}})?)?"
    )
    for decimal, groups in ((".", ",' "), (",", ".' "))
}
_TYPOGRAPHY = str.maketrans("\u00a0\u202f\u2009\u2019\u2212", "   '-")


@dataclass(frozen=True)
class NumberFormat:
    """Notation of the numbers in the strings of a column.

    `decimal` is the decimal separator ("." or ",") of numbers with grouped digits or a unit;
    None: as in Python. `unit` is a currency or percent sign, which is removed.

    Examples
    --------
    >>> NumberFormat().parse("1.5"), NumberFormat(",", "€").parse("1.234,50 €")
    (1.5, 1234.5)
    """

    decimal: str | None = None
    unit: str = ""

    def parse(self, text: str) -> float:
        """Return the number, or NaN if the string is not one."""
        if self.decimal is None:
            return _parse_number(text)
        number, unit = _split_unit(text)
        if unit not in ("", self.unit) or not _NOTATIONS[self.decimal].fullmatch(number):
            return float("nan")
        digits = number.translate({ord(sign): None for sign in "' ,." if sign != self.decimal})
        return float(digits.replace(",", "."))


PLAIN = NumberFormat()


def is_missing_string(text: str) -> bool:
    """Return whether the string means a missing value.

    Examples
    --------
    >>> is_missing_string(" ? "), is_missing_string("0")
    (True, False)
    """
    return text.strip().lower() in MISSING_STRINGS


def most_match(
    strings: Sequence[str], counts: Sequence[int], test: Callable[[str], object]
) -> bool:
    """Return whether the test is true for at least 95 % of the values.

    `counts` is the number of values with each string. Strings that mean a missing value are
    ignored.

    Examples
    --------
    >>> most_match(["1", "2", "x"], [90, 9, 1], str.isdigit)
    True
    """
    present = [
        pair for pair in zip(strings, counts, strict=True) if not is_missing_string(pair[0])
    ]
    allowed = (1 - MIN_SHARE) * sum(count for _, count in present) + 1e-9
    for text, count in present:
        if not test(text):
            allowed -= count
            if allowed < 0:
                return False
    return bool(present)


def infer_number_format(
    strings: Sequence[str], counts: Sequence[int] | None = None
) -> NumberFormat | None:
    """Return the notation of a column of numbers; None if it is none or ambiguous.

    Examples
    --------
    >>> infer_number_format(["1.5", " 2 ", "?"])
    NumberFormat(decimal=None, unit='')
    >>> infer_number_format(["1,234"]) is None
    True
    """
    found = number_formats(strings, [1] * len(strings) if counts is None else counts)
    return found[0] if len(found) == 1 else None


def number_formats(strings: Sequence[str], counts: Sequence[int]) -> list[NumberFormat]:
    """Return the notations in which at least 95 % of the values are numbers.

    There are two if each comma and point may be a decimal or a thousands separator. Digits
    with a leading zero and integers with 16 or more digits are not numbers, and a column that
    contains one is not numeric.

    Examples
    --------
    >>> number_formats(["1,5", "12,25", "many"], [60, 39, 1])
    [NumberFormat(decimal=',', unit='')]
    >>> [form.decimal for form in number_formats(["1,234", "5"], [1, 1])]
    ['.', ',']
    >>> number_formats(["01234", "98178"], [1, 1])
    []
    """
    if not most_match(strings, counts, lambda text: is_number(text) or _split_unit(text)[0]):
        return []
    present = [not is_missing_string(text) for text in strings]
    strings, weights = [*compress(strings, present)], np.asarray(counts)[present]
    split = [_split_unit(text) for text in strings]
    if any(map(_is_identifier, strings)) or any(_is_identifier(number) for number, _ in split):
        return []
    is_plain = np.array([is_number(text) for text in strings])
    plain = [PLAIN] if weights[is_plain].sum() >= MIN_SHARE * weights.sum() else []
    units = {unit for number, unit in split if number}
    named = units - {""}
    # "45 %" and "0.45" may be the same number.
    if is_plain.all() or len(named) > 1 or (named == {"%"} and "" in units):
        return plain
    unit = next(iter(named), "")
    found = [NumberFormat(decimal, unit) for decimal in _NOTATIONS]
    numbers = np.array([[form.parse(text) for text in strings] for form in found])
    matched = (~np.isnan(numbers)) @ weights
    most = max(matched)
    if most <= weights[is_plain].sum() or most < MIN_SHARE * weights.sum():
        return plain
    if matched[0] != matched[1]:
        best = found[int(np.argmax(matched))]
        # Points alone may separate the parts of an address or a version.
        has_commas = any("," in text for text in strings)
        return [best] if unit or has_commas or best.decimal == "." else plain
    if np.array_equal(numbers[0], numbers[1], equal_nan=True):
        # Without a unit, digits in groups separated by spaces may be phone numbers.
        return found[:1] if unit else plain
    if unit and unit in _COMMA_CURRENCIES and not any("." in text for text in strings):
        return found[:1]  # "$1,234", while "$1.234" may be either
    return plain or found


def _split_unit(text: str) -> tuple[str, str]:
    """Return the digits with their separators, and the unit; "" if it is not a number."""
    match = _WITH_UNIT.fullmatch(text.strip().translate(_TYPOGRAPHY))
    if match is None or (match[2] and match[4]):
        return "", ""
    return match[1] + match[3], match[2] or match[4]


def is_number(text: str) -> bool:
    """Return whether the string is a number in Python's notation."""
    return bool(_NUMBER.fullmatch(text.strip()))


def _is_identifier(text: str) -> bool:
    return bool(_IDENTIFIER.fullmatch(text.strip()))


def _parse_number(text: str) -> float:
    if "_" in text:  # float("1_0") is 10 in Python only
        return float("nan")
    try:
        return float(text)
    except ValueError:
        return _TRUTH.get(text.strip().lower(), float("nan"))
