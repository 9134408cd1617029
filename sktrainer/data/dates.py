"""Date columns, strings that contain dates, and their calendar parts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice, product

import numpy as np
import pandas as pd

from sktrainer.data.columns import FEW_ROWS, ColumnValues, unwrap_column
from sktrainer.data.levels import factorize, is_missing
from sktrainer.data.numbers import is_missing_string
from sktrainer.types import Array

#: Calendar parts of a datetime. `days` is the number of days since 1970-01-01. There is no
#: year, because it would be almost a linear combination of `days`, `month` and `day`.
CALENDAR_PARTS = ("month", "day", "weekday", "hour", "minute", "second", "days")
ISO = "ISO8601"

_ISO_TEXT = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?"
)

# Dates and times of day are tried in this order. `guess_datetime_format` of pandas cannot
# replace the lists: it guesses from a single string, and it does not know "%I:%M %p".
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

# A format is tried on this number of strings before it is tried on all of them.
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


def infer_date_format(strings: Sequence[str]) -> DateFormat | None:
    """Return the format that parses all strings as dates; None if there is none.

    Strings that mean a missing value are ignored. If several formats match, the first is used.

    Examples
    --------
    >>> infer_date_format(["31/12/2024", "01/02/2025"]).text
    '%d/%m/%Y'
    >>> infer_date_format(["2024-12-31", "tomorrow"]) is None
    True
    """
    matching = matching_date_formats(strings)
    if len(matching) > 1:
        return replace(matching[0], note=f"{matching[1].text} also matches")
    return matching[0] if matching else None


def matching_date_formats(strings: Sequence[str], more: Sequence[str] = ()) -> list[DateFormat]:
    """Return the formats that parse all strings as dates, except those that mean missing.

    `more` are formats to try besides the usual ones.
    """
    present = (text.strip() for text in strings if not is_missing_string(text))
    sample = list(islice(present, _SAMPLE))
    # Most strings are no dates. This test is much cheaper than trying all formats.
    if not sample or not all(4 <= len(s) <= 35 and re.search(r"\d", s) for s in sample):
        return []
    every = [*sample, *present]
    return [
        candidate
        for candidate in [*_candidate_formats(sample[0]), *map(DateFormat, more)]
        if _parses(sample, candidate) and _parses(every, candidate)
    ]


def _candidate_formats(text: str) -> Iterator[DateFormat]:
    iso = _ISO_TEXT.fullmatch(text)
    if iso:
        yield DateFormat(ISO, "UTC" if iso.group(1) else None)
        return
    if text.isdigit():
        if _COMPACT.fullmatch(text):
            yield DateFormat("%Y%m%d")
        return
    yield from (DateFormat(day + time) for day, time in product(_DAYS, _TIMES))
    if _CLOCK.fullmatch(text):
        yield from (DateFormat(clock) for clock in ("%H:%M", "%H:%M:%S", "%H.%M.%S"))
    yield DateFormat("%Y%m%dT%H%M%S")


def _parses(strings: Sequence[str], form: DateFormat) -> bool:
    return not bool(np.isnat(parse_dates(strings, form)).any())


def parse_dates(strings: Sequence[str], form: DateFormat) -> Array:
    """Parse strings as datetimes; return NaT for strings in another format."""
    strings = [text.strip() for text in strings]
    if form.text == ISO:
        # pandas also accepts "2024" and "20240229" as ISO dates.
        strings = [text if _ISO_TEXT.fullmatch(text) else "" for text in strings]
        dates = _parse_iso_dates(strings, form)
        if dates is not None:
            return dates
    elif len(strings) <= FEW_ROWS:
        return np.array([_parse(text, form) for text in strings], dtype="datetime64[us]")
    series = pd.Series(strings, dtype=object)
    aware = form.zone is not None
    parsed = pd.to_datetime(series, format=form.text or ISO, errors="coerce", utc=aware)
    return _to_local_time(parsed, form.zone)


def _parse_iso_dates(strings: Sequence[str], form: DateFormat) -> Array | None:
    """Parse ISO strings with NumPy, ten times as fast; return None if one has an offset."""
    if form.zone not in (None, "UTC"):
        return None
    strings = [text.removesuffix("Z") for text in strings]
    if any("+" in text or text.count("-") > 2 for text in strings):
        return None
    try:
        return np.array([text or "NaT" for text in strings], dtype="datetime64[us]")
    except ValueError:
        return None


def _parse(text: str, form: DateFormat) -> np.datetime64:
    try:
        return np.datetime64(datetime.strptime(text, form.text or ""), "us")
    except ValueError:
        return np.datetime64("NaT", "us")


def to_datetimes(values: ColumnValues, form: DateFormat) -> Array:
    """Convert column values to datetimes in the time zone of the format; NaT if not a date.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.array(["2024-02-29", "soon"], dtype=object)
    >>> to_datetimes(values, DateFormat(ISO)).astype("datetime64[D]")
    array(['2024-02-29',        'NaT'], dtype='datetime64[D]')
    """
    values = unwrap_column(values)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return _to_local_time(pd.Series(values), form.zone)
    if isinstance(values, np.ndarray):
        if values.dtype.kind == "M":
            return values
        if values.dtype.kind != "O":
            return np.full(len(values), np.datetime64("NaT", "us"))
        if not any(isinstance(value, str) for value in values):
            return _parse_objects(values, form)
    text_form = form if form.text else DateFormat(ISO, form.zone)
    if len(values) <= FEW_ROWS:
        return parse_dates(
            ["" if is_missing(value) else str(value) for value in values], text_form
        )
    codes, strings = factorize(values)
    dates = parse_dates(strings, text_form)
    return np.append(dates, np.datetime64("NaT", "us"))[codes]


def _parse_objects(values: Array, form: DateFormat) -> Array:
    if any(isinstance(value, pd.Period) for value in values):
        values = np.array(
            [getattr(value, "start_time", value) for value in values], dtype=object
        )
    zone = time_zone(values)
    parsed = pd.to_datetime(pd.Series(values), errors="coerce", utc=zone is not None)
    return _to_local_time(parsed, form.zone or zone)


def time_zone(values: ColumnValues) -> str | None:
    """Return the name of the time zone of the values; None if they have none."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return str(values.dtype.tz)
    if isinstance(values, np.ndarray) and values.dtype == object:
        zones = (getattr(value, "tzinfo", None) for value in values)
        return next((str(zone) for zone in zones if zone is not None), None)
    return None


def _to_local_time(dates: pd.Series, zone: str | None) -> Array:
    if dates.dt.tz is not None:
        dates = (dates.dt.tz_convert(zone) if zone else dates).dt.tz_localize(None)
    return np.asarray(dates.to_numpy())


def calendar_parts(dates: Array, parts: Sequence[str]) -> Iterator[Array]:
    """Yield the requested `CALENDAR_PARTS` of each datetime as float32; NaN for NaT.

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
        values = _calendar_part(dates, days, part).astype(np.float32)
        if missing.any():
            values[missing] = np.nan
        yield values


def _calendar_part(dates: Array, days: Array, part: str) -> Array:
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
    parts = zip(CALENDAR_PARTS, calendar_parts(present, CALENDAR_PARTS), strict=True)
    return tuple(part for part, values in parts if values.min() != values.max())
