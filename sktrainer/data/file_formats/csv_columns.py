"""Types of the columns of a CSV file, decided on all values of a column.

A column is read as numbers only if no value would lose anything by it: codes with leading
zeros and integers that no type holds exactly stay strings. The trainer decides later what a
column of strings means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

#: The strings that pandas reads as missing values.
MISSING = frozenset(
    {
        "",
        "#N/A",
        "#N/A N/A",
        "#NA",
        "-1.#IND",
        "-1.#QNAN",
        "-NaN",
        "-nan",
        "1.#IND",
        "1.#QNAN",
        "<NA>",
        "N/A",
        "NA",
        "NULL",
        "NaN",
        "None",
        "n/a",
        "nan",
        "null",
    }
)
_TRUTH = {text: text.lower() == "true" for text in "True False true false TRUE FALSE".split()}

#: Separates the values of a column that are matched at once. No text file contains it, and a
#: value that does is not a number.
_END = "\x1f"

#: Type of columns of strings. In pandas 2, they have objects, and `astype("str")` would turn
#: missing values into text.
STRINGS = "object" if pd.__version__.startswith("2.") else "str"

#: Up to this integer, float64 represents every integer.
MAX_EXACT_FLOAT64 = 2**53
_SAFE_DIGITS = 15


def _all_match(value: str) -> re.Pattern[str]:
    """Return a pattern for values that are each followed by `_END`."""
    return re.compile(rf"(?: *(?:{value}) *{_END})*+", re.IGNORECASE | re.ASCII)


_WHOLE = r"[+-]?(?:0|[1-9]\d*)"
_INTEGERS = _all_match(_WHOLE)
_EXPONENT = r"(?:e[+-]?\d{1,3})?"
_INFINITY = "[+-]?inf(?:inity)?"
_PLAIN = _all_match(rf"{_WHOLE}(?:\.\d*)?{_EXPONENT}|[+-]?\.\d+{_EXPONENT}|{_INFINITY}")

DecimalSign: TypeAlias = Literal[".", ","]
_GROUP_SIGNS: dict[DecimalSign, str] = {".": ",' ", ",": ".' "}


def _grouped(decimal: DecimalSign) -> re.Pattern[str]:
    point = re.escape(decimal)
    whole = "|".join(
        rf"[1-9]\d{{0,2}}(?:{re.escape(sign)}\d{{3}})+" for sign in _GROUP_SIGNS[decimal]
    )
    return _all_match(
        rf"[+-]?(?:{whole}|0|[1-9]\d*)(?:{point}\d*)?{_EXPONENT}"
        rf"|[+-]?{point}\d+{_EXPONENT}|{_INFINITY}"
    )


#: Numbers by decimal sign, with or without separators of thousands.
_GROUPED: dict[DecimalSign, re.Pattern[str]] = {".": _grouped("."), ",": _grouped(",")}

ColumnType: TypeAlias = Literal[
    "bool", "boolean", "int64", "Int64", "uint64", "UInt64", "float64", "str"
]


def string_column(values: Iterable[object]) -> pd.Series[Any]:
    """Return a column of strings, in which a missing value is NaN."""
    return pd.Series(list(values), dtype=STRINGS)


@dataclass(frozen=True)
class ColumnFormat:
    """Type of a column, and the notation of its numbers.

    `decimal` is the decimal sign of numbers that are not in Python's notation: "." or ",".
    """

    type: ColumnType
    decimal: DecimalSign | None = None

    @property
    def dtype(self) -> str:
        """Type of the column in pandas."""
        return STRINGS if self.type == "str" else self.type

    def convert(self, values: Sequence[str]) -> Any:
        """Convert strings to an array."""
        if self.type == "str":
            return string_column(np.nan if text in MISSING else text for text in values)
        if self.type in ("bool", "boolean"):
            return self._convert(values, _TRUTH.__getitem__)
        if self.type != "float64":
            return self._convert(values, int)
        if self.decimal is None:
            return np.array([np.nan if text in MISSING else float(text) for text in values])
        delete = dict.fromkeys(map(ord, _GROUP_SIGNS[self.decimal]))
        table = delete | {ord(self.decimal): "."}
        return np.array(
            [np.nan if text in MISSING else float(text.translate(table)) for text in values]
        )

    def _convert(self, values: Sequence[str], parse: Callable[[str], object]) -> Any:
        items = [None if text in MISSING else parse(text) for text in values]
        is_nullable = self.type in ("boolean", "Int64", "UInt64")
        return pd.Series(items, dtype=self.type) if is_nullable else np.array(items, self.type)


class ColumnScan:
    """What is known about a column after some of its values.

    Examples
    --------
    >>> scan = ColumnScan()
    >>> scan.update(["1", "", "2"])
    >>> scan.format(None)
    ColumnFormat(type='float64', decimal=None)
    >>> scan.update(["007"])
    >>> scan.format(None)
    ColumnFormat(type='str', decimal=None)
    """

    def __init__(self) -> None:
        self._has_values = False
        self._has_missing = False
        self._is_bool = True
        self._is_integer = True
        self._is_plain = True
        self._is_grouped: dict[DecimalSign, bool] = {".": True, ",": True}
        self._smallest = self._largest = 0
        self._has_minus = self._has_inexact = False

    def update(self, values: Sequence[str]) -> None:
        """Take note of further values."""
        is_text = not (self._is_bool or self._is_integer or self._is_plain)
        if is_text and not any(self._is_grouped.values()):
            return
        present = [text for text in values if text not in MISSING]
        self._has_missing |= len(present) < len(values)
        if not present:
            return
        self._has_values = True
        self._is_bool = self._is_bool and all(text in _TRUTH for text in present)
        text = _END.join(["", *present, ""])[1:]
        if text.count(_END) != len(present):  # a value contains the separator
            self._is_integer = self._is_plain = False
            self._is_grouped = dict.fromkeys(self._is_grouped, False)
            return
        self._is_integer = self._is_integer and bool(_INTEGERS.fullmatch(text))
        self._is_plain = self._is_plain and bool(_PLAIN.fullmatch(text))
        self._has_minus |= "-" in text
        if not self._is_integer:  # integers are the same with both decimal signs
            if not self._is_plain:  # a plain number matches the pattern, too
                self._is_grouped["."] &= bool(_GROUPED["."].fullmatch(text))
            self._is_grouped[","] &= bool(_GROUPED[","].fullmatch(text))
        long = [value for value in present if len(value) > _SAFE_DIGITS]
        self._note_integers([v for v in long if "." not in v and "," not in v])

    def _note_integers(self, values: Sequence[str]) -> None:
        for text in values:
            digits = text.strip()
            if not digits.lstrip("+-").isdecimal():
                continue
            number = int(digits)
            self._smallest = min(self._smallest, number)
            self._largest = max(self._largest, number)
            self._has_inexact |= int(float(number)) != number

    @property
    def decimal(self) -> DecimalSign | None:
        """The decimal sign, if only one is possible."""
        if self._is_integer or not self._has_values:
            return None
        point = self._is_plain or self._is_grouped["."]
        comma = self._is_grouped[","]
        if point == comma:
            return None
        return "." if point else ","

    def format(self, decimal: DecimalSign | None) -> ColumnFormat:
        """Return the type; `decimal` is the decimal sign of the other columns of the file."""
        if not self._has_values:
            return ColumnFormat("float64")
        if self._is_bool:
            return ColumnFormat("boolean" if self._has_missing else "bool")
        if self._is_integer:
            return ColumnFormat(self._integer_type())
        if self._has_inexact:
            return ColumnFormat("str")
        sign = self.decimal
        if sign is None and any(self._is_grouped.values()):  # such as 1,234 or 1.234
            sign = decimal or ("." if self._is_plain else None)
        if sign == "." and self._is_plain:
            return ColumnFormat("float64")
        if sign is not None and self._is_grouped[sign]:
            return ColumnFormat("float64", sign)
        return ColumnFormat("str")

    def _integer_type(self) -> ColumnType:
        exact = max(-self._smallest, self._largest) <= MAX_EXACT_FLOAT64
        if self._has_missing and exact:
            return "float64"
        for name, nullable in (("int64", "Int64"), ("uint64", "UInt64")):
            limits = np.iinfo(name)
            smallest = min(self._smallest, -1 if self._has_minus else 0)  # short ones, too
            if limits.min <= smallest and self._largest <= limits.max:
                found: Any = nullable if self._has_missing else name
                return found
        return "str"


def common_decimal(scans: Sequence[ColumnScan]) -> DecimalSign | None:
    """Return the decimal sign of the columns in which it is clear, or None if they differ."""
    signs = {scan.decimal for scan in scans} - {None}
    return next(iter(signs)) if len(signs) == 1 else None
