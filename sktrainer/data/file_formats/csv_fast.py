"""Fast reading of CSV files with pandas, where its types are certain to be right.

pandas drops leading zeros, rounds long integers and fills short rows without a sign. The
bytes of the file show whether one of these may occur. Such a file is read by `csv_file`
instead, whose result is the same for all other files.
"""

from __future__ import annotations

import io
import itertools
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
import pandas as pd

from sktrainer.data.file_formats.csv_columns import MISSING, ColumnFormat, ColumnScan
from sktrainer.data.file_formats.csv_dialect import CsvDialect
from sktrainer.data.file_formats.streams import Source

_SCAN_ROWS = 100_000

# pandas 3.1 parses floats exactly by default and deprecates the parameter.
_IS_EXACT = tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1)


_DIGITS = np.isin(np.arange(256), [*b"0123456789"])
_SIGNS = np.isin(np.arange(256), [*b"+-"])
_LONG = 16  # digits of the first integers that float64 does not represent exactly


class _Watch(io.RawIOBase):
    """Stream that checks the bytes of a CSV file while they are read."""

    def __init__(self, stream: IO[bytes], delimiter: str) -> None:
        self.stream = stream
        self.is_suspicious = False
        self.n_delimiters = self.n_quotes = 0
        self._delimiter = delimiter.encode()
        ends = self._delimiter + b'\r\n" '
        self._is_end = np.isin(np.arange(256), [*ends])
        end, edge = re.escape(ends), re.escape(self._delimiter + b"\r\n")
        # A number with leading zeros, or a long integer.
        self._code = re.compile(
            rb"(?:0[0-9]+(?:\.[0-9]*)?|[0-9]{%d,})(?:[eE][+-]?[0-9]+)?[%b]" % (_LONG, end)
        )
        self._quote_in_field = re.compile(rb'[^"%b]"[^"%b]' % (edge, edge))
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self.stream.read(len(buffer))
        buffer[: len(block)] = block
        if not self.is_suspicious:
            self._check(block)
        return len(block)

    def _check(self, block: bytes) -> None:
        text = self._rest + (block or b"\n")
        end = text.rfind(b"\n") + 1
        text, self._rest = text[:end], text[end:]  # the last line may be incomplete
        self.n_delimiters += text.count(self._delimiter)
        n_quotes = text.count(b'"')
        self.n_quotes += n_quotes
        self.is_suspicious = (
            len(self._rest) > len(block) > 0  # lines end in another character, or never
            or self._has_code(text)
            or (n_quotes > 0 and self._quote_in_field.search(text) is not None)
        )

    def _has_code(self, text: bytes) -> bool:
        """Return whether a field is a number that pandas would change."""
        content = np.frombuffer(b"\n" + text + b"\n" * (_LONG + 2), dtype=np.uint8)
        starts = np.flatnonzero(self._is_end[content[: len(text)]]) + 1
        starts += _SIGNS[content[starts]]
        numbers = starts[_DIGITS[content[starts]] & _DIGITS[content[starts + 1]]]
        codes = numbers[content[numbers] == ord("0")]
        for offset in range(_LONG - 1, 1, -1):
            numbers = numbers[_DIGITS[content[numbers + offset]]]
        # Text such as 01/02/2024 starts like a code.
        return any(
            self._code.match(text, start - 1)
            for start in itertools.chain(codes.tolist(), numbers.tolist())
        )


@contextmanager
def _open(stream: Any, dialect: CsvDialect, **options: Any) -> Iterator[Any]:
    if not _IS_EXACT:
        options["float_precision"] = "round_trip"
    read: Any = pd.read_csv
    with (
        io.TextIOWrapper(stream, encoding=dialect.encoding, newline="") as text,
        read(
            text,
            sep=dialect.delimiter,
            skipinitialspace=dialect.skip_spaces,
            header=0,
            names=list(dialect.names),
            index_col=False,
            keep_default_na=False,
            na_values=sorted(MISSING),
            low_memory=False,
            **options,
        ) as chunks,
    ):
        yield chunks


def scan_fast(
    source: Source, dialect: CsvDialect, chunks: list[pd.DataFrame] | None
) -> list[ColumnFormat] | None:
    """Return the column types; None if only reading each value as a string can show them.

    The table is appended to `chunks`, in parts, if it is not None.
    """
    if dialect.encoding.startswith("utf-16"):  # the bytes of a delimiter may be a letter
        return None
    types: list[set[str]] = [set() for _ in dialect.names]
    scans = [ColumnScan() for _ in dialect.names]
    n_rows, last_is_complete = 0, True
    try:
        with source.open() as stream, warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            watch = _Watch(stream, dialect.delimiter)
            with _open(io.BufferedReader(watch), dialect, chunksize=_SCAN_ROWS) as parts:
                for chunk in parts:
                    n_rows += len(chunk)
                    for found, scan, name in zip(types, scans, dialect.names, strict=True):
                        found.add(_type_of(chunk[name], scan))
                    last_is_complete &= not chunk.iloc[:, -1].isna().any()
                    if watch.is_suspicious:
                        return None
                    if chunks is not None:
                        chunks.append(chunk)
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError):
        return None  # the other reader explains what is wrong
    n_expected = (n_rows + 1) * (len(dialect.names) - 1)
    is_complete = last_is_complete if watch.n_quotes else watch.n_delimiters == n_expected
    if watch.is_suspicious or not is_complete or not n_rows:
        return None
    formats = [_format_of(found, scan) for found, scan in zip(types, scans, strict=True)]
    certain = [form for form in formats if form is not None]
    return certain if len(certain) == len(formats) else None


def _type_of(values: pd.Series[Any], scan: ColumnScan) -> str:
    """Return the type of a chunk of a column."""
    if values.dtype.kind in "ib":
        return str(values.dtype)
    if values.dtype.kind == "f":
        present = values.notna()
        if not present.any():
            return "empty"
        return "other" if np.isinf(values).any() else "float64"
    strings = values.dropna()
    if pd.api.types.infer_dtype(strings) not in ("string", "empty"):
        return "other"
    scan.update(strings.tolist())
    return "str"


def _format_of(found: set[str], scan: ColumnScan) -> ColumnFormat | None:
    if found <= {"int64"} or found == {"bool"}:
        return ColumnFormat("int64" if "int64" in found else "bool")
    if found <= {"int64", "float64", "empty"}:
        return ColumnFormat("float64")
    is_text = scan.decimal is None and scan.format(".") == ColumnFormat("str")
    return ColumnFormat("str") if found <= {"str", "empty"} and is_text else None


def read_fast(
    source: Source, dialect: CsvDialect, formats: Sequence[ColumnFormat], n_rows: int
) -> Iterator[pd.DataFrame]:
    """Yield tables of at most `n_rows` rows with the given types."""
    types = {name: form.dtype for name, form in zip(dialect.names, formats, strict=True)}
    with (
        source.open() as stream,
        _open(stream, dialect, chunksize=n_rows, dtype=types) as chunks,
    ):
        yield from chunks


def with_types(
    chunks: Sequence[pd.DataFrame], dialect: CsvDialect, formats: Sequence[ColumnFormat]
) -> pd.DataFrame:
    """Return the parts of a scanned table as one table with the given types."""
    types = {name: form.dtype for name, form in zip(dialect.names, formats, strict=True)}
    return pd.concat([chunk.astype(types) for chunk in chunks], ignore_index=True)
