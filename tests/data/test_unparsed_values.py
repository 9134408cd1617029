"""Warnings about strings in numeric and date columns that are treated as missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sktrainer.exceptions import DataWarning
from sktrainer.preprocessing.table_encoder import TableEncoder

N_ROWS = 40


def table(n_rows=N_ROWS):
    numbers = np.arange(n_rows)
    return pd.DataFrame(
        {
            "age": numbers + 0.5,
            "strings": [f"{number}" for number in numbers],
            "day": pd.date_range("2024-01-01", periods=n_rows).strftime("%Y-%m-%d"),
            "town": np.where(numbers % 2, "Bonn", "Ulm"),
        }
    )


def encoder():
    return TableEncoder(encoding="ordinal", impute=False, scale=False).fit(table())


@pytest.mark.parametrize("n_rows", [1, 5, N_ROWS])
@pytest.mark.parametrize("kind", [pd.DataFrame, pl.from_pandas])
def test_one_warning_names_every_column(n_rows, kind):
    X = table().astype({"age": str})
    X.loc[0, ["age", "strings", "day"]] = ["many", "few", "soon"]
    expected = (
        r"'many' in column 'age' \(numbers in training\); "
        r"'few' in column 'strings' \(numbers in training\); "
        r"'soon' in column 'day' \(dates in training\)"
    )
    with pytest.warns(DataWarning, match=expected) as caught:
        out = encoder().transform(kind(X[:n_rows]))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert np.isnan(out[0, :-1]).all() and not np.isnan(out[1:]).any()


@pytest.mark.parametrize("text", ["?", " NA ", "", "nan"])
def test_strings_that_mean_missing_do_not_warn(text):
    X = table().astype({"age": str})
    X.loc[0, ["age", "strings", "town"]] = [text, text, "Rome"]
    assert np.isnan(encoder().transform(X)[0, 0])


def test_warning_is_short_for_many_strings():
    X = pd.DataFrame(np.arange(200.0).reshape(20, 10)).add_prefix("x")
    fitted = TableEncoder(impute=False, scale=False).fit(X)
    unparsed = pd.DataFrame({name: [f"{name}-{i}" * 30 for i in range(20)] for name in X})
    with pytest.warns(DataWarning, match="and 17 more in column 'x0'.* and 5 more$") as caught:
        fitted.transform(unparsed)
    assert len(str(caught[0].message)) < 1500
