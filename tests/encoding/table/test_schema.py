"""What columns hold, and what may stand in for it in later rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from sktrainer.encoding.table.schema import Schema, kind_of, schema_of
from sktrainer.encoding.table_encoder import TableEncoder

DAYS = pd.date_range("2024-01-01", periods=3)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([1, 2, 3], "numbers"),
        ([1.5, None, 2.0], "numbers"),
        ([None, None], "empty"),
        (["a", None], "texts"),
        ([True, None], "booleans"),
        ([1, "one"], "mixed"),
        (DAYS, "dates"),
        (DAYS.tz_localize("UTC"), "dates"),
        (DAYS - DAYS[0], "durations"),
        (pd.Series(["a", "b"], dtype="category"), "texts"),
        (pd.Series([1, 2], dtype="category"), "numbers"),
        (pd.Series([1, None], dtype="Int64"), "numbers"),
    ],
)
def test_kinds_of_columns(cells, kind):
    assert kind_of(pd.Series(cells).array) == kind


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
def test_what_stands_for_the_same_is_let_through(first, later):
    schema = schema_of(pd.DataFrame({"x": first}))
    assert schema.problems(pd.DataFrame({"x": later})) == []


@pytest.mark.parametrize(
    ("first", "later", "complaint"),
    [
        ([1, 2], ["a", "b"], "held numbers in the first chunk, got texts (such as 'a')"),
        (["021", "100"], [21, 100], "held texts in the first chunk, got numbers (such as 21)"),
        (DAYS[:2], [1, 2], "held dates in the first chunk, got numbers"),
        ([1.5, 2.5], DAYS[:2], "held numbers in the first chunk, got dates"),
    ],
)
def test_another_kind_is_named(first, later, complaint):
    (problem,) = schema_of(pd.DataFrame({"x": first})).problems(pd.DataFrame({"x": later}))
    assert complaint in problem


def test_text_that_was_taken_for_numbers_may_come_as_numbers():
    X = pd.DataFrame({"x": ["1", "2.5", "?"] * 5})
    decisions = TableEncoder().fit(X).decisions_
    assert schema_of(X, decisions).problems(pd.DataFrame({"x": [1.0, 2.0]})) == []


def test_polars_arrays_and_sparse_matrices_have_kinds_too():
    assert schema_of(pl.DataFrame({"a": [1], "b": ["x"]})).kinds == ("numbers", "texts")
    assert schema_of(np.ones((2, 2))).kinds == ("numbers", "numbers")
    assert schema_of(np.array([[1, "a"]], dtype=object)).kinds == ("numbers", "texts")
    assert schema_of(sparse.eye(2, format="csr")).kinds == ("numbers", "numbers")


def test_images_keep_their_shape():
    schema = schema_of(np.zeros((5, 8, 8)))
    assert schema == Schema(shape=(8, 8))
    assert schema.problems(np.zeros((2, 8, 8))) == []
    (problem,) = schema.problems(np.zeros((2, 8, 4)))
    assert "(8, 8) were in the first chunk, got (8, 4)" in problem


def test_of_lists_there_is_nothing_to_tell():
    assert schema_of(["a text", "another"]).problems(["a third"]) == []
