"""Tests that fingerprints depend on values, names, dtypes and order, not on memory layout."""

from __future__ import annotations

import datetime as dt
import hashlib
import inspect
import io
import os
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from sktrainer import InputError, fingerprint
from sktrainer.data.fingerprint.differences import fingerprint_differences
from sktrainer.data.fingerprint.fingerprint import fingerprint_inputs
from sktrainer.testing import mixed_table

DTYPES = ["f8", "f4", "f2", "i8", "i2", "u1", "?", "c16", "M8[ns]", "m8[s]", "U3", "S2"]
arrays = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=2, max_dims=2, min_side=2))
)
CELLS = [
    *(None, np.nan, pd.NA, pd.NaT, True, 1, 1.0, "1", "", b"1", -0.0, 0.0, 2**70, 1j),
    *(dt.date(2024, 1, 1), dt.datetime(2024, 1, 1), dt.timedelta(1), Decimal("1.0")),
    *((1,), [1], {"a": 1}, {1}, np.float32(1), np.array([1]), "\ud800"),
    *(pd.Timestamp("2024-01-01", tz="UTC"), pd.Timestamp("2024-01-01")),
    *(pd.Period("2024-01", "M"), pd.Interval(0, 1)),
]


def frame():
    X, _ = mixed_table(50, "classification")
    return X.assign(
        zoned=X["day"].dt.tz_localize("Europe/Berlin"),
        nullable=pd.array([None, *range(49)], dtype="Int64"),
        flag=pd.array([None, *([True, False] * 24), True], dtype="boolean"),
        kind=pd.Categorical(X["color"]),
        gap=X["day"] - X["day"].iloc[0],
        text=X["color"].astype("string"),
        objects=X["shop"].astype(object),
        few=pd.arrays.SparseArray([0.0] * 49 + [1.0]),
        part=pd.Categorical(X["shop"], ordered=True),
    )


OTHERS = {  # another first value for each column
    "signal": 12345.0,
    "size": np.nan,
    "count": 12345,
    "color": "pink",
    "shop": "shop -1",
    "open": None,  # boolean: negated
    "day": pd.NaT,
    "same": "y",
    "mixed": 7,
    "zoned": pd.Timestamp("1990-01-01", tz="Europe/Berlin"),
    "nullable": 0,
    "flag": True,
    "kind": "green",
    "gap": pd.Timedelta("99D"),
    "text": pd.NA,
    "objects": "other",
    "few": 3.0,
    "part": "shop 7",
}


@given(arrays, st.data())
def test_one_changed_value_changes_the_fingerprint(array, data):
    row = data.draw(st.integers(0, array.shape[0] - 1))
    column = data.draw(st.integers(0, array.shape[1] - 1))
    cell = data.draw(hnp.arrays(array.dtype, ()))
    changed = array.copy()
    changed[row, column] = cell
    old, new = array[row : row + 1, column], changed[row : row + 1, column]
    both_nan = array.dtype.kind in "fc" and np.isnan(old).all() and np.isnan(new).all()
    same = both_nan or old.tobytes() == new.tobytes()
    assert (fingerprint(array) == fingerprint(changed)) == same


@given(arrays)
def test_memory_layout_does_not_count(array):
    expected = fingerprint(array)
    wide = np.repeat(array, 2, axis=1)
    assert fingerprint(array.copy()) == expected
    assert fingerprint(np.asfortranarray(array)) == expected
    assert fingerprint(wide[:, ::2]) == expected
    assert fingerprint(array[::-1][::-1]) == expected
    assert fingerprint(array.astype(array.dtype.newbyteorder())) == expected


@given(arrays)
def test_order_of_rows_and_columns_counts(array):
    for other in (array[::-1], array[:, ::-1], array[:-1], array[:, :-1], array.T):
        plain = [part.tobytes() for part in (array, np.ascontiguousarray(other))]
        moved = plain[0] != plain[1] or array.shape != other.shape
        if not (array.dtype.kind in "fc" and np.isnan(array).any()):
            assert (fingerprint(array) != fingerprint(other)) == moved


@pytest.mark.parametrize("name", frame().columns)
def test_column_with_a_changed_value_is_named(name):
    X, changed = frame(), frame()
    values = list(X[name])
    values[0] = not values[0] if OTHERS[name] is None else OTHERS[name]
    changed[name] = pd.Series(values, dtype=X[name].dtype)
    found = fingerprint_differences(fingerprint_inputs(X), fingerprint_inputs(changed))
    assert found == [f"X: values changed in {name!r}"]


def polars_frame():
    return pl.from_pandas(mixed_table(50, "regression")[0].drop(columns="mixed"))


@pytest.mark.parametrize("make", [frame, polars_frame])
def test_rows_columns_names_and_dtypes_count(make):
    X = make()
    names, of_pandas = list(X.columns), isinstance(X, pd.DataFrame)
    renamed = {name: name.replace("signal", "noise") for name in names}
    others = [
        X[::-1],
        X[names[::-1]],
        X[:49],
        X[names[1:]],
        X.rename(columns=renamed) if of_pandas else X.rename(renamed),
        X.astype({"count": "int32"}) if of_pandas else X.cast({"count": pl.Int32}),
    ]
    assert len({fingerprint(table) for table in [X, *others]}) == 7
    assert fingerprint(X) == fingerprint(X.copy() if of_pandas else X.clone())


def test_values_of_different_types_differ():
    def column(cell):
        cells = np.empty(2, dtype=object)
        cells[0], cells[1] = cell, "x"
        return pd.DataFrame({"a": pd.Series(cells, dtype=object)})

    assert len({fingerprint(column(cell)) for cell in CELLS}) == len(CELLS)


def test_adjacent_strings_are_separated():
    tables = [["ab", "c"], ["a", "bc"], ["abc", ""], ["", "abc"], ["abc", None], ["äbc", ""]]
    frames = [pd.DataFrame({"a": pd.Series(cells, dtype="str")}) for cells in tables]
    assert len({fingerprint(table) for table in frames}) == len(tables)


@pytest.mark.skipif(
    "na_value" not in inspect.signature(pd.StringDtype).parameters,
    reason="pandas before 2.3 has no strings with NaN as missing value",
)
@given(st.lists(st.none() | st.text(max_size=3), min_size=1, max_size=30), st.integers(0, 9))
def test_string_storage_of_pandas_does_not_count(cells, start):
    def table(storage, values):
        dtype = pd.StringDtype(storage, na_value=np.nan)
        return pd.DataFrame({"a": pd.Series(values, dtype=dtype)})

    held = table("pyarrow", [*cells[:start], *cells])[len(cells[:start]) :]
    joined = pd.concat([table("pyarrow", cells[:start]), table("pyarrow", cells[start:])])
    expected = fingerprint(table("python", cells))
    assert fingerprint(held) == expected
    assert fingerprint(joined) == expected
    assert fingerprint(table("pyarrow", [*cells, ""])) != expected


def test_nans_are_equal_and_signed_zeros_differ():
    odd = np.array([np.nan, 1.0])
    odd.view("i8")[0] |= 0x7FF0_0000_0000_0123
    assert np.isnan(odd[0])
    assert fingerprint(odd) == fingerprint(np.array([np.nan, 1.0]))
    assert fingerprint(np.array([0.0])) != fingerprint(np.array([-0.0]))


def test_categories_count_by_value():
    values = ["b", "a", None, "b"]
    tables = {
        name: pd.DataFrame({"a": pd.Categorical(values, **how)})
        for name, how in {
            "sorted": {"categories": ["a", "b"]},
            "reversed": {"categories": ["b", "a"]},
            "one more": {"categories": ["a", "b", "c"]},
            "ordered": {"categories": ["a", "b"], "ordered": True},
            "ordered backwards": {"categories": ["b", "a"], "ordered": True},
        }.items()
    }
    found = {name: fingerprint(table) for name, table in tables.items()}
    assert found["sorted"] == found["reversed"]
    assert len(set(found.values())) == 4


def test_time_zone_counts():
    times = pd.date_range("2024-01-01", periods=3, tz="UTC")
    zones = [times, times.tz_convert("Asia/Tokyo"), times.tz_localize(None)]
    assert len({fingerprint(pd.DataFrame({"t": zone})) for zone in zones}) == 3


def test_sparse_matrix_counts_by_value():
    dense = np.array([[0.0, 2.0, 0.0], [1.0, 0.0, np.nan]])
    matrix = sparse.csr_matrix(dense)
    stored_zero = sparse.csr_matrix(
        ([0.0, 2.0, 1.0, np.nan], [0, 1, 0, 2], [0, 2, 4]), shape=(2, 3)
    )
    twice = sparse.coo_matrix(
        ([1.0, 1.0, 1.0, np.nan], ([0, 0, 1, 1], [1, 1, 0, 2])), shape=(2, 3)
    )
    expected = fingerprint(matrix)
    for same in (matrix.tocsc(), sparse.csr_array(dense), stored_zero, twice):
        assert fingerprint(same) == expected
    for other in (matrix * 2, matrix.astype("f4"), matrix[::-1], matrix[:, ::-1], dense):
        assert fingerprint(other) != expected
    assert stored_zero.nnz == 4


def test_images_dicts_and_lists_have_fingerprints():
    images = np.arange(24.0).reshape(2, 3, 4)
    assert fingerprint(images) == fingerprint(np.asfortranarray(images))
    assert fingerprint(images) != fingerprint(images.reshape(2, 4, 3))
    inputs = {"picture": images, "age": np.array([1, 2])}
    other = {"picture": images, "age": np.array([1, 3])}
    found = fingerprint_differences(fingerprint_inputs(inputs), fingerprint_inputs(other))
    assert found == ["X: values changed in 'age'"]
    assert fingerprint(["a text", "another"]) != fingerprint(["another", "a text"])
    assert fingerprint([[1, 2], [3, 4]]) == fingerprint(np.array([[1, 2], [3, 4]]))


def test_every_argument_counts_and_is_named():
    X, y = mixed_table(30, "regression")
    before = fingerprint_inputs(X, y, sample_weight=np.ones(30))
    assert fingerprint(X, y) != before["digest"]
    assert fingerprint(X.assign(target=y), "target") == fingerprint(X, y)
    now = fingerprint_inputs(X, y + 1, sample_weight=np.ones(30), groups=np.ones(30))
    assert fingerprint_differences(before, now) == [
        "y: values changed in 'target'",
        "groups: newly given",
    ]


def test_differences_are_described():
    X = pd.DataFrame({"a": [1, 2], "b": [3, 4], 5: ["x", "y"]})
    other = X.rename(columns={5: "5"}).astype({"b": "float64"})
    (gone, new, dtype) = fingerprint_differences(
        fingerprint_inputs(X), fingerprint_inputs(other)
    )
    assert gone == "X: removed: column 5"
    assert new == "X: added: '5'"
    assert dtype == "X: 'b' was int64, now is float64"
    assert fingerprint_differences(
        fingerprint_inputs(X), fingerprint_inputs(X[["b", "a", 5]])
    ) == ["X: column order changed"]
    assert fingerprint_differences(fingerprint_inputs(X), fingerprint_inputs(X[::-1]))[
        0
    ].endswith("(all columns: the row order may have changed)")
    assert fingerprint_differences(fingerprint_inputs(X), fingerprint_inputs(X[:1])) == [
        "X: had 2 rows, now has 1"
    ]
    twins = pd.DataFrame([[1, 2]], columns=["a", "a"])
    swapped = pd.DataFrame([[2, 1]], columns=["a", "a"])
    assert fingerprint_differences(fingerprint_inputs(twins), fingerprint_inputs(swapped)) != []


@pytest.mark.parametrize("make", [np.asarray, np.asfortranarray, pd.DataFrame])
def test_very_wide_table_has_a_single_digest(make):
    wide = np.zeros((2, 5000))
    part = fingerprint_inputs(make(wide))["parts"]["X"]
    (name,) = [column["name"] for column in part["columns"]]
    assert name == ("all 5,000 together" if make is pd.DataFrame else "of shape 2x5000")
    other = wide.copy()
    other[1, 4321] = 1.0
    assert fingerprint(make(other)) != fingerprint(make(wide))
    assert fingerprint(make(wide.copy())) == fingerprint(make(wide))


@pytest.mark.parametrize("make", [np.asarray, np.asfortranarray, pd.DataFrame])
def test_number_of_threads_does_not_change_digests(make, monkeypatch):
    table = make(np.random.default_rng(0).normal(size=(40_000, 20)))
    found = []
    for n_threads in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", n_threads)
        found.append(fingerprint_inputs(table))
    column = hashlib.sha256(b"float64" + np.asarray(table)[:, 7].tobytes()).hexdigest()
    assert found[0] == found[1]
    assert found[0]["parts"]["X"]["columns"][7]["digest"] == column


def test_fingerprint_is_equal_in_another_process():
    text = frame().drop(columns=["gap"]).to_csv(index=False)
    read = [pd.read_csv(io.StringIO(text), parse_dates=["day"]) for _ in range(2)]
    assert fingerprint(read[0]) == fingerprint(read[1])
    code = (
        "import io, sys, pandas as pd, sktrainer\n"
        "X = pd.read_csv(io.StringIO(sys.stdin.read()), parse_dates=['day'])\n"
        "print(sktrainer.fingerprint(X), sktrainer.fingerprint([{'a', 'b', 'c'}, 'x']))"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            input=text,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert seen == {f"{fingerprint(read[0])} {fingerprint([{'a', 'b', 'c'}, 'x'])}\n"}


def test_polars_nulls_and_nans_differ():
    columns = {
        "number": [1.0, None, float("nan")],
        "text": ["a", None, "b"],
        "list": [[1], None, [2, 3]],
        "flag": [True, None, False],
    }
    X = pl.DataFrame(columns).with_columns(kind=pl.col("text").cast(pl.Categorical))
    changes = [
        pl.col("number").fill_null(0.0),
        pl.col("number").fill_nan(None),
        pl.col("text").fill_null("a"),
        pl.col("flag").fill_null(value=True),
        pl.col("kind").cast(pl.String).fill_null("b").cast(pl.Categorical),
        pl.col("list").list.reverse(),
    ]
    found = {fingerprint(X), *(fingerprint(X.with_columns(change)) for change in changes)}
    assert len(found) == 1 + len(changes)
    assert fingerprint(X) == fingerprint(pl.concat([X[:1], X[1:]], rechunk=False))


def test_unsupported_input_raises():
    with pytest.raises(InputError, match=r"a value of type builtins\.object cannot"):
        fingerprint(pd.DataFrame({"a": [object(), 1]}))
    with pytest.raises(
        InputError, match="X cannot be fingerprinted: .* got object; collect or convert it"
    ):
        fingerprint(object())
    with pytest.raises(InputError, match="'z' is not a column of X"):
        fingerprint(pd.DataFrame({"a": [1]}), "z")
    with pytest.raises(InputError, match="got LazyFrame; collect"):
        fingerprint(pl.LazyFrame({"a": [1]}))


def test_changes_under_duplicate_names_are_described():
    X = pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"])
    changed = pd.DataFrame([[0, 2], [3, 4]], columns=["a", "a"])
    retyped = pd.concat([X.iloc[:, 0], X.iloc[:, 1].astype(float)], axis=1)
    wider = pd.concat([X, X.iloc[:, :1]], axis=1)

    def describe(other):
        return fingerprint_differences(fingerprint_inputs(X), fingerprint_inputs(other))

    assert describe(changed) == ["X: values changed in 'a'"]
    assert describe(retyped) == ["X: 'a' (number 2) was int64, now is float64"]
    assert describe(wider) == ["X: added: 'a' (number 3)"]


def test_differences_of_dtypes_and_arrays_are_described():
    def describe(before, now):
        return fingerprint_differences(fingerprint_inputs(before), fingerprint_inputs(now))

    times = pd.date_range("2024-01-01", periods=3, tz="UTC").as_unit("us")
    X = pd.DataFrame({"c": pd.Categorical(["a", "b", "a"]), "t": times})
    added = X.assign(c=X["c"].cat.add_categories("z"))
    assert describe(X, added) == ["X: the categories of 'c' changed"]
    assert describe(X, X.assign(c=["a", "b", "a"]))[0].startswith("X: 'c' was category, now is")
    assert describe(X, X.assign(t=times.tz_convert("Asia/Tokyo"))) == [
        "X: 't' was datetime64[us, UTC], now is datetime64[us, Asia/Tokyo]"
    ]
    for values in (np.arange(3), np.zeros((2, 2, 2)), pd.Series([1, 2])):
        assert describe(values, values + 1) == ["X: the values changed"]
