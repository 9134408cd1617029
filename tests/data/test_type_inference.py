"""Column kind detection for every dtype."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from sktrainer.exceptions import DataWarning, InputError
from sktrainer.preprocessing.table_encoder import TableEncoder
from tests.tables import labels, mixed_table


def kinds(encoder: TableEncoder) -> dict[str, str]:
    return {decision.name: decision.kind for decision in encoder.decisions_}


def test_column_kinds_are_detected():
    encoder = TableEncoder(random_state=0).fit(mixed_table(), labels())
    assert kinds(encoder) == {
        "size": "numeric",
        "count": "numeric",
        "flag": "boolean",
        "color": "category",
        "town": "category",
        "grade": "category",
        "when": "datetime",
        "amount": "numeric",
        "joined": "datetime",
        "source": "constant",
        "nothing": "empty",
    }


def test_decisions_report_kind_and_treatment():
    encoder = TableEncoder(random_state=0).fit(mixed_table(), labels())
    decisions = {decision.name: decision for decision in encoder.decisions_}
    assert decisions["size"].treatment == "impute + scale"
    assert decisions["size"].n_missing == 43
    assert decisions["color"].treatment == "one-hot"
    assert decisions["color"].n_levels == 3
    assert decisions["town"].treatment == "target encoding + scale"
    assert decisions["source"].treatment == "drop"
    assert "strings parsed as numbers" in decisions["amount"].detail
    assert "%d/%m/%Y" in decisions["joined"].detail


def test_text_column_with_unique_values_is_dropped():
    X = pd.DataFrame({"name": [f"n{row}" for row in range(50)], "a": range(50)})
    encoder = TableEncoder().fit(X)
    assert encoder.get_feature_names_out().tolist() == ["a"]
    assert "every row has a different value" in encoder.decisions_[0].detail


def test_integers_beyond_float32_give_float64_output():
    X = pd.DataFrame({"id": [7129300520, 7129300521, 3], "a": [1.0, 2.0, 3.0]})
    encoder = TableEncoder(scale=False, impute=False)
    out = encoder.fit_transform(X)
    assert out.dtype == np.float64 and out[1, 0] == 7129300521
    assert "float64" in encoder.decisions_[0].detail
    assert encoder.fit_transform(X[["a"]].astype(int)).dtype == np.float32


@pytest.mark.parametrize(
    "cells",
    [
        pd.array([1, None, 3], dtype="Int64"),
        pd.array([1.0, None, 3.0], dtype="Float32"),
        pd.array([1, None, 3], dtype="int64[pyarrow]"),
        pd.array([decimal.Decimal(1), None, decimal.Decimal(3)], dtype=object),
        pd.array(["1", "?", " 3 "], dtype="str"),
        pd.array(["1", None, "3.0"], dtype="string[pyarrow]"),
        np.array(["1", np.nan, 3], dtype=object),
        pd.array([1, np.nan, 3], dtype=pd.SparseDtype(float)),
        pd.to_timedelta([1, None, 3], unit="s"),
    ],
    ids=lambda cells: str(cells.dtype),
)
def test_numbers_are_detected_in_every_dtype(cells):
    X = pd.DataFrame({"a": cells})
    encoder = TableEncoder(impute=False, scale=False)
    np.testing.assert_array_equal(encoder.fit_transform(X).ravel(), [1, np.nan, 3])
    np.testing.assert_array_equal(encoder.transform(X).ravel(), [1, np.nan, 3])
    many = pd.concat([X] * 20, ignore_index=True)
    np.testing.assert_array_equal(encoder.transform(many).ravel(), [1, np.nan, 3] * 20)


@pytest.mark.parametrize(
    "cells",
    [
        pd.array([True, None, False], dtype="boolean"),
        pd.array([True, None, False], dtype="bool[pyarrow]"),
        np.array([True, None, False], dtype=object),
    ],
    ids=lambda cells: str(cells.dtype),
)
def test_booleans_become_zero_and_one(cells):
    X = pd.DataFrame({"a": cells})
    encoder = TableEncoder(impute=False, scale=False)
    np.testing.assert_array_equal(encoder.fit_transform(X).ravel(), [1, np.nan, 0])
    np.testing.assert_array_equal(encoder.transform(X).ravel(), [1, np.nan, 0])
    assert encoder.decisions_[0].kind == "boolean"


DAYS = ["2024-02-29 18:30", "2023-01-01 06:00", "2022-12-31 00:00"]


@pytest.mark.parametrize(
    "cells",
    [
        pd.to_datetime(DAYS),
        pd.to_datetime(DAYS).tz_localize("Europe/Berlin"),
        pd.Series(pd.to_datetime(DAYS)).astype(pd.ArrowDtype(pa.timestamp("us"))),
        pd.Series(pd.to_datetime(DAYS).tz_localize("UTC")).astype(
            pd.ArrowDtype(pa.timestamp("us", "UTC"))
        ),
        np.array([dt.datetime.fromisoformat(day) for day in DAYS], dtype=object),
        np.array(pd.to_datetime(DAYS).tz_localize("UTC"), dtype=object),
        pd.PeriodIndex(DAYS, freq="min"),
        DAYS,
        ["29.02.2024 18:30", "01.01.2023 06:00", "31.12.2022 00:00"],
        pl.Series(DAYS).str.to_datetime(),
        pl.Series(DAYS).str.to_datetime(time_zone="America/New_York"),
    ],
    ids=lambda cells: f"{type(cells).__name__} {getattr(cells, 'dtype', '')}",
)
def test_dates_become_calendar_parts_in_local_time(cells):
    make = pl.DataFrame if isinstance(cells, pl.Series) else pd.DataFrame
    X = make({"t": cells})
    encoder = TableEncoder(impute=False, scale=False)
    out = encoder.fit_transform(X)
    names = encoder.get_feature_names_out().tolist()
    assert names == [*("t_month", "t_day", "t_weekday", "t_hour", "t_minute", "t_days")]
    assert out.tolist() == [
        [2, 29, 3, 18, 30, 19782],
        [1, 1, 6, 6, 0, 19358],
        [12, 31, 5, 0, 0, 19357],
    ]
    np.testing.assert_array_equal(encoder.transform(X), out)
    np.testing.assert_array_equal(encoder.transform(X[:1]), out[:1])


def test_later_text_that_is_not_a_date_is_missing():
    X = pd.DataFrame({"day": ["2024-01-01", "2024-02-01", "2024-03-05"], "a": [1, 2, 3]})
    encoder = TableEncoder(impute=False, scale=False).fit(X)
    with pytest.warns(DataWarning, match=r"'soon' in column 'day' \(dates in training\)"):
        out = encoder.transform(pd.DataFrame({"day": ["soon", "2024-02-01"], "a": [1, 2]}))
    assert np.isnan(out[0, :-1]).all() and not np.isnan(out[1]).any()


def test_mixed_values_are_compared_as_strings():
    X = pd.DataFrame({"a": np.array([1, "1", "b", 1.0, None, True], dtype=object)})
    out = TableEncoder(encoding="native", impute=False, scale=False).fit_transform(X).ravel()
    np.testing.assert_array_equal(out, [0, 0, 2, 0, np.nan, 1])


def test_category_codes_do_not_depend_on_dtype():
    X = pd.DataFrame({"a": pd.Categorical([1, 2, 10, 2])})
    encoder = TableEncoder(encoding="native", impute=False, scale=False).fit(X)
    for later in ([10, 2], [10.0, 2.0], ["10", "2"], pd.Categorical(["10", "2"])):
        assert encoder.transform(pd.DataFrame({"a": later})).ravel().tolist() == [2, 1]


def test_unused_categories_are_not_levels():
    X = pd.DataFrame({"a": pd.Categorical(["u", "v"], categories=["s", "t", "u", "v"])})
    encoder = TableEncoder(encoding="native").fit(X)
    assert encoder.ordinal_encoder_.categories_[0].tolist() == ["u", "v"]


def test_object_arrays_are_encoded_by_column():
    X = np.array([["a", 1, "2.5"], ["b", 2, "?"], ["a", 3, "1"]], dtype=object)
    encoder = TableEncoder(impute=False, scale=False).fit(X)
    assert encoder.get_feature_names_out().tolist() == ["x0_b", "x1", "x2"]
    np.testing.assert_array_equal(encoder.transform(X)[1], [1, 2, np.nan])


def test_lazy_frame_raises_with_a_suggestion():
    with pytest.raises(InputError, match=r"lazy.*X\.collect\(\)"):
        TableEncoder().fit(pl.LazyFrame({"a": [1, 2]}))
