"""Date format detection, date parsing and calendar parts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sktrainer.data.dates import (
    CALENDAR_PARTS,
    ISO,
    DateFormat,
    calendar_parts,
    infer_date_format,
    parse_dates,
    to_datetimes,
    varying_calendar_parts,
)


@pytest.mark.parametrize(
    ("strings", "expected"),
    [
        (["2024-12-31", "2025-01-01"], ISO),
        (["2024-12-31T23:59:59Z"], ISO),
        (["2024-12-31 23:59:59.5+02:00"], ISO),
        (["12/31/2024", "01/02/2025"], "%m/%d/%Y"),
        (["31/12/2024 10:15"], "%d/%m/%Y %H:%M"),
        (["31.12.2024"], "%d.%m.%Y"),
        (["20141013T000000"], "%Y%m%dT%H%M%S"),
        (["20141013", "20150101"], "%Y%m%d"),
        (["31 Dec 2024"], "%d %b %Y"),
        (["Dec 31, 2024"], "%b %d, %Y"),
        (["18.00.00", "19.30.00"], "%H.%M.%S"),
        (["9:30", "10:15"], "%H:%M"),
        (["2024-12-31", "?", ""], ISO),
    ],
)
def test_common_date_formats_are_detected(strings, expected):
    form = infer_date_format(strings)
    assert form is not None and form.text == expected


@pytest.mark.parametrize(
    "strings",
    [
        ["red", "blue"],
        ["2024-12-31", "31/12/2024"],
        ["2024-13-01"],
        ["10-19", "20-29"],
        ["3.5.1", "3.6.0"],
        ["12345678"],
        ["?", ""],
        [],
        ["room 12", "room 13"],
    ],
)
def test_other_strings_are_not_dates(strings):
    assert infer_date_format(strings) is None


def test_ambiguous_format_is_noted():
    form = infer_date_format(["01/02/2025", "03/04/2025"])
    assert form is not None and "%d/%m/%Y" in form.note


@pytest.mark.parametrize("form", ["%d/%m/%Y", ISO, "%Y%m%dT%H%M%S"])
def test_few_and_many_strings_are_parsed_alike(form):
    python_form = "%Y-%m-%d %H:%M" if form == ISO else form
    strings = pd.date_range("1999-12-31", periods=40, freq="37h").strftime(python_form).tolist()
    strings[3] = "no date"
    few = [parse_dates([text], DateFormat(form))[0] for text in strings]
    np.testing.assert_array_equal(parse_dates(strings, DateFormat(form)), np.array(few))


def test_utc_offsets_are_converted_to_utc():
    form = infer_date_format(["2024-01-01T00:30:00+01:00"])
    assert form == DateFormat(ISO, "UTC")
    dates = parse_dates(["2024-01-01T00:30:00+01:00", "2024-01-01T00:30:00Z"], form)
    assert dates.astype("datetime64[m]").astype(str).tolist() == [
        "2023-12-31T23:30",
        "2024-01-01T00:30",
    ]


def test_other_time_zone_is_converted_to_training_zone():
    cells = pd.to_datetime(["2024-01-01 12:00"]).tz_localize("UTC")
    form = DateFormat(zone="Asia/Tokyo")
    for later in (cells.array, np.array(cells, dtype=object)):
        assert to_datetimes(later, form).astype("datetime64[h]") == np.datetime64(
            "2024-01-01T21"
        )


def test_numbers_in_date_column_are_missing():
    assert np.isnat(to_datetimes(np.array([1.0, 2.0]), DateFormat())).all()


@given(st.lists(st.datetimes(), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_calendar_parts_equal_datetime_attributes(moments):
    dates = np.array(moments, dtype="datetime64[us]")
    month, day, weekday, hour, minute, second, days = calendar_parts(dates, CALENDAR_PARTS)
    for row, moment in enumerate(moments):
        assert (month[row], day[row]) == (moment.month, moment.day)
        assert weekday[row] == moment.weekday()
        assert (hour[row], minute[row], second[row]) == (
            *(moment.hour, moment.minute, moment.second),
        )
        assert days[row] == moment.toordinal() - 719163


def test_constant_parts_are_left_out():
    dates = np.array(["2024-01-01T10:00", "2024-01-02T10:00", "NaT"], dtype="datetime64[s]")
    assert varying_calendar_parts(dates) == ("day", "weekday", "days")
    assert varying_calendar_parts(dates[2:]) == ()
