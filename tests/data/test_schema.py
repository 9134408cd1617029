"""Column kinds of a table, and the kinds accepted in later chunks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from sktrainer.data.column_kinds import column_kind
from sktrainer.data.schema import (
    ColumnContract,
    differences,
    record_columns,
    record_names,
)
from sktrainer.preprocessing.table_encoder import TableEncoder

DAYS = pd.date_range("2024-01-01", periods=3)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([1, 2, 3], "numbers"),
        ([1.5, None, 2.0], "numbers"),
        ([None, None], "empty"),
        (["a", None], "strings"),
        ([True, None], "booleans"),
        ([1, "one"], "mixed"),
        (DAYS, "dates"),
        (DAYS.tz_localize("UTC"), "dates"),
        (DAYS - DAYS[0], "durations"),
        (pd.Series(["a", "b"], dtype="category"), "strings"),
        (pd.Series([1, 2], dtype="category"), "numbers"),
        (pd.Series([1, None], dtype="Int64"), "numbers"),
    ],
)
def test_column_kinds_are_detected(cells, kind):
    assert column_kind(pd.Series(cells).array) == kind


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ([1, 2], [1.5, np.nan]),
        ([1, 2], [True, False]),
        ([1, 2], ["3", "?"]),
        (["a", "b"], [None, None]),
        ([None, None], ["a", "b"]),
        ([1, "one"], [1, 2]),
        (DAYS[:2], ["2024-05-01", "2024-05-02"]),
        (["a", "b"], pd.Series(["c", "d"], dtype="category")),
    ],
)
def test_equivalent_kinds_are_accepted(first, later):
    schema = record_columns(pd.DataFrame({"x": first}), reader="encoder")
    assert schema.problems(pd.DataFrame({"x": later})) == []


@pytest.mark.parametrize(
    ("first", "later", "message"),
    [
        ([1, 2], ["a", "b"], "contained numbers in the first chunk, got strings (such as 'a')"),
        (
            ["021", "100"],
            [21, 100],
            "contained strings in the first chunk, got numbers (such as 21)",
        ),
        (DAYS[:2], [1, 2], "contained dates in the first chunk, got numbers"),
        ([1.5, 2.5], DAYS[:2], "contained numbers in the first chunk, got dates"),
    ],
)
def test_different_kind_is_reported(first, later, message):
    (problem,) = record_columns(pd.DataFrame({"x": first})).problems(pd.DataFrame({"x": later}))
    assert message in problem


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ([1.5, 2.0], ["3", "4"]),
        ([1.5, 2.0], ["3", 4]),
        ([1.5, 2.0], [[1], [2]]),
        ([1.5, 2.0], [1j, 2j]),
        ([1, 2], pd.Series([1, 2], dtype="category")),
        (DAYS[:2], ["2024-05-01", "2024-05-02"]),
        (pd.Series([1, 2], dtype="category"), [1, 2]),
        (pd.Series(["a", "b"], dtype="category"), ["a", "b"]),
    ],
)
@pytest.mark.parametrize("n_rows", [1, 2, 40])
def test_model_without_preprocessor_gets_the_kinds_of_training(first, later, n_rows):
    contract = record_columns(pd.DataFrame({"x": first}), reader="model")
    table = pd.DataFrame({"x": later})
    table = pd.concat([table] * 20).head(n_rows)
    (problem,) = contract.kind_problems(table)
    assert problem.startswith("column 'x' contained ") and "use the same dtype" in problem
    assert contract.kind_problems(pd.DataFrame({"x": first})) == []


def test_object_columns_of_numbers_become_floats():
    X = pd.DataFrame({"a": [1.5, 2.5], "b": [1, 2], "c": ["u", "v"]})
    contract = record_columns(X, reader="model")
    row = contract.with_numeric_dtypes(pd.DataFrame(X.iloc[0]).T)
    assert row.dtypes.tolist()[:2] == [np.float64, np.float64]
    assert row["c"].tolist() == ["u"]


def test_numbers_are_accepted_after_numeric_strings():
    X = pd.DataFrame({"x": ["1", "2.5", "?"] * 5})
    decisions = TableEncoder().fit(X).decisions_
    assert record_columns(X, decisions).problems(pd.DataFrame({"x": [1.0, 2.0]})) == []


def test_kinds_of_polars_arrays_and_sparse_matrices():
    assert record_columns(pl.DataFrame({"a": [1], "b": ["x"]})).kinds == ("numbers", "strings")
    assert record_columns(np.ones((2, 2))).kinds == ("numbers", "numbers")
    assert record_columns(np.array([[1, "a"]], dtype=object)).kinds == ("numbers", "strings")
    assert record_columns(sparse.eye(2, format="csr")).kinds == ("numbers", "numbers")


def test_image_shape_is_checked():
    schema = record_columns(np.zeros((5, 8, 8)))
    assert schema == ColumnContract(shape=(8, 8))
    assert schema.problems(np.zeros((2, 8, 8))) == []
    (problem,) = schema.problems(np.zeros((2, 8, 4)))
    assert "rows had shape (8, 8) in the first chunk, got (8, 4)" in problem


def test_lists_are_not_checked():
    assert record_columns(["a text", "another"]).problems(["a third"]) == []


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["b", "a", "c"], "Feature names must be in the same order"),
        (["a", "b"], "yet now missing:\n- c\nAdd the missing columns, then pass X["),
        (["a", "b", "c", "d"], "unseen at fit time:\n- d\nPass X[trainer.feature_names_in_]"),
        (["a", "b", "c", "a"], "occur more than once:\n- a\n"),
        (["a", "b", "C"], "unseen at fit time:\n- C\nFeature names seen at fit time"),
    ],
)
def test_other_column_names_are_listed(names, found):
    contract = record_names(pd.DataFrame([[1, 2, 3]], columns=list("abc")))
    problem = contract.name_problem(pd.DataFrame([range(len(names))], columns=names))
    assert found in str(problem)


@pytest.mark.parametrize(
    "columns",
    [range(3), DAYS, pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("b", 1)])],
    ids=["positions", "dates", "levels"],
)
def test_names_that_are_no_strings_are_checked(columns):
    X = pd.DataFrame([[1.0, 2.0, 3.0]], columns=columns)
    contract = record_names(X)
    assert contract.name_problem(X) is None
    problem = contract.name_problem(X.iloc[:, ::-1])
    assert "same order" in str(problem)
    assert contract.names[0] in str(problem)


@pytest.mark.parametrize(
    "make", [pl.from_pandas, pa.Table.from_pandas], ids=["polars", "arrow"]
)
def test_frames_of_other_libraries_are_checked(make):
    X = pd.DataFrame({"a": [1.0], "b": [2.0]})
    contract = record_names(make(X))
    assert contract.name_problem(X) is None
    assert "same order" in str(contract.name_problem(make(X[["b", "a"]])))


def test_array_is_checked_for_its_number_of_columns():
    contract = record_names(np.ones((2, 3)))
    assert contract.name_problem(np.ones((1, 3))) is None
    assert "X has 2 features, but ManagedTrainer is expecting 3" in str(
        contract.name_problem(np.ones((1, 2)))
    )


def test_order_of_validation_columns_is_named():
    X = pd.DataFrame({"a": [1.0], "b": [2.0]})
    assert differences(X, X[["b", "a"]]) == [
        "X_val must have the columns of X in the same order. Pass X_val[X.columns]."
    ]
    assert "missing: 'b'; not in X: 'c'" in differences(X, X.rename(columns={"b": "c"}))[0]
