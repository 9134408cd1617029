"""Tests of reading JSON lines."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest

from sktrainer.data.file_formats.csv_columns import STRINGS
from sktrainer.data.file_formats.json_lines import JsonLinesFile
from sktrainer.data.file_formats.streams import Source
from sktrainer.exceptions import InputError


def _file(*lines: object) -> JsonLinesFile:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    content = "\n".join(texts).encode()
    return JsonLinesFile(Source("a.jsonl", ".jsonl", lambda: io.BytesIO(content)))


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([1, 2], "int64", [1, 2]),
        ([1, None], "float64", [1.0, np.nan]),
        ([1, 2.5], "float64", [1.0, 2.5]),
        ([float("nan"), 2.5], "float64", [np.nan, 2.5]),
        ([2**53 + 1, None], "Int64", [2**53 + 1, pd.NA]),
        ([2**64 - 1, 1], "uint64", [2**64 - 1, 1]),
        ([2**64, 1], "object", [2**64, 1]),
        ([True, False], "bool", [True, False]),
        ([True, None], "boolean", [True, pd.NA]),
        (["00123", None], STRINGS, ["00123", np.nan]),
        (["x", 1], "object", ["x", 1]),
        ([None, None], "float64", [np.nan, np.nan]),
    ],
)
def test_values_keep_their_type(values, dtype, expected):
    frame = _file(*({"a": value} for value in values)).read()
    pd.testing.assert_series_equal(frame["a"], pd.Series(expected, dtype=dtype, name="a"))


def test_keys_may_be_missing_and_in_any_order():
    frame = _file({"a": 1}, "", {"b": "x", "a": 2}).read()
    assert list(frame) == ["a", "b"]
    assert frame["a"].tolist() == [1, 2]
    assert frame["b"].isna().tolist() == [True, False]


def test_columns_have_the_same_type_in_every_chunk():
    rows = [{"a": 1, "b": True}, {"a": None, "b": False}, {"a": 2, "b": None}]
    whole = _file(*rows).read()
    chunks = [*_file(*rows).chunks(1)]
    assert all(chunk.dtypes.equals(whole.dtypes) for chunk in chunks)
    pd.testing.assert_frame_equal(pd.concat(chunks, ignore_index=True), whole)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([{"a": 1}, "{a: 1}"], "a.jsonl, line 2: not valid JSON"),
        ([[1, 2]], "a.jsonl, line 1: expected a JSON object, got a list"),
        ([{"a": [1]}], "line 1: 'a' contains a list"),
        (["{}"], "a.jsonl has no rows"),
    ],
)
def test_malformed_line_is_refused(lines, message):
    with pytest.raises(InputError, match=message):
        _file(*lines).read()
