"""The time column: formats of dates, kinds of values, and errors."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from sktrainer.data.time import parse_times
from sktrainer.exceptions import InputError

DAYS = pd.date_range("2020-01-01", periods=200)
NEW_YEAR = dt.datetime(2020, 1, 1)
INTEGERS = np.arange(200)


def arrow(values, kind):
    return pd.Series(values, dtype=pd.ArrowDtype(kind))


@pytest.mark.parametrize(
    "form",
    [
        *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y-%m-%d", "%Y/%m/%d"),
        *("%Y%m%d", "%d%m%Y", "%m%d%Y", "%d %b %Y", "%d-%b-%y", "%d.%m.%y", "%m/%d/%y"),
        *("%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p", " %d/%m/%Y ", "%Y-%m-%dT%H:%M:%S"),
    ],
)
@pytest.mark.parametrize("dtype", ["str", "object", "category"])
def test_strings_in_one_format_are_dates(form, dtype):
    times = parse_times(pd.Series(DAYS.strftime(form)).astype(dtype), "when")
    np.testing.assert_array_equal(times, DAYS.to_numpy())


@pytest.mark.parametrize(
    "values",
    [
        DAYS,
        pd.Series(DAYS),
        DAYS.tz_localize("Asia/Tokyo"),
        pd.Series(list(DAYS.to_pydatetime()), dtype=object),
        pd.Series(DAYS.date),
        pd.Series(DAYS).astype("category"),
        pd.Series(DAYS.to_period("D")),
        arrow(DAYS.date, pa.date32()),
        arrow(DAYS.to_pydatetime(), pa.timestamp("us", tz="Europe/Rome")),
        pd.Series(DAYS - DAYS[0]),
        INTEGERS,
        pd.Series(INTEGERS, dtype="Int64"),
        arrow(INTEGERS, pa.int64()),
        pd.Series(list(INTEGERS), dtype=object),
        pd.Series([Decimal(value) for value in INTEGERS.tolist()]),
        INTEGERS.astype("uint8"),
        [str(value) for value in INTEGERS],
        [str(value) for value in INTEGERS + 1900],
        [f"{value / 7:.3f}" for value in INTEGERS],
        [False] * 100 + [True] * 100,
    ],
    ids=str,
)
def test_dates_and_numbers_of_any_type_sort_in_time_order(values):
    times = parse_times(values, "when")
    assert (np.diff(times) >= np.zeros(1, np.diff(times).dtype)).all()
    assert len(np.unique(times)) == len(set(values))


def test_utc_offsets_are_compared():
    times = parse_times(
        ["2020-01-01T00:00+02:00", "2020-01-01T00:00Z", "2020-01-01T00:00-05:00"], "when"
    )
    np.testing.assert_array_equal(np.diff(times) / np.timedelta64(1, "h"), [2, 5])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (DAYS[:12].strftime("%d/%m/%Y"), r"ambiguous.*'02/01/2020'.*'%m/%d/%Y'.*'%d/%m/%Y'"),
        (DAYS.strftime("%y/%m/%d"), r"ambiguous.*'%d/%m/%y' and '%y/%m/%d'"),
        (["05062020", "06072020"], r"ambiguous.*'%d%m%Y' and '%m%d%Y'"),
        (
            ["31/12/2020", "12/31/2020", "01/02/2021"],
            r"one format, got '12/31/2020', in another format than '31/12/2020' \(1 invalid",
        ),
        (["2020-12-31", "31/12/2020", "soon"], r"got '31/12/2020'.*\(2 invalid"),
        (["soon", "2020-12-31"], r"got 'soon' \(1 invalid.*pandas.to_datetime"),
        (["2020-01-01T00:00Z", "2020-01-02T00:00"], "1 distinct values with and 1 without"),
        (
            pd.Series([NEW_YEAR, NEW_YEAR.replace(tzinfo=dt.UTC)], dtype=object),
            "with and without a time zone",
        ),
        (pd.Series(["2020-01-01", dt.date(2020, 1, 2)], dtype=object), "type date and str"),
        (pd.Series(["2020-01-01", 3], dtype=object), "type int and str"),
        (pd.Series([[1], [2]]), "type list"),
        ([1.0, None], "1 missing values"),
        (["2020-01-01", "NA", None], "2 missing values"),
    ],
)  # fmt: skip
def test_times_that_are_not_clear_are_refused(values, message):
    with pytest.raises(InputError, match=message) as caught:
        parse_times(values, "when")
    assert str(caught.value).startswith("time_column='when'")


def test_format_is_clear_if_day_and_month_are_equal():
    times = parse_times(["01/01/2020", "02/02/2021"], "when")
    np.testing.assert_array_equal(times, np.array(["2020-01-01", "2021-02-02"], "M8[D]"))
