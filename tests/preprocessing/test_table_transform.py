"""Encoding of later rows: values of another type, and few rows like many."""

from __future__ import annotations

import datetime as dt
import decimal
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from sktrainer.data.columns import FEW_ROWS
from sktrainer.exceptions import DataWarning, InputError
from sktrainer.preprocessing.table_encoder import TableEncoder

N_ROWS = 3 * FEW_ROWS
DAYS = pd.date_range("2024-01-01", periods=N_ROWS, freq="37h")


def table():
    numbers = np.arange(N_ROWS)
    return pd.DataFrame(
        {
            "size": numbers + 0.5,
            "count": numbers,
            "open": numbers % 2 == 0,
            "when": DAYS,
            "zoned": DAYS.tz_localize("Europe/Berlin"),
            "text": DAYS.strftime("%d/%m/%Y %H:%M"),
            "wait": pd.to_timedelta(numbers, unit="min"),
            "town": np.where(numbers % 2, "Bonn", "Ulm"),
            "grade": pd.Categorical(numbers % 3 + 1),
        }
    )


ENCODER = TableEncoder(encoding="native", impute=False, scale=False).fit(table())


def encode(X):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        out = ENCODER.transform(X)
    return out, {str(warning.message) for warning in caught}


def to_polars(X):
    return pl.DataFrame({name: X[name].to_list() for name in X})


EPOCHS = DAYS.as_unit("ms").astype("int64")


@pytest.mark.parametrize("n_rows", [1, FEW_ROWS, N_ROWS])
@pytest.mark.parametrize("library", [pd.DataFrame, to_polars])
@pytest.mark.parametrize(
    ("column", "values", "kind"),
    [
        ("when", EPOCHS, "int"),
        ("zoned", EPOCHS.astype(float), "float"),
        ("text", EPOCHS, "int"),
        ("when", np.arange(N_ROWS) % 2 == 0, "bool"),
        ("size", DAYS, "dates|Timestamp|datetime"),
        ("count", DAYS.tz_localize("UTC"), "Timestamp|datetime"),
        ("size", pd.to_timedelta(np.arange(N_ROWS), unit="s"), "Timedelta|timedelta"),
        ("wait", np.arange(N_ROWS), "int"),
        ("wait", DAYS, "Timestamp|datetime"),
        ("size", [[1.0, 2.0]] * N_ROWS, "list|ndarray"),
        ("when", [[1.0]] * N_ROWS, "list|ndarray"),
        ("town", [["Bonn"]] * N_ROWS, "list|ndarray"),
        ("grade", [{"a": 1}] * N_ROWS, "dict"),
    ],
)
def test_values_of_another_kind_raise_for_any_number_of_rows(
    column, values, kind, library, n_rows
):
    X = library(table().assign(**{column: pd.Series(list(values))}))[:n_rows]
    with pytest.raises(InputError, match=rf"column '{column}' contains ({kind}).* values"):
        ENCODER.transform(X)


def test_every_column_with_other_values_is_named():
    X = table().assign(when=EPOCHS, size=DAYS)
    with pytest.raises(InputError) as caught:
        ENCODER.transform(X)
    assert [problem[:13] for problem in caught.value.problems] == [
        *("column 'size'", "column 'when'")
    ]
    assert "pandas.to_datetime(X['when'], unit=...)" in str(caught.value)


@pytest.mark.parametrize("value", [None, np.nan, pd.NaT, pd.NA])
@pytest.mark.parametrize("n_rows", [1, N_ROWS])
def test_missing_values_are_accepted_in_every_column(value, n_rows):
    X = pd.DataFrame({name: [value] * n_rows for name in table()}, dtype=object)
    assert np.isnan(encode(X)[0]).all()


@pytest.mark.parametrize("dtype", ["float", "Int64", "datetime64[us]", "timedelta64[s]", "str"])
@pytest.mark.parametrize("n_rows", [1, N_ROWS])
def test_empty_columns_of_any_type_are_accepted(dtype, n_rows):
    empty = pd.Series(np.full(n_rows, np.nan)).astype(dtype)
    empty = empty.mask(empty.notna())  # "nan" as a string
    X = pd.DataFrame(dict.fromkeys(table(), empty))
    assert np.isnan(encode(X)[0]).all()


@pytest.mark.parametrize("n_rows", [1, N_ROWS])
@pytest.mark.parametrize(
    ("values", "shown"),
    [(np.arange(N_ROWS) + 0.5, "0.5"), (DAYS, "2024-01-01"), ([7] * N_ROWS, "7")],
)
def test_other_types_in_a_string_column_warn(values, shown, n_rows):
    out, messages = encode(table().assign(town=values)[:n_rows])
    assert np.isnan(out[:, ENCODER.get_feature_names_out().tolist().index("town")]).all()
    (message,) = messages
    assert shown in message and "in column 'town' (strings in training)" in message


def test_unknown_numbers_in_a_column_of_number_levels_do_not_warn():
    assert not encode(table().assign(grade=9))[1]


CONVERTIBLE = {
    "size": [
        (np.arange(N_ROWS) + 0.5).astype("float32"),
        [f"{number}.5" for number in range(N_ROWS)],
        [decimal.Decimal(f"{number}.5") for number in range(N_ROWS)],
        pd.Categorical(np.arange(N_ROWS) + 0.5),
        pd.array(np.arange(N_ROWS) + 0.5, dtype="float64[pyarrow]"),
        pd.array(
            [decimal.Decimal(f"{number}.5") for number in range(N_ROWS)],
            dtype=pd.ArrowDtype(pa.decimal128(10, 2)),
        ),
    ],
    "count": [
        pd.array(np.arange(N_ROWS), dtype="Int64"),
        pd.array(np.arange(N_ROWS), dtype="uint8[pyarrow]"),
        [str(number) for number in range(N_ROWS)],
        [number if number % 2 else f"{number}" for number in range(N_ROWS)],
    ],
    "open": [
        np.arange(N_ROWS) % 2 == 0,
        [str(number % 2 == 0) for number in range(N_ROWS)],
        (np.arange(N_ROWS) % 2 == 0).astype(int),
    ],
    "when": [
        DAYS.strftime("%Y-%m-%dT%H:%M:%S.000"),
        pd.Categorical(DAYS),
        [day.to_pydatetime() for day in DAYS],
        [day if i % 2 else str(day) for i, day in enumerate(DAYS)],
        [f"{day.isoformat()}{'+02:00' if i % 2 else 'Z'}" for i, day in enumerate(DAYS)],
        pd.Series(DAYS).astype("timestamp[ms][pyarrow]"),
    ],
    "zoned": [
        DAYS,
        DAYS.tz_localize("Europe/Berlin").tz_convert("Asia/Tokyo"),
        [str(day) for day in DAYS.tz_localize("Europe/Berlin")],
        [str(day) for day in DAYS],
        [
            day.tz_convert("Asia/Tokyo") if i % 2 else day.isoformat()
            for i, day in enumerate(DAYS.tz_localize("Europe/Berlin"))
        ],
    ],
    "text": [
        DAYS,
        [day if i % 2 else day.strftime("%d/%m/%Y %H:%M") for i, day in enumerate(DAYS)],
        pd.Categorical(DAYS.strftime("%d/%m/%Y %H:%M")),
    ],
    "wait": [
        [dt.timedelta(minutes=number) for number in range(N_ROWS)],
        [str(pd.Timedelta(minutes=number)) for number in range(N_ROWS)],
        [pd.Timedelta(minutes=number).isoformat() for number in range(N_ROWS)],
        pd.array(pd.to_timedelta(np.arange(N_ROWS), unit="min"), dtype="duration[us][pyarrow]"),
    ],
    "town": [
        pd.Categorical(table()["town"]),
        table()["town"].astype("string[pyarrow]"),
        table()["town"].astype(object),
    ],
    "grade": [
        np.arange(N_ROWS) % 3 + 1,
        (np.arange(N_ROWS) % 3 + 1).astype("float32"),
        [str(number % 3 + 1) for number in range(N_ROWS)],
    ],
}


@pytest.mark.parametrize(
    ("column", "values"),
    [(name, cells) for name, every in CONVERTIBLE.items() for cells in every],
)
def test_convertible_values_are_read_alike_in_few_and_many_rows(column, values):
    expected, _ = encode(table())
    X = table().assign(**{column: pd.Series(values)})
    out, messages = encode(X)
    assert not messages
    np.testing.assert_array_equal(out, expected)
    for start, stop in ((0, 1), (1, 2), (3, 3 + FEW_ROWS), (N_ROWS - 1, N_ROWS)):
        few, messages = encode(X[start:stop])
        np.testing.assert_array_equal(few, out[start:stop])
        assert not messages


@pytest.mark.parametrize("dtype", ["date32[pyarrow]", "date64[pyarrow]", object])
@pytest.mark.parametrize("n_rows", [5, N_ROWS])
def test_date_types_are_dates_in_training_and_later(dtype, n_rows):
    days = pd.Series(DAYS.date, dtype=dtype)
    encoder = TableEncoder(impute=False, scale=False).fit(pd.DataFrame({"day": days}))
    assert encoder.decisions_[0].kind == "datetime"
    out = encoder.transform(pd.DataFrame({"day": days[:n_rows]}))
    at = encoder.get_feature_names_out().tolist().index("day_day")
    assert out[:, at].tolist() == [day.day for day in DAYS[:n_rows]]


STRAY = ["#DIV/0!", *[f"{number}.25" for number in range(39)]]


@pytest.mark.parametrize(
    ("values", "notice"),
    [
        (STRAY, "'#DIV/0!' in column 'v' (numbers in training)"),
        (["#DIV/0!", *np.arange(0.25, 39)], "'#DIV/0!' in column 'v' (numbers in training)"),
        (
            [text.replace(".", ",") for text in STRAY],
            "column 'v' was read as numbers with a decimal comma",
        ),
        (
            ["n/d", *[f"$1,{number:03d}" for number in range(39)]],
            "column 'v' was read as numbers with a decimal point and the unit $",
        ),
    ],
)
def test_column_of_numbers_with_few_stray_values_is_numeric(values, notice):
    X = pd.DataFrame({"v": pd.Series(values, dtype=object)})
    encoder = TableEncoder(impute=False, scale=False)
    with pytest.warns(DataWarning) as caught:
        out = encoder.fit_transform(X)
    assert len(caught) == 1 and notice in str(caught[0].message)
    assert encoder.decisions_[0].kind == "numeric" and encoder.decisions_[0].n_missing == 1
    start, step = (1000, 1) if "$" in notice else (0.25, 1)
    np.testing.assert_array_equal(out.ravel(), [np.nan, *(start + step * np.arange(39))])
    np.testing.assert_array_equal(encoder.transform(X[1:2]).ravel(), [start])
    np.testing.assert_array_equal(encoder.transform(X[1:]).ravel(), out.ravel()[1:])


def test_dates_with_few_stray_values_are_dates():
    X = pd.DataFrame({"day": ["unknown", *DAYS.strftime("%Y-%m-%d")]})
    encoder = TableEncoder(impute=False, scale=False)
    with pytest.warns(DataWarning, match=r"'unknown' in column 'day' \(dates in training\)"):
        encoder.fit(X)
    assert encoder.decisions_[0].kind == "datetime"


def test_dates_among_numbers_raise_in_training():
    X = pd.DataFrame({"v": pd.Series([DAYS[0], *range(39)], dtype=object), "a": range(40)})
    with pytest.raises(InputError, match="column 'v' contains Timestamp values, such as 2024"):
        TableEncoder().fit(X)


def test_ambiguous_separator_warns_and_keeps_categories():
    X = pd.DataFrame({"v": ["1,234", "2,345", "1,234", "2,345"]})
    with pytest.warns(DataWarning, match=r"column 'v' was treated as categories.*'1,234'"):
        encoder = TableEncoder().fit(X)
    assert encoder.decisions_[0].kind == "category"
