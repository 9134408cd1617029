"""Row access for every type of X."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from sktrainer.data.indexing import (
    as_input_dict,
    count_rows,
    is_input_dict,
    select_inputs,
    take_rows,
)
from sktrainer.data.schema import differences
from sktrainer.exceptions import InputError

NUMBERS = np.arange(12.0).reshape(6, 2)
KINDS = {
    "array": NUMBERS,
    "images": NUMBERS.reshape(6, 1, 2),
    "frame": pd.DataFrame(NUMBERS, columns=["a", "b"], index=list("uvwxyz")),
    "polars": pl.DataFrame(NUMBERS, schema=["a", "b"]),
    "sparse": sparse.csr_matrix(NUMBERS),
    "list": NUMBERS.tolist(),
    "dict": {"a": NUMBERS, "b": NUMBERS[:, 0]},
}


def dense(X):
    if isinstance(X, dict):
        return np.column_stack([*X.values()])
    return np.asarray(X.toarray() if sparse.issparse(X) else X).reshape(-1, 2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("positions", [[4, 1], [3], [0, 0, 5]])
def test_take_rows_supports_every_container(kind, positions):
    taken = take_rows(KINDS[kind], np.array(positions))

    assert count_rows(taken) == len(positions)
    np.testing.assert_array_equal(dense(taken), dense(KINDS[kind])[positions])


@pytest.mark.parametrize("kind", KINDS)
def test_taking_all_rows_in_order_does_not_copy(kind):
    assert take_rows(KINDS[kind], np.arange(6)) is KINDS[kind]


def test_dok_matrix_is_not_a_dict_of_inputs():
    assert not is_input_dict(sparse.dok_array(NUMBERS))
    assert not is_input_dict(sparse.dok_matrix(NUMBERS))


def test_all_problems_of_a_dict_are_reported_together():
    wrong = {"a": NUMBERS.astype(str), 3: NUMBERS, "c": sparse.csr_matrix(NUMBERS)}
    with pytest.raises(InputError) as caught:
        as_input_dict(wrong)

    assert len(caught.value.problems) == 3


def test_arrays_of_a_dict_are_not_copied():
    inputs = as_input_dict({"a": NUMBERS, "b": pd.Series([1, 2, 3, 4, 5, 6])})

    assert np.shares_memory(inputs["a"], NUMBERS)
    assert list(select_inputs({"b": [0], "a": [[1, 2]]}, inputs)) == ["a", "b"]


@pytest.mark.parametrize(
    ("X", "X_val", "expected"),
    [
        (KINDS["dict"], {"a": NUMBERS}, "missing: 'b'"),
        (KINDS["dict"], NUMBERS, "must be a dict of arrays"),
        (NUMBERS, KINDS["dict"], "must have the type of X, ndarray"),
        (KINDS["frame"], KINDS["frame"][["b", "a"]], "in the same order"),
    ],
)
def test_mismatched_validation_rows_are_reported(X, X_val, expected):
    (problem,) = differences(X, X_val)
    assert expected in problem


@pytest.mark.parametrize("form", ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"])
def test_rows_of_every_sparse_format_are_taken(form):
    X = sparse.csr_matrix(np.diag([1.0, 2.0, 3.0])).asformat(form)
    assert take_rows(X, np.array([2, 0])).toarray().tolist() == [[0, 0, 3], [1, 0, 0]]
