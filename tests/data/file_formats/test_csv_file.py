"""Tests of reading CSV files."""

from __future__ import annotations

import io

import pandas as pd
import pytest

from sktrainer.data.file_formats.csv_file import CsvFile
from sktrainer.data.file_formats.streams import Source
from sktrainer.exceptions import InputError


def _file(content: str | bytes, notes: list[str]) -> CsvFile:
    raw = content.encode() if isinstance(content, str) else content
    return CsvFile(Source("a.csv", ".csv", lambda: io.BytesIO(raw)), notes.append)


def _read(content: str | bytes) -> tuple[dict[str, list[object]], list[str]]:
    notes: list[str] = []
    frame = _file(content, notes).read()
    return frame.to_dict("list"), notes


def test_standard_file_is_read_without_a_note():
    assert _read("a,b,c\n1,2.5,x\n3,0.1,y\n") == (
        {"a": [1, 3], "b": [2.5, 0.1], "c": ["x", "y"]},
        [],
    )


def test_everything_that_is_not_standard_is_noted():
    content = "name;preis;plz;menge\nMüller;1.234,50;01234;1.000\nMaier;2,5;98765;2.500\n"
    table, notes = _read(content.encode("cp1252"))
    assert table == {
        "name": ["Müller", "Maier"],
        "preis": [1234.5, 2.5],
        "plz": ["01234", "98765"],
        "menge": [1000.0, 2500.0],
    }
    expected = (
        "a.csv was read with the delimiter ';' and the encoding cp1252 and decimal commas in "
        "the columns 'preis', 'menge'"
    )
    assert notes == [expected]


def test_separators_of_thousands_are_noted():
    table, notes = _read('a,b\n"1,234",1.5\n"2,000",2.5\n')
    assert table == {"a": [1234.0, 2000.0], "b": [1.5, 2.5]}
    assert notes == ["a.csv was read with separators of thousands in the columns 'a'"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_read(encoding):
    table, _ = _read("größe,b\n1,ä€\n2,x\n".encode(encoding))
    assert table == {"größe": [1, 2], "b": ["ä€", "x"]}


def test_bytes_that_windows_does_not_define_are_read_as_latin_1():
    table, notes = _read(b"a,b\n\xe4\x81,1\n")
    assert table == {"a": ["ä\x81"], "b": [1]}
    assert notes == ["a.csv was read with the encoding latin-1"]


def test_line_breaks_in_quotes_belong_to_the_value():
    table, _ = _read('a,b\n"x\ny",1\n"3"" pipe",2\r\n')
    assert table == {"a": ["x\ny", '3" pipe'], "b": [1, 2]}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_all_systems_are_read(end):
    assert _read(end.join(["a,b", "1,x", "", "2,y"]))[0] == {"a": [1, 2], "b": ["x", "y"]}


def test_delimiters_at_the_end_of_each_line_are_ignored():
    assert _read("a,b,\n1,x,\n2,y,\n")[0] == {"a": [1, 2], "b": ["x", "y"]}
    assert _read("a,b\n1,x,\n2,y,\n")[0] == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize("content", ["a,b\n1,x\n2\n3,\n", 'a,b\n1,"x"\n2\n3,\n'])
def test_short_rows_are_noted(content):
    table, notes = _read(content)
    assert table["a"] == [1, 2, 3]
    assert pd.isna(table["b"]).tolist() == [False, True, True]
    expected = (
        "a.csv has 1 row with fewer fields than the header, the first in line 3; the missing "
        "fields were read as missing values"
    )
    assert notes == [expected]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n", "a.csv has a header but no rows"),
        ("a,b\n1,2\n3,4,5\n", "a.csv, line 3: 3 fields, but the header has 2 names"),
        ("a,b\n1,2,3\n4,5,6\n", "a.csv, line 2: 3 fields, but the header has 2 names"),
        ('a,b\n1,"x\n2,y\n', "a.csv, line 3: unexpected end of data. Check the quotation"),
        ('a,b\n1,"x"y\n', "a.csv, line 2: .*Check the quotation"),
    ],
)
def test_malformed_file_is_refused_with_the_line(content, message):
    with pytest.raises(InputError, match=message):
        _read(content)


@pytest.mark.parametrize(
    "content",
    [
        "a,b,c\n1,x,true\n,y,false\n2.5,,true\n",  # read by pandas
        "a,b,c\n1,01,true\n,02,false\n2.5,,\n",  # read value by value
    ],
)
@pytest.mark.parametrize("n_rows", [1, 2, 3, 10])
def test_columns_have_the_same_type_in_every_chunk(content, n_rows):
    whole = _file(content, []).read()
    chunks = [*_file(content, []).chunks(n_rows)]
    assert [len(chunk) for chunk in chunks] == [
        len(whole.iloc[start : start + n_rows]) for start in range(0, 3, n_rows)
    ]
    for chunk in chunks:
        pd.testing.assert_series_equal(chunk.dtypes, whole.dtypes)
    pd.testing.assert_frame_equal(pd.concat(chunks, ignore_index=True), whole)
