"""Date format detection, date parsing and calendar parts."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sktrainer.data.column_checks import UnreadableValueError
from sktrainer.data.dates import (
    CALENDAR_PARTS,
    ISO,
    DateFormat,
    calendar_parts,
    infer_date_format,
    matching_date_formats,
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


@pytest.mark.parametrize("time", ["", " %H:%M", " %I:%M:%S %p"])
@pytest.mark.parametrize("day", ["%d/%m/%Y", "%m/%d/%y", "%d %B %Y", "%d-%b-%y", "%b %d, %Y"])
def test_every_requested_format_is_tried(day, time):
    form = day + time
    strings = [datetime(2024, 11, number, 10, 15, 20).strftime(form) for number in (13, 28)]
    assert DateFormat(form) in matching_date_formats(
        [*strings, "no 1234"], [form], min_share=0.6
    )


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


@pytest.mark.parametrize("repeat", [1, 30])
@pytest.mark.parametrize(
    "value", [1.5, 1609459200000, True, pd.Timedelta("1D"), ["2024-01-01"]]
)
def test_values_of_another_kind_raise(value, repeat):
    cells = np.empty(2 * repeat, dtype=object)
    cells[:] = [pd.Timestamp("2024-01-01"), value] * repeat
    for form in (DateFormat(), DateFormat(ISO), DateFormat("%d/%m/%Y")):
        with pytest.raises(UnreadableValueError) as caught:
            to_datetimes(cells, form)
        assert caught.value.value == value


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_mixed_offsets_are_parsed_like_single_strings(zone):
    strings = [
        "2021-02-03T04:05:06+01:00",
        "2021-07-03T04:05:06+02:00",
        "2021-07-03 04:05:06.1234567-0330",
        "2021-07-03T04:05:06Z",
        "2021-07-03T04:05:06",
        "2021-07-03",
        "2021-02-30",
    ]
    local = {
        None: ["04:05", "04:05", "04:05", "04:05", "04:05", "00:00", None],
        "UTC": ["03:05", "02:05", "07:35", "04:05", "04:05", "00:00", None],
        "Europe/Berlin": ["04:05", "04:05", "09:35", "06:05", "04:05", "00:00", None],
    }
    form = DateFormat(ISO, zone)
    dates = parse_dates(strings, form)
    shown = [None if pd.isna(d) else pd.Timestamp(d).strftime("%H:%M") for d in dates]
    assert shown == local[zone]
    for repeat in (1, 5):
        cells = np.array(strings * repeat, dtype=object)
        np.testing.assert_array_equal(to_datetimes(cells, form), np.tile(dates, repeat))
    np.testing.assert_array_equal([parse_dates([text], form)[0] for text in strings], dates)


@pytest.mark.parametrize("repeat", [1, 10])
def test_objects_with_and_without_time_zone_are_local_times(repeat):
    moment = pd.Timestamp("2024-01-01 12:00")
    cells = np.array([moment, moment.tz_localize("Asia/Tokyo"), moment.date()] * repeat, object)
    for zone, hours in ((None, [12, 12, 0]), ("UTC", [12, 3, 0])):
        dates = to_datetimes(cells, DateFormat(zone=zone))
        assert pd.DatetimeIndex(dates).hour.tolist() == hours * repeat


def test_stray_strings_do_not_hide_dates():
    strings = ["n. d.", "13/01/2024", "01/02/2024"]
    assert infer_date_format(strings, [5, 10, 90]).text == "%d/%m/%Y"
    assert infer_date_format(strings, [6, 10, 90]) is None


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
