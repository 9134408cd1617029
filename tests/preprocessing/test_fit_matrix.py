"""Encoding of dense and sparse numeric matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sktrainer.exceptions import DataWarning, InputError
from sktrainer.preprocessing.table_encoder import TableEncoder

PLAIN: dict[str, Any] = {"impute": False, "scale": False}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int8, bool])
@pytest.mark.parametrize("impute", [True, False])
def test_array_that_needs_no_encoding_is_returned_itself(dtype, impute):
    X = np.arange(12).reshape(4, 3).astype(dtype)
    encoder = TableEncoder(impute=impute, scale=False)
    assert encoder.fit_transform(X) is X
    assert encoder.transform(X) is X
    assert encoder.passthrough_ and not encoder.cross_fitted_


def test_missing_values_are_kept_without_imputation():
    X = np.array([[1.0, np.nan], [2.0, 3.0]])
    encoder = TableEncoder(**PLAIN)
    assert encoder.fit_transform(X) is X
    assert [decision.n_missing for decision in encoder.decisions_] == [0, 1]


def test_all_missing_column_is_dropped():
    X = np.array([[1.0, np.nan, 3.0], [2.0, np.nan, np.nan]])
    encoder = TableEncoder(encoding="native", impute=False, scale=False)
    np.testing.assert_array_equal(encoder.fit_transform(X), X[:, [0, 2]])
    assert [decision.kind for decision in encoder.decisions_] == ["numeric", "empty", "numeric"]


def test_non_native_byte_order_is_converted():
    X = np.arange(6.0).reshape(3, 2)
    swapped = X.astype(X.dtype.newbyteorder())
    encoder = TableEncoder(impute=False, scale=False).fit(X)
    encoded = encoder.transform(swapped)
    assert encoded.dtype.isnative
    np.testing.assert_array_equal(encoded, X)


def test_values_missing_only_later_are_imputed_without_indicator():
    X = np.array([[1.0, 2.0], [2.0, 3.0], [9.0, 4.0]])
    encoder = TableEncoder(scale=False).fit(X)
    assert encoder.transform([[np.nan, 1.0]]).tolist() == [[2.0, 1.0]]


def test_missing_values_are_imputed_and_indicated():
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


def test_non_contiguous_views_are_encoded_like_copies():
    X = np.random.default_rng(0).normal(size=(40, 8))[::2, ::2]
    encoder = TableEncoder()
    np.testing.assert_array_equal(encoder.fit_transform(X), encoder.fit_transform(X.copy()))


def test_array_after_fit_on_frame_uses_positions():
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5]})
    encoder = TableEncoder().fit(frame)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        out = encoder.transform(frame.to_numpy())
    np.testing.assert_array_equal(out, encoder.transform(frame))


def test_objects_after_fit_on_numbers_are_parsed_as_numbers():
    encoder = TableEncoder(**PLAIN).fit(np.eye(2))
    with pytest.warns(DataWarning, match=r"'x' in column 'x1' \(numbers in training\)"):
        out = encoder.transform(np.array([["1", None], [2, "x"]], dtype=object))
    np.testing.assert_array_equal(out, [[1, np.nan], [2, np.nan]])


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values_raise_and_name_the_column(value):
    X = np.ones((5, 3))
    encoder = TableEncoder(**PLAIN).fit(X)
    X[3, 1] = value
    X[2, 2] = np.nan
    with pytest.raises(InputError, match="infinite values in column 'x1'"):
        encoder.transform(X)
    with pytest.raises(InputError, match="infinite values in column 'x1'"):
        encoder.fit(X)


def test_large_finite_values_are_not_infinite():
    X = np.full((4, 2), np.finfo(np.float32).max, dtype=np.float32)
    X[0] = 1
    assert TableEncoder(scale=False).fit_transform(X) is X


@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csr_array, sparse.csc_array])
def test_sparse_matrix_that_needs_no_encoding_is_not_copied(make):
    X = make(np.eye(4))
    encoder = TableEncoder(scale=False)
    for out in (encoder.fit_transform(X), encoder.transform(X)):
        assert isinstance(out, sparse.spmatrix)  # libraries reject SciPy sparse arrays
        assert np.shares_memory(out.data, X.data)
        assert (out is X) == isinstance(X, sparse.spmatrix)


def test_sparse_matrix_is_scaled_without_centring():
    X = sparse.csr_array(sparse.random(50, 4, density=0.3, random_state=0))
    out = TableEncoder().fit_transform(X)
    assert sparse.issparse(out) and out.nnz == X.nnz
    deviations = out.toarray().std(axis=0)
    np.testing.assert_allclose(deviations, 1)


def test_sparse_missing_values_are_imputed_and_indicated():
    X = sparse.csr_array([[1.0, np.nan], [2.0, 3.0], [4.0, 5.0]])
    encoder = TableEncoder(scale=False)
    assert encoder.fit_transform(X).toarray()[0].tolist() == [1.0, 4.0, 1.0]
    assert encoder.get_feature_names_out().tolist() == ["x0", "x1", "x1_missing"]


def test_sparse_values_missing_only_later_become_zero():
    encoder = TableEncoder(scale=False).fit(sparse.csr_array(np.eye(2)))
    later = sparse.csr_array([[np.nan, 1.0]])
    assert encoder.transform(later).toarray().tolist() == [[0.0, 1.0]]
    assert np.isnan(later.data).any()


def test_infinite_values_in_sparse_matrix_raise():
    with pytest.raises(InputError, match="'x1'"):
        TableEncoder().fit(sparse.csr_array([[1.0, np.inf], [0.0, 1.0]]))


@pytest.mark.parametrize("dense", [np.eye(2), np.array([[0.0, "c"], [1.0, "d"]], dtype=object)])
def test_sparse_matrix_after_dense_fit_raises(dense):
    encoder = TableEncoder(**PLAIN).fit(dense)
    with pytest.raises(InputError, match="toarray"):
        encoder.transform(sparse.csr_array(np.eye(2)))


def test_float_frame_that_needs_no_encoding_is_not_copied():
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


def test_decisions_count_missing_values_of_sparse_columns():
    X = sparse.csr_matrix([[np.nan, 0.0, 1.0], [np.nan, 2.0, np.nan], [0.0, 1.0, 0.0]])
    for impute in (True, False):
        decisions = TableEncoder(impute=impute).fit(X).decisions_
        assert [decision.n_missing for decision in decisions] == [2, 0, 1]


def test_infinite_values_of_a_sparse_matrix_name_the_column():
    with pytest.raises(InputError, match="column 'x1'"):
        TableEncoder().fit(sparse.csr_matrix([[0.0, np.inf], [1.0, 0.0]]))
