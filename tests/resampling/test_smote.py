"""TableSMOTE on tables that imblearn's SMOTE rejects, and equality where it accepts them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline
from scipy import sparse
from sklearn.base import clone
from sklearn.tree import DecisionTreeClassifier

from sktrainer.exceptions import InputError
from sktrainer.resampling.smote import TableSMOTE


@pytest.fixture
def table():
    """Two numeric columns, one with missing values, and codes 0 to 3 with missing values."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [80, 20])
    X = np.column_stack([rng.normal(y, 1), rng.normal(5 * y, 1), rng.integers(0, 4, 100)])
    X[rng.random((100, 3)) < [0, 0.3, 0.2]] = np.nan
    return X.astype(np.float32), y


@pytest.mark.parametrize("form", [np.asarray, pd.DataFrame, sparse.csr_array])
def test_complete_numeric_data_equals_imblearn_smote(table, form):
    X, y = form(np.nan_to_num(table[0])), table[1]
    ours, _ = TableSMOTE(random_state=3).fit_resample(X, y)
    theirs, _ = SMOTE(random_state=3).fit_resample(X, y)
    dense = [x.toarray() if sparse.issparse(x) else np.asarray(x) for x in (ours, theirs)]
    np.testing.assert_array_equal(dense[0], dense[1])


def test_original_rows_come_first_and_unchanged(table):
    X, y = table
    before = X.copy()
    X_new, y_new = TableSMOTE(categorical=(2,), random_state=0).fit_resample(X, y)
    np.testing.assert_array_equal(X_new[:100], before)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(y_new[:100], y)
    assert X_new.dtype == np.float32


def test_new_values_stay_within_the_range_of_their_class(table):
    X, y = table
    X_new, _ = TableSMOTE(categorical=(2,), random_state=0).fit_resample(X, y)
    made, members = X_new[100:], X[y == 1]
    assert set(made[~np.isnan(made[:, 2]), 2]) <= set(members[:, 2])
    for column in (0, 1):
        low, high = np.nanmin(members[:, column]), np.nanmax(members[:, column])
        given = made[~np.isnan(made[:, column]), column]
        assert (given >= low).all() and (given <= high).all()


def test_new_rows_have_the_missing_rate_of_their_class():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [4000, 400])
    X = rng.normal(size=(4400, 3))
    X[(rng.random(4400) < 0.3) & (y == 1), 1] = np.nan
    X_new, _ = TableSMOTE(random_state=0).fit_resample(X, y)
    assert abs(np.isnan(X_new[4400:, 1]).mean() - np.isnan(X[y == 1, 1]).mean()) < 0.04
    assert not np.isnan(X_new[4400:, [0, 2]]).any()


def test_frame_keeps_dtypes_and_missing_code(table):
    X, y = table
    frame = pd.DataFrame(
        {"a": X[:, 0], "b": X[:, 1], "c": np.nan_to_num(X[:, 2], nan=-1).astype(np.int32)}
    )
    made = TableSMOTE(categorical=(2,), random_state=0).fit_resample(frame, y)[0]
    assert made.dtypes.tolist() == frame.dtypes.tolist()
    assert made.index.tolist() == list(range(160))
    assert set(made["c"]) <= {-1, 0, 1, 2, 3}


def test_frame_and_array_give_the_same_rows(table):
    X, y = table
    of_array, _ = TableSMOTE(categorical=(2,), random_state=0).fit_resample(X, y)
    of_frame, _ = TableSMOTE(categorical=(2,), random_state=0).fit_resample(pd.DataFrame(X), y)
    missing = of_frame.to_numpy() == -1
    np.testing.assert_array_equal(of_array, np.where(missing, np.nan, of_frame))


def test_table_with_only_categorical_columns_is_supported():
    codes = np.random.default_rng(0).integers(0, 300, (60, 2)).astype(float)
    y = np.repeat([0, 1], [50, 10])
    X_new, _ = TableSMOTE(categorical=(0, 1), random_state=0).fit_resample(codes, y)
    assert len(X_new) == 100 and set(X_new[60:, 0]) <= set(codes[50:, 0])


def test_new_row_gets_most_frequent_code_of_neighbors():
    X = np.column_stack([np.zeros(16), [0] * 10 + [7, 7, 7, 7, 7, 3]])
    y = np.repeat([0, 1], [10, 6])
    X_new, _ = TableSMOTE(categorical=(1,), random_state=0).fit_resample(X, y)
    assert set(X_new[16:, 1]) == {7}


def test_sparse_missing_values_are_imputed_only_for_the_search():
    rng = np.random.default_rng(0)
    X = sparse.csr_array(sparse.random(60, 5, density=0.5, random_state=rng))
    X.data[::4] = np.nan
    X_new, _ = TableSMOTE(random_state=0).fit_resample(X, np.repeat([0, 1], [50, 10]))
    assert X_new.shape == (100, 5) and X_new.format == "csr"
    assert np.isnan(X_new[60:].data).any() and not np.isnan(X_new[60:].data).all()


@pytest.mark.parametrize(
    "form", [np.asarray, pd.DataFrame, sparse.csr_array, sparse.csc_matrix, sparse.coo_array]
)
def test_small_classes_use_fewer_neighbors_and_single_row_is_repeated(form):
    X = form(np.arange(20.0).reshape(10, 2))
    y = np.array(list("aaaaaabbbc"))
    sampler = TableSMOTE(random_state=0)
    X_new, y_new = sampler.fit_resample(X, y)
    assert sampler.neighbors_ == {"b": 2, "c": 0} and type(X_new) is type(X)
    of_c = (X_new.toarray() if sparse.issparse(X_new) else np.asarray(X_new))[y_new == "c"]
    np.testing.assert_array_equal(of_c, [[18.0, 19.0]] * 6)


@pytest.mark.parametrize("missing", [False, True])
def test_all_classes_use_the_same_number_of_neighbors(missing):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(33, 2)), np.repeat(["a", "b", "c"], [20, 10, 3])
    if missing:
        X[0, 0] = np.nan
    sampler = TableSMOTE(random_state=0)
    sampler.fit_resample(X, y)
    assert sampler.neighbors_ == {"b": 2, "c": 2}


def test_all_missing_column_stays_missing(table):
    X, y = table
    X = np.column_stack([X, np.full(100, np.nan, dtype=np.float32)])
    X_new, _ = TableSMOTE(categorical=(2,), random_state=0).fit_resample(X, y)
    assert np.isnan(X_new[:, 3]).all()


def test_balanced_classes_get_no_rows(table):
    X = table[0][:40]
    X_new, _ = TableSMOTE(random_state=0).fit_resample(X, np.arange(40) % 2)
    np.testing.assert_array_equal(X_new, X)


@given(
    counts=st.lists(st.integers(1, 12), min_size=2, max_size=4),
    missing=st.floats(0, 0.9),
    seed=st.integers(0, 1000),
)
def test_any_table_is_balanced(counts, missing, seed):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(counts)), counts)
    X = np.column_stack([rng.normal(size=(len(y), 2)), rng.integers(0, 3, len(y))])
    X[rng.random(X.shape) < missing] = np.nan
    X_new, y_new = TableSMOTE(categorical=(2,), random_state=seed).fit_resample(X, y)
    assert np.bincount(y_new).tolist() == [max(counts)] * len(counts)
    assert len(X_new) == len(y_new)


def test_categorical_with_sparse_matrix_raises():
    X, y = sparse.csr_array(np.eye(6)), np.array([0, 0, 0, 0, 1, 1])
    with pytest.raises(InputError, match="onehot"):
        TableSMOTE(categorical=(0,)).fit_resample(X, y)


def test_single_class_raises():
    with pytest.raises(InputError, match="at least 2 classes"):
        TableSMOTE().fit_resample(np.eye(3), np.zeros(3))


def test_table_smote_works_in_an_imblearn_pipeline(table):
    X, y = table
    sampler = TableSMOTE(categorical=(2,), random_state=0)
    pipeline = make_pipeline(clone(sampler), DecisionTreeClassifier(random_state=0))
    assert pipeline.fit(X, y).predict(X).shape == (100,)
