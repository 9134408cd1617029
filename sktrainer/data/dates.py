"""Date columns, strings that contain dates, and their calendar parts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.data.columns import FEW_ROWS, ColumnValues, unwrap_column
from sktrainer.data.levels import factorize, is_missing
from sktrainer.data.numbers import is_missing_string
from sktrainer.types import Array

__all__ = [
    "CALENDAR_PARTS",
    "DateFormat",
    "calendar_parts",
    "infer_date_format",
    "parse_dates",
    "time_zone",
    "to_datetimes",
    "varying_calendar_parts",
]


#: Calendar parts of a datetime. `days` is the number of days since 1970-01-01. There is no
#: year, because it would be almost a linear combination of `days`, `month` and `day`.
CALENDAR_PARTS = ("month", "day", "weekday", "hour", "minute", "second", "days")


ISO = "ISO8601"


_ISO_TEXT = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?"
)


_DAYS = (
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%m/%d/%y",
    "%d/%m/%y",
)


_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


_CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?|\d{1,2}\.\d{2}\.\d{2}")


_COMPACT = re.compile(r"(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")


_SAMPLE = 50


@dataclass(frozen=True)
class DateFormat:
    """Rules for parsing the values of a column as datetimes.

    Parameters
    ----------
    text : str or None, default=None
        Format of strings, as in `datetime.strptime`, or "ISO8601". None if the training
        values were datetimes.
    zone : str or None, default=None
        Time zone in which the calendar parts are computed.
    note : str, default=""
        Note on the chosen format for the report.
    """

    text: str | None = None
    zone: str | None = None
    note: str = ""


def infer_date_format(texts: Sequence[str]) -> DateFormat | None:
    """Return the format that parses all strings as dates; None if there is none.

    Strings that mean a missing value are ignored. If several formats match, the first is used.

    Examples
    --------
    >>> infer_date_format(["31/12/2024", "01/02/2025"]).text
    '%d/%m/%Y'
    >>> infer_date_format(["2024-12-31", "tomorrow"]) is None
    True
    """
    present = (text.strip() for text in texts if not is_missing_string(text))
    sample = list(islice(present, _SAMPLE))
    if not sample or not all(_looks_like_date(text) for text in sample):
        return None
    every = [*sample, *present]
    matching = [
        candidate
        for candidate in _candidates(sample[0])
        if _parses(sample, candidate) and _parses(every, candidate)
    ]
    if not matching:
        return None
    chosen = matching[0]
    if len(matching) == 1:
        return chosen
    return DateFormat(chosen.text, chosen.zone, f"{matching[1].text} also matches")


def _looks_like_date(text: str) -> bool:
    return 4 <= len(text) <= 35 and any(character.isdigit() for character in text)


def _candidates(text: str) -> Iterator[DateFormat]:
    iso = _ISO_TEXT.fullmatch(text)
    if iso:
        yield DateFormat(ISO, "UTC" if iso.group(1) else None)
        return
    if text.isdigit():
        if _COMPACT.fullmatch(text):
            yield DateFormat("%Y%m%d")
        return
    yield from (DateFormat(day + time) for day in _DAYS for time in _TIMES)
    if _CLOCK.fullmatch(text):
        yield from (DateFormat(clock) for clock in ("%H:%M", "%H:%M:%S", "%H.%M.%S"))
    yield DateFormat("%Y%m%dT%H%M%S")


def _parses(texts: Sequence[str], form: DateFormat) -> bool:
    return not bool(np.isnat(parse_dates(texts, form)).any())


def parse_dates(texts: Sequence[str], form: DateFormat) -> Array:
    """Parse strings as datetimes; return NaT for strings in another format."""
    texts = [text.strip() for text in texts]
    if form.text == ISO:
        # pandas also accepts "2024" and "20240229" as ISO dates.
        texts = [text if _ISO_TEXT.fullmatch(text) else "" for text in texts]
        dates = _quick_iso_dates(texts, form)
        if dates is not None:
            return dates
    elif len(texts) <= FEW_ROWS:
        return np.array([_parse(text, form) for text in texts], dtype="datetime64[us]")
    series = pd.Series(texts, dtype=object)
    aware = form.zone is not None
    parsed = pd.to_datetime(series, format=form.text or ISO, errors="coerce", utc=aware)
    return _to_local_time(parsed, form.zone)


def _quick_iso_dates(texts: Sequence[str], form: DateFormat) -> Array | None:
    """Parse ISO strings with NumPy, ten times as fast; return None if one has an offset."""
    if form.zone not in (None, "UTC"):
        return None
    texts = [text.removesuffix("Z") for text in texts]
    if any("+" in text or text.count("-") > 2 for text in texts):
        return None
    try:
        return np.array([text or "NaT" for text in texts], dtype="datetime64[us]")
    except ValueError:
        return None


def _parse(text: str, form: DateFormat) -> np.datetime64:
    try:
        return np.datetime64(datetime.strptime(text, form.text or ""), "us")
    except ValueError:
        return np.datetime64("NaT", "us")


def to_datetimes(cells: ColumnValues, form: DateFormat) -> Array:
    """Convert column values to datetimes in the time zone of the format.

    Returns
    -------
    ndarray of datetime64, shape (n_rows,)
        NaT for missing values and values that are not dates.

    Examples
    --------
    >>> import numpy as np
    >>> cells = np.array(["2024-02-29", "soon"], dtype=object)
    >>> to_datetimes(cells, DateFormat(ISO)).astype("datetime64[D]")
    array(['2024-02-29',        'NaT'], dtype='datetime64[D]')
    """
    cells = unwrap_column(cells)
    if isinstance(cells, np.ndarray) and cells.dtype.kind == "M":
        return cells
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        return _to_local_time(pd.Series(cells), form.zone)
    if isinstance(cells, np.ndarray) and cells.dtype.kind != "O":
        return np.full(len(cells), np.datetime64("NaT", "us"))
    if isinstance(cells, np.ndarray) and not any(isinstance(cell, str) for cell in cells):
        return _datetimes_of_objects(cells, form)
    text_form = form if form.text else DateFormat(ISO, form.zone)
    if len(cells) <= FEW_ROWS:
        return parse_dates(["" if is_missing(cell) else str(cell) for cell in cells], text_form)
    codes, texts = factorize(cells)
    dates = parse_dates(texts, text_form)
    return np.append(dates, np.datetime64("NaT", "us"))[codes]


def _datetimes_of_objects(cells: Array, form: DateFormat) -> Array:
    if any(isinstance(cell, pd.Period) for cell in cells):
        cells = np.array([getattr(cell, "start_time", cell) for cell in cells], dtype=object)
    zone = next((zone for cell in cells if (zone := getattr(cell, "tzinfo", None))), None)
    if zone is not None:
        parsed = pd.to_datetime(pd.Series(cells), errors="coerce", utc=True)
        return _to_local_time(parsed, form.zone or str(zone))
    parsed = pd.to_datetime(pd.Series(cells, dtype=object), errors="coerce")
    return _to_local_time(parsed, form.zone)


def time_zone(cells: ColumnValues) -> str | None:
    """Return the name of the time zone of the values; None if they have none."""
    if isinstance(cells.dtype, pd.DatetimeTZDtype):
        return str(cells.dtype.tz)
    if isinstance(cells, np.ndarray) and cells.dtype == object:
        zones = (getattr(cell, "tzinfo", None) for cell in cells)
        found = next((zone for zone in zones if zone is not None), None)
        return None if found is None else str(found)
    return None


def _to_local_time(dates: Any, zone: str | None) -> Array:
    if dates.dt.tz is not None:
        dates = (dates.dt.tz_convert(zone) if zone else dates).dt.tz_localize(None)
    return np.asarray(dates.to_numpy())


def calendar_parts(dates: Array, parts: Sequence[str]) -> Iterator[Array]:
    """Yield the requested `PARTS` of each datetime; NaN for NaT.

    Monday is weekday 0.

    Examples
    --------
    >>> import numpy as np
    >>> dates = np.array(["2024-02-29T18:30", "NaT"], dtype="datetime64[s]")
    >>> [part.tolist() for part in calendar_parts(dates, ["hour", "weekday"])]
    [[18.0, nan], [3.0, nan]]
    """
    missing = np.isnat(dates)
    days = dates.astype("datetime64[D]")
    for part in parts:
        values = _whole_part(dates, days, part).astype(np.float32)
        if missing.any():
            values[missing] = np.nan
        yield values


def _whole_part(dates: Array, days: Array, part: str) -> Array:
    if part == "days":
        return days.astype(np.int64)
    if part == "weekday":
        return (days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    if part in ("month", "day"):
        months = days.astype("datetime64[M]")
        if part == "day":
            return (days - months).astype(np.int64) + 1
        return months.astype(np.int64) % 12 + 1
    of_day = (dates.astype("datetime64[s]") - days).astype(np.int64)
    divisor, modulus = {"hour": (3600, 24), "minute": (60, 60), "second": (1, 60)}[part]
    return of_day // divisor % modulus


def varying_calendar_parts(dates: Array) -> tuple[str, ...]:
    """Return the calendar parts that vary between the dates, ignoring NaT.

    Examples
    --------
    >>> import numpy as np
    >>> varying_calendar_parts(np.array(["2024-01-01", "2024-03-01"], dtype="datetime64[D]"))
    ('month', 'weekday', 'days')
    """
    present = pd.unique(dates[~np.isnat(dates)])
    if len(present) < 2:
        return ()
    values = zip(CALENDAR_PARTS, calendar_parts(present, CALENDAR_PARTS), strict=True)
    return tuple(part for part, of_dates in values if of_dates.min() != of_dates.max())
