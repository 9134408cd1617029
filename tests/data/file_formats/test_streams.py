"""Tests of opening, decompressing and repeating input files."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import threading
import zipfile
from types import SimpleNamespace

import pytest

from sktrainer.data.file_formats.streams import open_source
from sktrainer.exceptions import InputError

CONTENT = b"a,b\n" + b"1,2\n" * 5000


def _zip(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _zstd(content: bytes) -> bytes:
    pyarrow = pytest.importorskip("pyarrow")
    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


COMPRESS = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zip": lambda content: _zip(table=content, **{"__MACOSX/a": b"x"}),
    ".zst": _zstd,
}


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("name", ["a.csv{}", "a.csv"])  # the content decides
def test_compressed_file_is_decompressed(tmp_path, suffix, name):
    path = tmp_path / name.format(suffix)
    path.write_bytes(COMPRESS[suffix](CONTENT))
    source = open_source(path)
    assert source.suffix == ".csv"
    for _ in range(2):
        with source.open() as stream:
            assert stream.read() == CONTENT
    assert source.head(3) == b"a,b"


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zip"])
def test_truncated_file_is_refused(tmp_path, suffix):
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(COMPRESS[suffix](os.urandom(20_000))[:-3000])
    message = r"a\.csv\.\w+' is truncated or damaged \("
    with pytest.raises(InputError, match=message), open_source(path).open() as stream:
        stream.read()


def test_standard_input_can_be_read_twice(monkeypatch):
    monkeypatch.setattr(
        sys, "stdin", SimpleNamespace(buffer=io.BytesIO(gzip.compress(CONTENT)))
    )
    source = open_source("-")
    for _ in range(2):
        with source.open() as stream:
            assert stream.read() == CONTENT
    assert (source.name, source.suffix) == ("standard input", "")


def test_named_pipe_is_read_once(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    thread = threading.Thread(target=lambda: path.write_bytes(CONTENT))
    thread.start()
    source = open_source(path)
    thread.join()
    assert source.head(9) == CONTENT[:9]
    assert source.head(9) == CONTENT[:9]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("loan.csv", r"loan\.csv' does not exist\. Did you mean 'loans\.csv'\?"),
        ("folder/loans.csv", "there is no folder '.*folder'"),
        ("zzzzzz", r"zzzzzz' does not exist\. Check the path"),
        ("", "is a folder. Pass the path of a file in it"),
        ("empty.csv", r"empty\.csv' is empty"),
        ("empty.csv.gz", r"empty\.csv\.gz' is empty"),
        ("two.zip", r"two\.zip' contains 2 files, expected one"),
        ("none.zip", r"none\.zip' contains no files"),
        ("book.csv", r"book\.csv' is an Office document, .* Save the sheet as CSV"),
    ],
)
def test_file_without_a_table_is_refused(tmp_path, name, message):
    (tmp_path / "loans.csv").write_bytes(CONTENT)
    (tmp_path / "empty.csv").touch()
    (tmp_path / "empty.csv.gz").write_bytes(gzip.compress(b""))
    (tmp_path / "two.zip").write_bytes(_zip(a=b"1", b=b"2"))
    (tmp_path / "none.zip").write_bytes(_zip())
    (tmp_path / "book.csv").write_bytes(_zip(**{"[Content_Types].xml": b"", "xl/a": b""}))
    with pytest.raises(InputError, match=message):
        open_source(tmp_path / name)
