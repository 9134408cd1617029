"""Tests of the detection of delimiter, encoding and column names."""

from __future__ import annotations

import io

import pytest

from sktrainer.data.file_formats.csv_dialect import CsvDialect, detect_dialect
from sktrainer.data.file_formats.streams import Source
from sktrainer.exceptions import InputError


def _detect(content: str | bytes) -> CsvDialect:
    raw = content.encode() if isinstance(content, str) else content
    return detect_dialect(Source("a.csv", ".csv", lambda: io.BytesIO(raw)))


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2\n", ";"),
        ("a\tb\n1,5\t2;3\n", "\t"),
        ("a|b|c\n1|2|3\n", "|"),
        ("a;b, c\n1;2\n3;4\n", ";"),
        ('"a;x";b\n"1;2";3\n', ";"),
        ('a,b\n"1\n,2",3\n', ","),
        ("a\n1\n2\n", ","),
        ("a;b;c\n1;2\n3;4;5\n", ";"),
    ],
)
def test_delimiter_divides_the_rows_like_the_header(content, delimiter):
    assert _detect(content).delimiter == delimiter


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"\xef\xbb\xbfa,b\n1,2\n", "utf-8-sig"),
        ("a,b\nü,2\n".encode("utf-16"), "utf-16"),
        (b"a,b\n1,2\n", "utf-8"),
    ],
)
def test_byte_order_mark_decides_the_encoding(content, encoding):
    dialect = _detect(content)
    assert (dialect.encoding, dialect.names) == (encoding, ("a", "b"))


def test_spaces_after_delimiters_are_skipped():
    assert _detect("a, b\n1, 2\n").skip_spaces
    assert not _detect("a,b\n1, 2\n").skip_spaces


def test_columns_without_a_name_are_numbered():
    assert _detect("a,,b\n1,2,3\n").names == ("a", "Unnamed: 1", "b")
    assert _detect("a,b,\n1,2,\n").names == ("a", "b")  # each line ends with a delimiter


@pytest.mark.parametrize("names", ["0,1,2", "2019,2020"])
def test_consecutive_numbers_are_names(names):
    assert _detect(f"{names}\n{names}\n").names == tuple(names.split(","))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("\n \n", "a.csv has no rows"),
        ("a b c\n1 2 3\n", "no delimiter that divides its rows .* its header is 'a b c'"),
        ("a\n1,2\n3,4\n", "no delimiter that divides its rows"),
        ("a,b,a\n1,2,3\n", "several columns named 'a'. Rename them"),
        ("5.1,3.5,0.2\n4.9,3.0,0.2\n", r"no column names: .* \(5.1, 3.5, 0.2\). Add a header"),
        ("a,b\n1,\0\n", "binary data"),
        ("sep=;\na;b\n1;2\n", "starts with the line 'sep=;', which only Excel reads"),
    ],
)
def test_file_that_is_no_table_is_refused(content, message):
    with pytest.raises(InputError, match=message):
        _detect(content)
