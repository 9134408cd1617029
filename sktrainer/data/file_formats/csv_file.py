"""CSV files in chunks of rows whose columns have the same types in every chunk."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import pandas as pd

from sktrainer.data.columns import preview_names
from sktrainer.data.file_formats.csv_columns import ColumnFormat, ColumnScan, common_decimal
from sktrainer.data.file_formats.csv_dialect import CsvDialect, detect_dialect
from sktrainer.data.file_formats.csv_fast import read_fast, scan_fast, with_types
from sktrainer.data.file_formats.streams import Source
from sktrainer.exceptions import InputError

_SCAN_ROWS = 20_000
_ENCODINGS = ("utf-8", "cp1252", "latin-1")

Note = Callable[[str], None]


class CsvFile:
    r"""A CSV file, whose notation and column types are detected when it is opened.

    `note` is called with a sentence on everything that is not standard in the file.

    Examples
    --------
    >>> import io
    >>> source = Source("a.csv", ".csv", lambda: io.BytesIO(b"id;size\n007;1,5\n010;2\n"))
    >>> CsvFile(source, print).read()
    a.csv was read with the delimiter ';' and decimal commas in the columns 'size'
        id  size
    0  007   1.5
    1  010   2.0
    """

    def __init__(self, source: Source, note: Note) -> None:
        self.source = source
        self.note = note
        self.dialect = detect_dialect(source)
        self.formats: Sequence[ColumnFormat] = ()
        self._is_fast = False

    def read(self) -> pd.DataFrame:
        """Return all rows."""
        chunks: list[pd.DataFrame] = []
        self._detect(chunks)
        if self._is_fast:
            return with_types(chunks, self.dialect, self.formats)
        return pd.concat(self._chunks(_SCAN_ROWS), ignore_index=True)

    def chunks(self, n_rows: int) -> Iterator[pd.DataFrame]:
        """Yield the rows in tables of at most `n_rows` rows, with the same types in each."""
        self._detect(None)
        if self._is_fast:
            return read_fast(self.source, self.dialect, self.formats, n_rows)
        return self._chunks(n_rows)

    def _detect(self, chunks: list[pd.DataFrame] | None) -> None:
        """Detect encoding and column types by reading all values."""
        for encoding in _ENCODINGS:
            self.dialect = detect_dialect(self.source, encoding)
            try:
                formats = scan_fast(self.source, self.dialect, chunks)
                self._is_fast = formats is not None
                self.formats = self._scan() if formats is None else formats
                break
            except UnicodeDecodeError:
                if chunks:
                    chunks.clear()
        description = _describe(self.dialect, self.formats)
        if description:
            self.note(f"{self.source.name} was read with {description}")

    def _scan(self) -> list[ColumnFormat]:
        """Return the column types that all values, read as strings, have in common."""
        scans = [ColumnScan() for _ in self.dialect.names]
        short_lines: list[int] = []
        rows, n_rows = self._rows(), 0
        while chunk := [*islice(rows, _SCAN_ROWS)]:
            n_rows += len(chunk)
            short_lines += [line for line, fields in chunk if len(fields) < len(scans)]
            columns = _columns([fields for _, fields in chunk], len(scans))
            for scan, values in zip(scans, columns, strict=True):
                scan.update(values)
        if not n_rows:
            raise InputError(
                f"{self.source.name} has a header but no rows. Pass a table with rows"
            )
        if short_lines:
            plural = "s" if len(short_lines) > 1 else ""
            self.note(
                f"{self.source.name} has {len(short_lines):,} row{plural} with fewer fields "
                f"than the header, the first in line {short_lines[0]}; the missing fields were "
                "read as missing values"
            )
        decimal = common_decimal(scans)
        return [scan.format(decimal) for scan in scans]

    def _chunks(self, n_rows: int) -> Iterator[pd.DataFrame]:
        rows = self._rows()
        while chunk := [fields for _, fields in islice(rows, n_rows)]:
            columns = _columns(chunk, len(self.formats))
            named = zip(self.dialect.names, self.formats, columns, strict=True)
            yield pd.DataFrame({name: form.convert(values) for name, form, values in named})

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the number of the last line and the fields of each row after the header."""
        width, name = len(self.dialect.names), self.source.name
        with (
            self.source.open() as stream,
            # newline="": line breaks in quoted fields belong to the value.
            io.TextIOWrapper(stream, encoding=self.dialect.encoding, newline="") as text,
        ):
            reader = csv.reader(
                text,
                delimiter=self.dialect.delimiter,
                skipinitialspace=self.dialect.skip_spaces,
                strict=True,
            )
            try:
                rows = (fields for fields in reader if not _is_blank(fields))
                next(rows)  # the header
                for fields in rows:
                    if len(fields) > width:
                        if any(fields[width:]):
                            raise InputError(_too_many(name, reader.line_num, fields, width))
                        del fields[width:]  # each line ends with a delimiter
                    yield reader.line_num, fields
            except csv.Error as error:
                raise InputError(
                    f"{name}, line {reader.line_num}: {error}. Check the quotation marks: one "
                    "inside a quoted field is written twice"
                ) from error


def _is_blank(fields: Sequence[str]) -> bool:
    # A line with only two quotation marks is a row with one empty field.
    return not fields or (len(fields) == 1 and fields[0].isspace())


def _too_many(name: str, line: int, fields: Sequence[str], width: int) -> str:
    return (
        f"{name}, line {line}: {len(fields)} fields, but the header has {width} names. Quote "
        "fields that contain the delimiter, or add the missing names to the header"
    )


def _columns(rows: Sequence[list[str]], width: int) -> list[tuple[str, ...]]:
    for fields in rows:
        if len(fields) < width:
            fields += [""] * (width - len(fields))
    return [*zip(*rows, strict=True)]


def _describe(dialect: CsvDialect, formats: Sequence[ColumnFormat]) -> str:
    """Return what is not standard in a file, or ""."""
    found = [dialect.description] if dialect.description else []
    for decimal, text in ((",", "decimal commas"), (".", "separators of thousands")):
        named = zip(dialect.names, formats, strict=True)
        names = [name for name, form in named if form.decimal == decimal]
        if names:
            found.append(f"{text} in the columns {preview_names(names)}")
    return " and ".join(found)
