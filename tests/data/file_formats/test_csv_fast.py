"""The fast reader gives what reading every value as a string gives, or leaves the file."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sktrainer.data.file_formats import csv_fast, csv_file
from sktrainer.data.file_formats.csv_dialect import detect_dialect
from sktrainer.data.file_formats.csv_fast import scan_fast, with_types
from sktrainer.data.file_formats.csv_file import CsvFile
from sktrainer.data.file_formats.streams import Source
from sktrainer.exceptions import InputError


def _source(content: str) -> Source:
    return Source("a.csv", ".csv", lambda: io.BytesIO(content.encode()))


def _read_fast(content: str) -> pd.DataFrame | None:
    source, chunks = _source(content), []
    dialect = detect_dialect(source)
    formats = scan_fast(source, dialect, chunks)
    return None if formats is None else with_types(chunks, dialect, formats)


def _read_slowly(content: str) -> pd.DataFrame:
    file = CsvFile(_source(content), lambda text: None)
    file.formats = file._scan()
    return pd.concat(file._chunks(1000), ignore_index=True)


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,x\n2,y\n",
        "a,b\n1,x\n,\n",
        "a,b\n1.5,01/02/2024\n,02:30\n",
        'a,b\n"1.5","x, y"\n2,"3"" z"\n',
        "a,b\n0.12345678901234567,-0.5\n1e10,0\n",
        "a\tb\n1\tx\n",
        "a, b\n1, x\n",
        "a,b\r\n1,x\r\n",
        "a,b\r1,2\r",
    ],
)
def test_ordinary_file_is_read_by_pandas(content):
    frame = _read_fast(content)
    assert frame is not None
    pd.testing.assert_frame_equal(frame, _read_slowly(content))


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n00123,x\n",
        "a,b\n1,007\n",
        "a,b\n-01.5,x\n",
        'a,b\n"00123",x\n',
        "a,b\n1,12345678901234567\n",
        "a,b\n1\n2,\n",
        'a,b\n"1"\n2,\n',
        "a,b\n1,2,\n",
        "a,b\n1,2,3\n",
        "a,b\ntrue,1\n,2\n",
        'a,b\n"1,5",x\n',
        "a;b\n1,5;1.234\n",
        "a,b\ninf,x\n",
        'a,b\n"x"y,1\n',
    ],
)
def test_file_that_pandas_would_change_is_left(content):
    assert _read_fast(content) is None


def test_code_is_found_across_blocks():
    lines = "".join(f"{n},{n}.25\n" for n in range(1, 40_000))
    assert _read_fast(f"a,b\n{lines}") is not None
    for position in (10, 30_000, len(lines) - 5):
        start = lines.index("\n", position) + 1
        changed = f"a,b\n{lines[:start]}007,1\n{lines[start:]}"
        assert _read_fast(changed) is None


def test_types_of_all_chunks_are_joined(monkeypatch):
    monkeypatch.setattr(csv_fast, "_SCAN_ROWS", 2)
    monkeypatch.setattr(csv_file, "_SCAN_ROWS", 2)
    for content in (
        "a,b,c\n1,,x\n2,,y\n3,1,\n4,2,\n5.5,,z\n",
        "a,b\n1,2\n3,4\nx,5\n",
        "a,b\ntrue,2\nfalse,4\n1,5\n",
    ):
        whole = CsvFile(_source(content), lambda text: None).read()
        pd.testing.assert_frame_equal(whole, _read_slowly(content))


_CELLS = st.one_of(
    st.sampled_from(
        "|0|1|-1|+7|007|1.5|.5|5.|1e5|1e400|NA|nan|None|x|true|False|1,5|1,234|1.234,5|inf|- 1"
        "|9007199254740993|12345678901234567890|1 | 2|a b|x\ny|é|0x1|1_0|?|2024-01-02".split(
            "|"
        )
    ),
    st.integers(-(10**5), 10**5).map(str),
    st.floats(allow_nan=False).map(repr),
    st.text("01.,-e \"'x;\n", max_size=5),
)


@settings(max_examples=150)
@given(st.lists(st.tuples(_CELLS, _CELLS), min_size=1, max_size=6), st.booleans())
@example([("1", "true"), ("", "")], False)
def test_both_readers_agree(rows, quote_all):
    buffer = io.StringIO()
    frame = pd.DataFrame(rows, columns=["first", "second"])
    frame.to_csv(buffer, index=False, quoting=1 if quote_all else 0)
    content = buffer.getvalue()
    try:
        fast = _read_fast(content)
    except InputError:  # the delimiter is not clear
        return
    if fast is not None:
        pd.testing.assert_frame_equal(fast, _read_slowly(content))
