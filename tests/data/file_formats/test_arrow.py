"""Tests of reading Parquet and Feather files."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from sktrainer.data.file_formats.arrow import ArrowFile
from sktrainer.data.file_formats.csv_columns import STRINGS
from sktrainer.data.file_formats.streams import open_source
from sktrainer.exceptions import InputError

KINDS = ("parquet", "feather", "stream")


def _write(table: pa.Table, path, kind: str, size: int = 2) -> ArrowFile:
    if kind == "parquet":
        parquet.write_table(table, path, row_group_size=size)
    else:
        new = ipc.new_file if kind == "feather" else ipc.new_stream
        with new(path, table.schema) as writer:
            for batch in table.to_batches(max_chunksize=size):
                writer.write_batch(batch)
    return ArrowFile(open_source(path), is_parquet=kind == "parquet")


TABLE = pa.table(
    {
        "whole": pa.array([1, 2, 3, 4, 5], pa.int32()),
        "gap": pa.array([1, 2, None, 4, 5], pa.int64()),
        "wide": pa.array([2**53 + 1, None, 1, 2, 3], pa.int64()),
        "flag": [True, False, None, True, True],
        "yes": [True, False, True, True, True],
        "size": pa.array([0.5, None, 1.5, 2.5, 3.5], pa.float32()),
        "city": ["Rome", None, "Oslo", "Rome", "007"],
        "level": pa.array(["b", "a", None, "b", "c"]).dictionary_encode(),
        "day": pa.array([dt.date(2024, 1, day) for day in range(1, 6)]),
        "price": pa.array([decimal.Decimal("1.50")] * 5),
        "none": pa.nulls(5),
    }
)


@pytest.mark.parametrize("kind", KINDS)
def test_columns_have_the_same_type_in_every_chunk(tmp_path, kind):
    file = _write(TABLE, tmp_path / "a.parquet", kind)
    whole = file.read()
    assert whole.dtypes.astype(str).to_dict() == {
        "whole": "int32",
        "gap": "float64",
        "wide": "Int64",
        "flag": "boolean",
        "yes": "bool",
        "size": "float32",
        "city": STRINGS,
        "level": "category",
        "day": "datetime64[s]",
        "price": "float64",
        "none": "float64",
    }
    assert whole["gap"].tolist()[3:] == [4.0, 5.0]
    assert whole["wide"].tolist() == [2**53 + 1, pd.NA, 1, 2, 3]
    assert whole["city"].dropna().tolist() == ["Rome", "Oslo", "Rome", "007"]
    assert whole["level"].cat.categories.tolist() == ["b", "a", "c"]
    assert whole["price"].tolist() == [1.5] * 5
    for n_rows in (1, 3):
        chunks = [*file.chunks(n_rows)]
        assert all(chunk.dtypes.equals(whole.dtypes) for chunk in chunks)
        assert max(map(len, chunks)) <= n_rows
        pd.testing.assert_frame_equal(pd.concat(chunks, ignore_index=True), whole)


def test_index_of_pandas_is_no_column(tmp_path):
    frame = pd.DataFrame({"a": [1, 2]}, index=["x", "y"])
    frame.to_parquet(tmp_path / "a.parquet")
    file = ArrowFile(open_source(tmp_path / "a.parquet"), is_parquet=True)
    assert file.read().to_dict("list") == {"a": [1, 2]}


@pytest.mark.parametrize("kind", KINDS)
def test_table_without_rows_is_refused(tmp_path, kind):
    file = _write(TABLE.slice(0, 0), tmp_path / "a.parquet", kind)
    with pytest.raises(InputError, match=r"a\.parquet' has no rows"):
        file.read()


def test_repeated_names_are_refused(tmp_path):
    table = pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(InputError, match="several columns named 'a'"):
        _write(table, tmp_path / "a.feather", "feather").read()


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_damaged_file_is_refused(tmp_path, kind):
    path = tmp_path / "a.parquet"
    _write(TABLE, path, kind)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match=r"a\.parquet' is not a valid \w+ file, or"):
        ArrowFile(open_source(path), is_parquet=kind == "parquet").read()


def test_integers_without_missing_values_are_exact(tmp_path):
    table = pa.table({"id": pa.array([2**63 - 1, -(2**53) - 1], pa.int64())})
    frame = _write(table, tmp_path / "a.parquet", "parquet").read()
    assert frame["id"].dtype == np.int64
    assert frame["id"].tolist() == [2**63 - 1, -(2**53) - 1]
