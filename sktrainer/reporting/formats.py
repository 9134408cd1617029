"""Formatting of numbers, counts, durations and memory sizes for display."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

MISSING = "-"
_MAX_CLASSES = 8

# Parameters can be long, such as cv=[(train, test), ...] with a million row positions.
_REPR = reprlib.Repr()
_REPR.maxlist = _REPR.maxtuple = _REPR.maxset = _REPR.maxdict = 20
_REPR.maxstring = _REPR.maxother = 700


def format_number(value: object, digits: int = 3) -> str:
    """Format a number with `digits` significant digits, and integers in full.

    Parameters
    ----------
    value : object
        A value that is not a number is converted with `str`.
    digits : int, default=3

    Examples
    --------
    >>> [format_number(v) for v in (0.91234, 1.0, 0.00012345, 47213.4, 1234567, None)]
    ['0.912', '1.00', '0.000123', '47,213', '1,234,567', '-']
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return MISSING
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return str(value)
    if hasattr(value, "__index__"):
        return f"{int(value):,}"
    number = float(value)
    if math.isnan(number):
        return MISSING
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    if number == 0:
        return f"{0:.{digits - 1}f}"
    magnitude = math.floor(math.log10(abs(number)))
    if magnitude < -4 or magnitude > 9:
        return f"{number:.{digits - 1}e}"
    # Rounding may add a digit: 0.9996 is shown as 1.00, not as 1.000.
    if round(abs(number), digits - 1 - magnitude) >= 10 ** (magnitude + 1):
        magnitude += 1
    return f"{number:,.{max(digits - 1 - magnitude, 0)}f}"


def format_column(values: Sequence[Any]) -> list[str]:
    """Format the values of one column, with the same number of decimals for all floats.

    The largest value has three significant digits if it is below 1, otherwise four. A
    column of whole numbers has no decimals.

    Examples
    --------
    >>> format_column([0.99831, 1.0, 0.5]), format_column([0.0192, None])
    (['0.998', '1.000', '0.500'], ['0.0192', '-'])
    """
    sizes = [abs(v) for v in values if isinstance(v, float) and math.isfinite(v) and v != 0]
    largest = max(sizes, default=1.0)
    if not 1e-4 <= largest < 1e9 or any(not _is_real(value) for value in values):
        return [format_number(value) for value in values]
    magnitude = math.floor(math.log10(largest))
    decimals = max(3 - magnitude, 0) if magnitude >= 0 else 2 - magnitude
    if largest > 1 and all(size.is_integer() for size in sizes):
        decimals = 0
    return [
        f"{value:,.{decimals}f}" if math.isfinite(value) else format_number(value)
        for value in (math.nan if value is None else value for value in values)
    ]


def _is_real(value: object) -> bool:
    return value is None or isinstance(value, float)


def is_numeric(column: pd.Series) -> bool:
    """Return whether a column is shown as numbers. Missing values count as numbers."""
    if pd.api.types.is_bool_dtype(column):
        return False
    return pd.api.types.is_numeric_dtype(column) or all(
        value is None or hasattr(value, "__float__") for value in column
    )


def capitalize(text: str) -> str:
    """Capitalize the first word, unless it is an identifier such as `roc_auc`.

    Examples
    --------
    >>> capitalize("stopped early"), capitalize("roc_auc 0.9")
    ('Stopped early', 'roc_auc 0.9')
    """
    return text if "_" in text.partition(" ")[0] else text[:1].upper() + text[1:]


def format_count(count: float) -> str:
    """Format a count of rows or a sum of weights with thousands separators.

    Examples
    --------
    >>> format_count(12345), format_count(12.5)
    ('12,345', '12.5')
    """
    return f"{int(count):,}" if float(count).is_integer() else format_number(float(count))


def format_percent(fraction: float) -> str:
    """Format a fraction as a percentage, with one decimal below ten percent.

    Examples
    --------
    >>> format_percent(0.7), format_percent(0.048), format_percent(0.1), format_percent(2e-4)
    ('70%', '4.8%', '10%', '0.02%')
    """
    percent = 100 * fraction
    if 0 < percent < 0.95:
        return f"{percent:.1g}%"
    if percent >= 9.95 or abs(percent - round(percent)) < 0.05:
        return f"{percent:.0f}%"
    return f"{percent:.1f}%"


def format_counts(counts: Mapping[str, float], *, limit: int = _MAX_CLASSES) -> str:
    """Format class counts with their shares.

    With more than `limit` classes, only the largest ones and the rarest one are shown.

    Examples
    --------
    >>> format_counts({"no": 9000, "yes": 1000})
    'no: 9,000 (90%), yes: 1,000 (10%)'
    """
    total = sum(counts.values()) or 1
    items = list(counts.items())
    shown = items if len(items) <= limit else sorted(items, key=lambda item: -item[1])
    parts = [f"{name}: {format_count(n)} ({format_percent(n / total)})" for name, n in shown]
    if len(parts) > limit:
        left_out = len(parts) - limit
        parts[limit - 1 : -1] = [f"… {left_out} more"]
    return ", ".join(parts)


def format_seconds(seconds: float) -> str:
    """Format a duration.

    Examples
    --------
    >>> [format_seconds(s) for s in (0.00042, 0.25, 3.14, 75, 3700)]
    ['< 1 ms', '250 ms', '3.1 s', '1 min 15 s', '1 h 1 min']
    """
    if math.isnan(seconds):
        return MISSING
    if seconds < 0.001:
        return "< 1 ms"
    if seconds < 0.9995:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    total = round(seconds)
    if total < 3600:
        return f"{total // 60} min {total % 60} s"
    return f"{total // 3600} h {total % 3600 // 60} min"


def format_bytes(megabytes: float) -> str:
    """Format an amount of memory given in MB.

    Examples
    --------
    >>> format_bytes(412.3), format_bytes(2048.0)
    ('412 MB', '2.0 GB')
    """
    if math.isnan(megabytes):
        return MISSING
    return f"{megabytes:.0f} MB" if megabytes < 1024 else f"{megabytes / 1024:.1f} GB"


def format_time(created: str) -> str:
    """Format an ISO 8601 time. Return any other string unchanged.

    Examples
    --------
    >>> format_time("2026-01-15T10:30:45+01:00")
    '15 January 2026, 10:30'
    """
    try:
        when = datetime.fromisoformat(created)
    except ValueError:
        return created
    # strftime("%B") would depend on the locale.
    months = (
        "January February March April May June July August September October November December"
    ).split()
    return f"{when.day} {months[when.month - 1]} {when.year}, {when:%H:%M}"


def short_repr(value: object) -> str:
    """Return the repr of a parameter, with long lists and strings truncated.

    Examples
    --------
    >>> short_repr(0.1), short_repr(list(range(1000)))[-12:]
    ('0.1', '18, 19, ...]')
    """
    return _REPR.repr(value)
