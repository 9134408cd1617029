"""Date columns, strings that contain dates, and their calendar parts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from itertools import compress, product
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.data.column_checks import UnreadableValueError, raise_unless_missing
from sktrainer.data.columns import FEW_ROWS, ColumnValues, unwrap_column
from sktrainer.data.levels import factorize, is_missing
from sktrainer.data.number_formats import MIN_SHARE, is_missing_string, most_match
from sktrainer.types import Array

#: Calendar parts of a datetime. `days` is the number of days since 1970-01-01. There is no
#: year, because it would be almost a linear combination of `days`, `month` and `day`.
CALENDAR_PARTS = ("month", "day", "weekday", "hour", "minute", "second", "days")
ISO = "ISO8601"

_ISO_TEXT = re.compile(
    r"(\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?)(Z|[+-]\d{2}:?\d{2})?"
)
_ISO_MICROSECONDS = len("2024-02-29T18:30:00.000000")

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

    `text` is the format of strings, as in `datetime.strptime`, or "ISO8601"; None if the
    training values were datetimes. The calendar parts are computed in the time zone `zone`.
    `note` is a note on the chosen format for the report.
    """

    text: str | None = None
    zone: str | None = None
    note: str = ""


def infer_date_format(
    strings: Sequence[str], counts: Sequence[int] | None = None
) -> DateFormat | None:
    """Return the format that parses most values as dates; None if it parses less than 95 %.

    `counts` is the number of values with each string. Strings that mean a missing value are
    ignored. If several formats parse the same number of values, the first is used.

    Examples
    --------
    >>> infer_date_format(["31/12/2024", "01/02/2025"]).text
    '%d/%m/%Y'
    >>> infer_date_format(["2024-12-31", "tomorrow"]) is None
    True
    """
    matching = matching_date_formats(strings, counts=counts, min_share=MIN_SHARE)
    if len(matching) > 1:
        return replace(matching[0], note=f"{matching[1].text} also matches")
    return matching[0] if matching else None


def matching_date_formats(
    strings: Sequence[str],
    more: Sequence[str] = (),
    *,
    counts: Sequence[int] | None = None,
    min_share: float = 1.0,
) -> list[DateFormat]:
    """Return the formats that parse most values as dates, and at least `min_share` of them.

    Strings that mean a missing value are ignored. `more` are formats to try besides the usual
    ones, and `counts` is the number of values with each string.
    """
    counts = [1] * len(strings) if counts is None else counts
    # Most strings are no dates. This test is much cheaper than trying all formats.
    if not most_match(strings, counts, _may_be_date):
        return []
    present = np.array([not is_missing_string(text) for text in strings])
    weights = np.where(present, counts, 0)
    sample = [text.strip() for text in compress(strings, present)][:_SAMPLE]
    usual = (form for text in sample[:3] for form in _candidate_formats(text))
    candidates = dict.fromkeys([*usual, *map(DateFormat, more)])
    forms = [form for form in candidates if _matches_half(sample, form)]
    parsed = [int(weights[~np.isnat(parse_dates(strings, form))].sum()) for form in forms]
    most = max(parsed, default=0)
    if most < min_share * weights.sum():
        return []
    return [form for form, n in zip(forms, parsed, strict=True) if n == most]


def _may_be_date(text: str) -> bool:
    return 4 <= len(text.strip()) <= 35 and re.search(r"\d", text) is not None


def _matches_half(sample: Sequence[str], form: DateFormat) -> bool:
    """Return whether the format parses more than half of the strings."""
    needs = _parts(form.text or "")
    if form.text != ISO and 2 * sum(needs <= _parts(text) for text in sample) <= len(sample):
        return False  # much cheaper than parsing
    return bool(np.isnat(parse_dates(sample, form)).mean() < 0.5)


@lru_cache(maxsize=1024)
def _parts(text: str) -> frozenset[str]:
    """Return the separators in a string or a format, and "year" if it has four-digit years."""
    year = {"year"} if re.search(r"%Y|\d{4}", text) else set()
    return frozenset(year.union(re.findall("[-/.,:]", text)))


def _candidate_formats(text: str) -> Iterator[DateFormat]:
    iso = _ISO_TEXT.fullmatch(text)
    if iso:
        yield DateFormat(ISO, "UTC" if iso.group(2) else None)
        return
    if text.isdigit():
        if _COMPACT.fullmatch(text):
            yield DateFormat("%Y%m%d")
        return
    yield from (DateFormat(day + time) for day, time in product(_DAYS, _TIMES))
    if _CLOCK.fullmatch(text):
        yield from (DateFormat(clock) for clock in ("%H:%M", "%H:%M:%S", "%H.%M.%S"))
    yield DateFormat("%Y%m%dT%H%M%S")


def parse_dates(strings: Sequence[str], form: DateFormat) -> Array:
    """Parse strings as datetimes; return NaT for strings in another format.

    A UTC offset is converted to the time zone of the format. Without one, the offset is
    ignored, because the training values were local times.
    """
    strings = [text.strip() for text in strings]
    if form.text == ISO:
        return _parse_iso_dates(strings, form.zone)
    if len(strings) <= FEW_ROWS:
        return np.array([_parse(text, form) for text in strings], dtype="datetime64[us]")
    series = pd.Series(strings, dtype=object)
    return np.asarray(pd.to_datetime(series, format=form.text, errors="coerce"))


def _parse_iso_dates(strings: Sequence[str], zone: str | None) -> Array:
    # pandas also accepts "2024" and "20240229" as ISO dates, but not several offsets.
    found = [
        match.groups() if (match := _ISO_TEXT.fullmatch(s)) else ("NaT", None) for s in strings
    ]
    times = [time[:_ISO_MICROSECONDS] for time, _ in found]
    try:
        dates = np.array(times, dtype="datetime64[us]")
    except ValueError:  # such as a 30th of February
        dates = np.array([_parse_iso(time) for time in times], dtype="datetime64[us]")
    aware = np.array([offset is not None for _, offset in found], dtype=bool)
    if zone is not None and aware.any():
        minutes = [_offset_minutes(offset) for _, offset in found if offset is not None]
        utc = dates[aware] - np.array(minutes, dtype="timedelta64[m]")
        dates[aware] = pd.DatetimeIndex(utc, tz="UTC").tz_convert(zone).tz_localize(None)
    return dates


def _parse_iso(text: str) -> np.datetime64:
    try:
        return np.datetime64(text, "us")
    except ValueError:
        return np.datetime64("NaT", "us")


def _offset_minutes(offset: str) -> int:
    if offset == "Z":
        return 0
    minutes = int(offset[1:3]) * 60 + int(offset[-2:])
    return -minutes if offset[0] == "-" else minutes


def _parse(text: str, form: DateFormat) -> np.datetime64:
    try:
        return np.datetime64(datetime.strptime(text, form.text or ""), "us")
    except ValueError:
        return np.datetime64("NaT", "us")


def to_datetimes(values: ColumnValues, form: DateFormat) -> Array:
    """Convert column values to datetimes in the time zone of the format.

    Values without a time zone are local times. Strings that are no dates become NaT.

    Raises
    ------
    UnreadableValueError
        A value is neither a date nor a string.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.array(["2024-02-29", "soon"], dtype=object)
    >>> to_datetimes(values, DateFormat(ISO)).astype("datetime64[D]")
    array(['2024-02-29',        'NaT'], dtype='datetime64[D]')
    """
    values = unwrap_column(values)
    if isinstance(values, pd.Categorical):
        used = values.remove_unused_categories()
        dates = to_datetimes(used.categories.array, form).astype("datetime64[us]")
        return np.append(dates, np.datetime64("NaT", "us"))[used.codes]
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return _to_local_time(pd.Series(values), form.zone)
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        return values
    if isinstance(values, np.ndarray) and values.dtype.kind != "O":
        raise_unless_missing(values, "dates")
        return np.full(len(values), np.datetime64("NaT", "us"))
    if len(values) > FEW_ROWS:
        inferred = pd.api.types.infer_dtype(values, skipna=True)
        if inferred == "string":
            codes, strings = factorize(values)
            dates = parse_dates(strings, _text_format(form))
            return np.append(dates, np.datetime64("NaT", "us"))[codes]
        if inferred in ("date", "datetime", "datetime64") and time_zone(values) is None:
            return np.asarray(pd.to_datetime(pd.Series(values), errors="coerce"))
    return np.array([_to_datetime(value, form) for value in values], dtype="datetime64[us]")


def _text_format(form: DateFormat) -> DateFormat:
    return form if form.text else DateFormat(ISO, form.zone)


def _to_datetime(value: Any, form: DateFormat) -> np.datetime64:
    if isinstance(value, str):
        return parse_dates([value], _text_format(form))[0]
    if is_missing(value):
        return np.datetime64("NaT", "us")
    if isinstance(value, pd.Period):
        value = value.start_time
    if not isinstance(value, date | np.datetime64):
        raise UnreadableValueError(value, "dates")
    stamp = pd.Timestamp(value)
    if stamp.tzinfo is not None:
        stamp = (stamp.tz_convert(form.zone) if form.zone else stamp).tz_localize(None)
    return stamp.to_datetime64().astype("datetime64[us]")


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
