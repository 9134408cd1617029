"""Behavior of TableEncoder on tables with every column kind."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from sktrainer.data.column_checks import UnsupportedValueError
from sktrainer.exceptions import InputError
from sktrainer.preprocessing.table_encoder import TableEncoder
from tests.tables import labels, mixed_table

ENCODINGS = ("native", "native+target", "onehot", "onehot+target", "ordinal", "target")


@parametrize_with_checks(
    [
        TableEncoder(),
        TableEncoder(impute=False, scale=False),
        TableEncoder(encoding="native", category_codes="frame", impute=False, scale=False),
        TableEncoder(encoding="target", task="regression"),
    ]
)
def test_sklearn_estimator_checks(estimator, check):
    state = np.random.get_state()
    check(estimator)
    np.random.set_state(state)  # a check uses the global random state


def kinds(encoder: TableEncoder) -> dict[str, str]:
    return {decision.name: decision.kind for decision in encoder.decisions_}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("category_codes", ["float", "frame"])
def test_single_rows_and_batches_are_encoded_alike(encoding, category_codes):
    X = mixed_table()
    encoder = TableEncoder(encoding=encoding, category_codes=category_codes, random_state=0)
    encoder.fit(X, labels())
    together = np.asarray(encoder.transform(X))
    single = [np.asarray(encoder.transform(X.iloc[[row]])) for row in range(20)]
    np.testing.assert_array_equal(np.vstack(single), together[:20])


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_polars_and_pandas_give_the_same_output(encoding):
    X = mixed_table().drop(columns="grade")
    of_polars = pl.DataFrame(
        {
            name: [None if pd.isna(cell) else cell for cell in X[name]]
            for name in X.columns
            if name != "when"
        }
    )
    of_polars = of_polars.with_columns(
        pl.Series("when", X["when"].dt.to_pydatetime().tolist()),
        pl.Series("nothing", [None] * len(X), dtype=pl.Float64),
        pl.Series("size", X["size"], nan_to_null=True),
    ).select(X.columns)
    encoder = TableEncoder(encoding=encoding, random_state=0)
    expected = encoder.fit_transform(X, labels())
    got = clone(encoder).fit(of_polars, labels())
    np.testing.assert_array_equal(got.fit_transform(of_polars, labels()), expected)
    np.testing.assert_array_equal(got.transform(of_polars), encoder.transform(X))
    np.testing.assert_array_equal(got.transform(of_polars[:3]), encoder.transform(X[:3]))
    assert got.decisions_ == encoder.decisions_


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("row", [0, slice(0, 100)])
def test_unknown_levels_are_treated_as_missing(encoding, row):
    X = mixed_table()
    encoder = TableEncoder(encoding=encoding, random_state=0).fit(X, labels())
    rows = X.iloc[[row] if row == 0 else row]
    unseen = rows.assign(color="violet", town="Atlantis", grade="none")
    missing = rows.assign(color=None, town=None, grade=None)
    np.testing.assert_array_equal(encoder.transform(unseen), encoder.transform(missing))


def test_dropped_columns_are_ignored_in_transform():
    X = mixed_table()
    encoder = TableEncoder(random_state=0).fit(X, labels())
    later = X.assign(source=None, nothing="something")
    np.testing.assert_array_equal(encoder.transform(later), encoder.transform(X))


def test_values_missing_only_in_later_rows_are_imputed():
    X = pd.DataFrame({"a": [1.0, 2.0, 6.0], "b": [0.5, 0.25, 1.0]})
    encoder = TableEncoder(scale=False).fit(X)
    later = X.assign(a=[np.nan, 1.0, np.nan])
    assert encoder.transform(later)[:, 0].tolist() == [2.0, 1.0, 2.0]


def test_missing_numbers_are_median_imputed_and_indicated():
    X = pd.DataFrame({"a": [1.0, None, 3.0, 8.0], "b": [1, 2, 3, 4]})
    encoder = TableEncoder(scale=False).fit(X)
    assert encoder.get_feature_names_out().tolist() == ["a", "b", "a_missing"]
    assert encoder.transform(X).tolist()[1] == [3.0, 2.0, 1.0]
    assert encoder.imputer_.statistics_.tolist() == [3.0, 2.5]


def test_missing_numbers_stay_nan_without_imputation():
    X = pd.DataFrame({"a": [1.0, None, 3.0], "b": ["u", None, "v"]})
    out = TableEncoder(encoding="native", impute=False, scale=False).fit_transform(X)
    np.testing.assert_array_equal(out, [[1, 0], [np.nan, np.nan], [3, 1]])


def test_only_quantities_are_standardized():
    X = mixed_table()
    encoder = TableEncoder(random_state=0)
    out = pd.DataFrame(
        encoder.fit_transform(X, labels()), columns=encoder.get_feature_names_out()
    )
    quantities = out[["size", "count", "town", "when_month", "amount"]]
    np.testing.assert_allclose(quantities.mean(), 0, atol=1e-5)
    np.testing.assert_allclose(quantities.std(ddof=0), 1, atol=1e-5)
    assert set(out["color_red"]) == {0.0, 1.0}
    assert set(out["flag"]) == {0.0, 1.0}


def test_categorical_features_are_output_positions():
    X = mixed_table()
    encoder = TableEncoder(encoding="native+target", impute=False, scale=False, random_state=0)
    out = encoder.fit_transform(X, labels())
    names = encoder.get_feature_names_out()
    assert [names[at] for at in encoder.categorical_features_] == ["color", "grade"]
    codes = out[:, encoder.categorical_features_[1]]
    assert codes.tolist() == X["grade"].cat.codes.tolist()


def test_frame_codes_are_int32_with_minus_one_for_missing():
    X = mixed_table()
    encoder = TableEncoder(encoding="native", category_codes="frame", impute=False, scale=False)
    out = encoder.fit_transform(X)
    assert isinstance(out, pd.DataFrame)
    codes = out.iloc[:, list(encoder.categorical_features_)]
    assert set(codes.dtypes) == {np.dtype("int32")}
    assert out["color"].min() == -1
    assert out["size"].dtype == np.float32
    pd.testing.assert_frame_equal(encoder.transform(X), out)


def test_rare_levels_share_one_infrequent_column():
    levels = [f"l{number}" for number in range(150)]
    X = pd.DataFrame({"a": levels + levels[:99] * 2})
    encoder = TableEncoder(encoding="onehot").fit(X)
    names = encoder.get_feature_names_out()
    assert len(names) == 100 and "a_infrequent" in names
    shared = encoder.transform(pd.DataFrame({"a": ["l149", "l148", "l1"]}))
    at = names.tolist().index("a_infrequent")
    assert shared[:, at].tolist() == [1.0, 1.0, 0.0]
    assert "100 columns" in encoder.decisions_[0].detail


def test_one_hot_columns_equal_sklearn_encoder_output():
    X = mixed_table()[["color", "grade", "town"]]
    encoder = TableEncoder(encoding="onehot")
    out = encoder.fit_transform(X)
    codes = np.column_stack(
        [X["color"].map({"blue": 0, "green": 1, "red": 2}).fillna(3), X["grade"].cat.codes]
    )
    town = pd.factorize(X["town"], sort=True)[0]
    expected = encoder.onehot_encoder_.transform(np.column_stack([codes, town]))
    np.testing.assert_array_equal(out, expected.toarray())


def test_two_levels_become_one_column():
    encoder = TableEncoder(scale=False).fit(pd.DataFrame({"sex": ["M", "F", "F"]}))
    assert encoder.get_feature_names_out().tolist() == ["sex_M"]


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize(
    ("task", "y", "width"),
    [
        ("classification", labels(), 1),
        ("classification", np.arange(300) % 3, 3),
        ("classification", np.array(["a", "b"])[labels()], 1),
        ("classification", np.r_[np.zeros(297), [1, 1, 2]], 3),
        ("regression", np.linspace(0, 1, 300), 1),
    ],
)
def test_target_encoding_supports_every_target_type(task, y, width, routing):
    X = mixed_table()[["town"]]
    encoder = TableEncoder(encoding="target", task=task, scale=False, random_state=0)
    with sklearn.config_context(enable_metadata_routing=routing):
        fitted = encoder.fit_transform(X, y)
    assert fitted.shape == (300, width)
    assert encoder.cross_fitted_
    assert not np.array_equal(fitted, encoder.transform(X))
    table = encoder.target_encoder_.encodings_[0]
    codes = pd.factorize(X["town"], sort=True)[0]
    np.testing.assert_allclose(encoder.transform(X)[:, 0], table[codes], rtol=1e-6)


def test_cross_fitted_columns_do_not_leak_the_target():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.integers(0, 400, 2000).astype("U")}) + "x"
    y = rng.integers(0, 2, 2000)
    out = TableEncoder(encoding="target", random_state=0).fit_transform(X, y)
    assert LogisticRegression().fit(out, y).score(out, y) < 0.56


def test_y_is_required_only_for_target_encoding():
    X = mixed_table()
    TableEncoder(encoding="onehot").fit(X)
    with pytest.raises(InputError, match=r"target encoding of 'town'.*pass y"):
        TableEncoder(encoding="onehot+target").fit(X)


def test_output_depends_only_on_the_seed():
    X = mixed_table()
    first, second, third = (
        TableEncoder(random_state=seed).fit_transform(X, labels()) for seed in (0, 0, 1)
    )
    assert first.tobytes() == second.tobytes() != third.tobytes()


def test_input_table_is_not_modified():
    X = mixed_table()
    before = X.copy(deep=True)
    TableEncoder(random_state=0).fit(X, labels()).transform(X)
    pd.testing.assert_frame_equal(X, before)


def test_pickled_encoder_gives_bit_identical_output():
    X = mixed_table()
    encoder = TableEncoder(random_state=0).fit(X, labels())
    fresh = pickle.dumps(encoder)
    expected = encoder.transform(X)
    assert pickle.dumps(encoder) == fresh
    assert pickle.loads(fresh).transform(X).tobytes() == expected.tobytes()


@pytest.mark.parametrize("impute", [True, False])
def test_single_row_can_be_fitted(impute):
    X = mixed_table(1)
    encoder = TableEncoder(encoding="target", impute=impute).fit(X, [1])
    out = encoder.transform(X)
    assert len(out) == 1 and out.shape[1] >= 11
    assert np.isnan(out).any() != impute


def test_infinite_values_raise_and_name_the_columns():
    X = pd.DataFrame({"a": [1.0, 2.0], "b": [np.inf, 1.0], "c": [-np.inf, 1.0]})
    with pytest.raises(InputError, match=r"2 problems[\s\S]*'b'[\s\S]*'c'"):
        TableEncoder().fit(X)
    encoder = TableEncoder(impute=False).fit(X.replace([np.inf, -np.inf], 0))
    with pytest.raises(InputError, match="infinite values in columns 'b', 'c'.*clip"):
        encoder.transform(X)


@pytest.mark.parametrize("cell", [["a"], {"a": 1}, np.zeros(2), (1, 2)])
def test_container_values_raise(cell):
    cells = np.array([None, "x", "y"], dtype=object)
    cells[0] = cell
    with pytest.raises(
        UnsupportedValueError, match=f"'a' contains {type(cell).__name__} values.*drop it"
    ):
        TableEncoder().fit(pd.DataFrame({"a": cells}))


@pytest.mark.parametrize(
    "change",
    [
        lambda X: X.drop(columns="size"),
        lambda X: X.assign(more=1),
        lambda X: X[X.columns[::-1]],
        lambda X: X.rename(columns={"size": "Size"}),
    ],
)
def test_different_columns_in_transform_raise(change):
    X = mixed_table()
    encoder = TableEncoder(encoding="onehot").fit(X)
    with pytest.raises(ValueError, match="feature names should match"):
        encoder.transform(change(X))


def test_duplicate_column_names_raise():
    X = pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"])
    with pytest.raises(InputError, match=r"must be unique.*: 'a';"):
        TableEncoder().fit(X)


@pytest.mark.parametrize("name", ["encoding", "max_levels", "category_codes", "task"])
def test_invalid_parameter_is_named(name):
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        TableEncoder().set_params(**{name: "typo"}).fit([[1.0]])


def test_transform_before_fit_raises():
    with pytest.raises(NotFittedError):
        TableEncoder().transform([[1.0]])


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_set_output_names_the_columns(container):
    X = mixed_table()
    encoder = TableEncoder(random_state=0).set_output(transform=container)
    out = encoder.fit_transform(X, labels())
    assert list(out.columns) == encoder.get_feature_names_out().tolist()
    with sklearn.config_context(transform_output=container):
        assert list(TableEncoder(encoding="onehot").fit_transform(X).columns)


def test_output_names_are_unique():
    X = pd.DataFrame({"sex": ["M", "F", "X"], "sex_M": [1, 2, 3]})
    names = TableEncoder().fit(X).get_feature_names_out().tolist()
    assert names == ["sex_F", "sex_M", "sex_X", "sex_M_2"]


def test_scaler_ignores_leading_missing_values():
    values = np.random.default_rng(0).normal(5, 2, 400_000)
    values[:300_000] = np.nan
    encoder = TableEncoder(impute=False)
    out = encoder.fit_transform(pd.DataFrame({"a": values}))
    assert encoder.scaler_.mean_[0] == pytest.approx(np.nanmean(values), rel=1e-6)
    assert np.nanstd(out) == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"a": [0, 1, 2, 0], "f": [True, False] * 2, "c": list("uvuv")}),
        pd.DataFrame({"a": ["0", "1", "2", "0"], "f": [True, False] * 2, "c": list("uvuv")}),
    ],
)
def test_missing_number_is_missing_in_columns_of_numbers_only(table):
    encoder = TableEncoder(
        encoding="native", impute=False, scale=False, missing_values=0, max_levels=30
    )
    expected = [[np.nan, 1, 0], [1, 0, 1], [2, 1, 0], [np.nan, 0, 1]]
    np.testing.assert_array_equal(encoder.fit_transform(table), expected)
    np.testing.assert_array_equal(encoder.transform(table[:1]), expected[:1])
    assert encoder.decisions_[0].n_missing == 2
    matrix = np.array([[0, 5], [1, 6]])
    out = encoder.fit_transform(matrix)
    np.testing.assert_array_equal(out, [[np.nan, 5], [1, 6]])
    np.testing.assert_array_equal(encoder.transform(matrix), out)
