"""Validation of table columns: all problems are reported together before training."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from sktrainer.data.column_checks import UnsupportedValueError, table_problems
from sktrainer.data.type_inference import ColumnDecision


def test_valid_table_has_no_problems():
    X = pd.DataFrame(
        {"a": [1.0, np.nan], "b": ["u", None], "c": pd.to_datetime(["2024-01-01", "NaT"])}
    )
    assert table_problems(X) == []
    assert table_problems(pl.DataFrame({"a": [1.0, None], "b": ["u", None]})) == []
    assert table_problems(np.eye(2)) == []
    assert table_problems(sparse.csr_array(np.eye(2))) == []
    assert table_problems([[1, 2], [3, 4]]) == []


def test_all_problems_are_reported():
    X = pd.DataFrame(
        {"a": [1.0, np.inf], "b": [-np.inf, 1.0], "c": [["u"], ["v"]], "d": [{"x": 1}, "v"]}
    ).set_axis(["a", "b", "c", "c"], axis=1)
    problems = table_problems(X)
    assert [problem.split(":")[0] for problem in problems] == [
        "column names must be unique, got duplicates",
        "column 'c' contains list values",
        "column 'c' contains dict values",
        "infinite values in columns 'a', 'b'",
    ]


@pytest.mark.parametrize(
    "X", [np.zeros(3), np.zeros((2, 2, 2)), pd.Series([1, 2])], ids=["1-D", "3-D", "Series"]
)
def test_other_than_two_dimensions_is_a_problem(X):
    (problem,) = table_problems(X)
    assert "two dimensions" in problem and "reshape" in problem


def test_infinite_values_are_found_in_every_container():
    assert "'x1'" in table_problems(np.array([[0, np.inf], [1, 2]]))[0]
    assert "'x1'" in table_problems(np.array([["a", np.inf], ["b", 2.0]], dtype=object))[0]
    assert "'a'" in table_problems(pl.DataFrame({"a": [1.0, float("inf")]}))[0]
    assert "'a'" in table_problems(pd.DataFrame({"a": pd.array([np.inf, None], "Float64")}))[0]
    assert "'x1'" in table_problems(sparse.csr_array([[0, np.inf]]))[0]
    assert "'x1', 'x2'" in table_problems(sparse.csc_matrix([[0, np.inf, -np.inf]]))[0]


@pytest.mark.parametrize("dtype", ["int8", "int64", "bool"])
def test_sparse_integers_and_booleans_have_no_problems(dtype):
    assert table_problems(sparse.csr_matrix(np.eye(3, dtype=dtype))) == []


def test_lists_in_polars_columns_are_found():
    assert "'a' contains list values" in table_problems(pl.DataFrame({"a": [[1], [2]]}))[0]


def test_complex_columns_are_refused():
    assert "complex" in table_problems(pd.DataFrame({"a": [1j, 2j]}))[0]


def test_cell_type_error_is_a_type_error_and_pickles():
    error = UnsupportedValueError(["one", "two"])
    assert isinstance(error, TypeError) and isinstance(error, ValueError)
    assert pickle.loads(pickle.dumps(error)).problems == ("one", "two")


def test_decisions_are_immutable():
    decision = ColumnDecision("a", "numeric", "as is")
    with pytest.raises(AttributeError):
        decision.kind = "category"  # type: ignore[misc]
