"""Matrices of numbers pass as they are where the model needs nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sktrainer.encoding.table_encoder import TableEncoder
from sktrainer.exceptions import DataWarning, InputError

PLAIN: dict[str, Any] = {"impute": False, "scale": False}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int8, bool])
@pytest.mark.parametrize("impute", [True, False])
def test_an_array_that_needs_nothing_comes_back_itself(dtype, impute):
    X = np.arange(12).reshape(4, 3).astype(dtype)
    encoder = TableEncoder(impute=impute, scale=False)
    assert encoder.fit_transform(X) is X
    assert encoder.transform(X) is X
    assert encoder.passthrough_ and not encoder.cross_fitted_


def test_missing_cells_pass_where_the_model_takes_them():
    X = np.array([[1.0, np.nan], [2.0, 3.0]])
    encoder = TableEncoder(**PLAIN)
    assert encoder.fit_transform(X) is X
    assert [decision.n_missing for decision in encoder.decisions_] == [0, 1]


def test_a_column_that_is_all_missing_is_dropped_for_every_model():
    X = np.array([[1.0, np.nan, 3.0], [2.0, np.nan, np.nan]])
    encoder = TableEncoder(encoding="native", impute=False, scale=False)
    np.testing.assert_array_equal(encoder.fit_transform(X), X[:, [0, 2]])
    assert [decision.kind for decision in encoder.decisions_] == ["numeric", "empty", "numeric"]


def test_bytes_of_the_other_order_become_those_of_the_machine():
    X = np.arange(6.0).reshape(3, 2)
    swapped = X.astype(X.dtype.newbyteorder())
    encoder = TableEncoder(impute=False, scale=False).fit(X)
    encoded = encoder.transform(swapped)
    assert encoded.dtype.isnative
    np.testing.assert_array_equal(encoded, X)


def test_cells_missing_only_in_later_rows_are_filled_without_marks():
    X = np.array([[1.0, 2.0], [2.0, 3.0], [9.0, 4.0]])
    encoder = TableEncoder(scale=False).fit(X)
    assert encoder.transform([[np.nan, 1.0]]).tolist() == [[2.0, 1.0]]


def test_missing_cells_are_filled_and_marked():
    X = np.array([[1.0, np.nan], [2.0, 3.0], [9.0, 5.0]])
    encoder = TableEncoder(scale=False)
    assert encoder.fit_transform(X)[0].tolist() == [1.0, 4.0, 1.0]
    assert encoder.get_feature_names_out().tolist() == ["x0", "x1", "x1_missing"]
    assert np.isnan(X[0, 1])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", ["C", "F"])
def test_scaling_keeps_the_dtype_and_drops_constant_columns(dtype, order):
    X = np.asarray(np.random.default_rng(0).normal(5, 3, (50, 4)), dtype=dtype, order=order)
    X[:, 2] = 1
    X.setflags(write=False)
    encoder = TableEncoder()
    out = encoder.fit_transform(X)
    assert out.dtype == dtype and out.shape == (50, 3)
    np.testing.assert_allclose(out.mean(axis=0), 0, atol=1e-5)
    assert encoder.decisions_[2].treatment == "drop"
    np.testing.assert_array_equal(encoder.transform(X), out)


def test_views_that_are_not_contiguous_are_encoded_as_their_copies_are():
    X = np.random.default_rng(0).normal(size=(40, 8))[::2, ::2]
    encoder = TableEncoder()
    np.testing.assert_array_equal(encoder.fit_transform(X), encoder.fit_transform(X.copy()))


def test_an_array_after_a_fit_on_a_frame_is_read_by_position():
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5]})
    encoder = TableEncoder().fit(frame)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        out = encoder.transform(frame.to_numpy())
    np.testing.assert_array_equal(out, encoder.transform(frame))


def test_objects_after_a_fit_on_numbers_are_read_as_numbers():
    encoder = TableEncoder(**PLAIN).fit(np.eye(2))
    with pytest.warns(DataWarning, match="'x' in column 'x1', which held numbers"):
        out = encoder.transform(np.array([["1", None], [2, "x"]], dtype=object))
    np.testing.assert_array_equal(out, [[1, np.nan], [2, np.nan]])


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_cells_are_refused_by_column(value):
    X = np.ones((5, 3))
    encoder = TableEncoder(**PLAIN).fit(X)
    X[3, 1] = value
    X[2, 2] = np.nan
    with pytest.raises(InputError, match="infinite cells in column 'x1'"):
        encoder.transform(X)
    with pytest.raises(InputError, match="infinite cells in column 'x1'"):
        encoder.fit(X)


def test_large_finite_cells_are_no_infinite_ones():
    X = np.full((4, 2), np.finfo(np.float32).max, dtype=np.float32)
    X[0] = 1
    assert TableEncoder(scale=False).fit_transform(X) is X


@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csr_array, sparse.csc_array])
def test_sparse_matrices_pass_where_nothing_is_needed(make):
    X = make(np.eye(4))
    encoder = TableEncoder(scale=False)
    for out in (encoder.fit_transform(X), encoder.transform(X)):
        assert isinstance(out, sparse.spmatrix)  # libraries refuse the sparse arrays of SciPy
        assert np.shares_memory(out.data, X.data)
        assert (out is X) == isinstance(X, sparse.spmatrix)


def test_sparse_matrices_are_scaled_without_centring():
    X = sparse.random_array((50, 4), density=0.3, rng=0, format="csr")
    out = TableEncoder().fit_transform(X)
    assert sparse.issparse(out) and out.nnz == X.nnz
    deviations = out.toarray().std(axis=0)
    np.testing.assert_allclose(deviations, 1)


def test_missing_cells_of_sparse_matrices_are_filled_and_marked():
    X = sparse.csr_array([[1.0, np.nan], [2.0, 3.0], [4.0, 5.0]])
    encoder = TableEncoder(scale=False)
    assert encoder.fit_transform(X).toarray()[0].tolist() == [1.0, 4.0, 1.0]
    assert encoder.get_feature_names_out().tolist() == ["x0", "x1", "x1_missing"]


def test_missing_cells_in_later_sparse_rows_are_filled_with_zero():
    encoder = TableEncoder(scale=False).fit(sparse.csr_array(np.eye(2)))
    later = sparse.csr_array([[np.nan, 1.0]])
    assert encoder.transform(later).toarray().tolist() == [[0.0, 1.0]]
    assert np.isnan(later.data).any()


def test_infinite_cells_of_sparse_matrices_are_refused():
    with pytest.raises(InputError, match="'x1'"):
        TableEncoder().fit(sparse.csr_array([[1.0, np.inf], [0.0, 1.0]]))


@pytest.mark.parametrize("dense", [np.eye(2), np.array([[0.0, "c"], [1.0, "d"]], dtype=object)])
def test_a_sparse_matrix_after_a_fit_on_a_dense_one_is_refused(dense):
    encoder = TableEncoder(**PLAIN).fit(dense)
    with pytest.raises(InputError, match="toarray"):
        encoder.transform(sparse.csr_array(np.eye(2)))


def test_a_frame_of_floats_that_needs_nothing_is_not_copied():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 3)), columns=list("abc"))
    X.iloc[3, 1] = np.nan
    encoder = TableEncoder(**PLAIN)
    out = encoder.fit_transform(X)
    assert np.shares_memory(out, X.to_numpy())
    assert not encoder.passthrough_
    assert encoder.get_feature_names_out().tolist() == ["a", "b", "c"]
    mixed = X.astype({"a": "Float64", "b": object})
    np.testing.assert_array_equal(encoder.transform(mixed), out)
    with pytest.raises(InputError, match="'c'"):
        encoder.transform(X.assign(c=np.inf))
