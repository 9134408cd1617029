"""Tables in files: CSV, Parquet, Feather and JSON lines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pandas as pd

from sktrainer.data.file_formats.streams import Source, open_source
from sktrainer.data.file_formats.writers import Write, arrow_writer, check_arrow, text_writer
from sktrainer.exceptions import DataWarning, InputError, warn_caller
from sktrainer.files.atomic_write import atomic_write
from sktrainer.files.paths import as_path

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".feather": "feather",
    ".arrow": "feather",
    ".ipc": "feather",
    ".jsonl": "json",
    ".ndjson": "json",
}
_NAMES = {"csv": "CSV", "parquet": "Parquet", "feather": "Feather", "json": "JSON lines"}
_SUFFIXES = {"csv": ".csv", "parquet": ".parquet", "feather": ".feather", "json": ".jsonl"}

#: First bytes of binary files.
_SIGNATURES = {
    b"PAR1": "parquet",
    b"ARROW1": "feather",
    b"\xff\xff\xff\xff": "feather",
}
_OTHER_SIGNATURES = {
    b"FEA1": "a Feather file of version 1. Write it again with a recent version of its program",
    b"\xd0\xcf\x11\xe0": "an Excel file. Save the sheet as CSV",
    b"SQLite": "a database. Export the table as CSV",
    b"\x89HDF": "an HDF5 file. Save the table as Parquet or CSV",
    b"\x93NUMPY": "a NumPy array. Save the table as Parquet or CSV",
    b"%PDF": "a PDF document. Pass a CSV, Parquet, Feather or JSON lines file",
}


def _warn(text: str) -> None:
    warn_caller(text, DataWarning)


class TableFile(Protocol):
    """An input file of any format."""

    def read(self) -> pd.DataFrame:
        """Return all rows."""

    def chunks(self, n_rows: int) -> Iterator[pd.DataFrame]:
        """Yield the rows in tables of at most `n_rows` rows, with the same types in each."""


def read_table(path: str | os.PathLike[str]) -> pd.DataFrame:
    r"""Read a table from a file.

    Parameters
    ----------
    path : path-like
        A CSV file (``.csv``, ``.tsv``, ``.txt``, also compressed with gzip, bzip2, xz, zip or
        zstandard), a Parquet file (``.parquet``), a Feather file (``.feather``, ``.arrow``),
        JSON lines (``.jsonl``, ``.ndjson``), or "-" for standard input. Delimiter, encoding,
        decimal sign and separators of thousands of a CSV file are detected. Codes with leading
        zeros, and integers that no number type holds exactly, are read as strings.

    Returns
    -------
    DataFrame

    Warns
    -----
    DataWarning
        If a CSV file is not in the standard notation, for example has another delimiter.

    Raises
    ------
    InputError
        If there is no such file, or it does not contain one table with names and rows.
    ImportError
        If the format needs pyarrow: ``pip install "sktrainer[parquet]"``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.csv"
    ...     _ = path.write_text("zip,size\n00123,1.5\n98178,2\n")
    ...     frame = read_table(path)
    >>> frame
         zip  size
    0  00123   1.5
    1  98178   2.0
    """
    return open_table(path).read()


def read_batches(path: str | os.PathLike[str], n_rows: int = 100_000) -> Iterator[pd.DataFrame]:
    """Read a table in batches; a column has the same type in every batch.

    The file is read twice, because all values decide the types. The memory that is used depends
    on `n_rows` only. The parameters are those of `read_table`; a batch has at most `n_rows`
    rows, and the index continues over the batches.

    Raises
    ------
    InputError
        As in `read_table`.
    """
    start = 0
    for frame in open_table(path).chunks(n_rows):
        frame.index = pd.RangeIndex(start, start + len(frame))
        start += len(frame)
        yield frame


def open_table(path: str | os.PathLike[str]) -> TableFile:
    """Open an input file; its format is that of its suffix and must be that of its content.

    Raises
    ------
    InputError
        If there is no such file, its format is not known, or its suffix is wrong.
    """
    source = open_source(path)
    kind = _detect_format(source)
    # The readers are imported here, because a program needs only one of them.
    if kind == "json":
        from sktrainer.data.file_formats.json_lines import JsonLinesFile

        return JsonLinesFile(source)
    if kind == "csv":
        from sktrainer.data.file_formats.csv_file import CsvFile

        return CsvFile(source, _warn)
    from sktrainer.data.file_formats.arrow import ArrowFile

    return ArrowFile(source, is_parquet=kind == "parquet")


def _detect_format(source: Source) -> str:
    head = source.head(64)
    for signature, what in _OTHER_SIGNATURES.items():
        if head.startswith(signature):
            raise InputError(f"{source.name} is {what}")
    binary = next((kind for mark, kind in _SIGNATURES.items() if head.startswith(mark)), None)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    content = binary or ("json" if text.startswith(b"{") else "csv")
    if source.suffix:
        declared = FORMATS.get(source.suffix)
        if declared is None:
            hint = ""
            if source.suffix == ".json" and content == "json":
                hint = ". Rename it to .jsonl if it has one JSON object per line"
            raise InputError(
                f"{source.name} has the suffix {source.suffix!r}, expected one of "
                f"{', '.join(FORMATS)}{hint}"
            )
        # The header of a CSV file may start with a brace.
        if declared != content and not (declared == "csv" and content == "json"):
            raise InputError(_wrong_suffix(source, declared, binary))
        content = declared
    if binary and source.compression:
        raise InputError(f"{source.name} is a compressed {_NAMES[content]} file. Decompress it")
    return content


def _wrong_suffix(source: Source, declared: str, content: str | None) -> str:
    if content is None:
        return (
            f"{source.name} is not a {_NAMES[declared]} file, although its suffix is "
            f"{source.suffix!r}. Pass a {_NAMES[declared]} file, or correct the suffix"
        )
    return (
        f"{source.name} is a {_NAMES[content]} file, although its suffix is "
        f"{source.suffix!r}. Rename it to {_SUFFIXES[content]}"
    )


def write_table(frame: pd.DataFrame, path: str | os.PathLike[str]) -> Path:
    """Write a table to a file, atomically.

    The index is not written. `path` is as in `open_writer`. Return the file that was written.

    Raises
    ------
    InputError
        If the suffix is not supported.
    FileWriteError
        If the file cannot be written.
    """
    with open_writer(path) as write:
        write(frame)
    return as_path(path)


@contextmanager
def open_writer(path: str | os.PathLike[str]) -> Iterator[Write]:
    """Yield a function that appends the rows of a table to a new file.

    The file appears under its name when the block ends without an error. Its name ends in
    ``.csv``, ``.csv.gz``, ``.jsonl``, ``.parquet`` or ``.feather``.

    Raises
    ------
    InputError
        If the suffix is another one.
    FileWriteError
        If the file cannot be written.
    ImportError
        If the format needs pyarrow: ``pip install "sktrainer[parquet]"``.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open_writer(f"{folder}/a.csv") as write:
    ...         write(pd.DataFrame({"id": ["007"], "size": [1.5]}))
    ...         write(pd.DataFrame({"id": ["010"], "size": [2.0]}))
    ...     read_table(f"{folder}/a.csv")
        id  size
    0  007   1.5
    1  010   2.0
    """
    file = as_path(path)
    suffix = check_output(file)
    with atomic_write(file) as part:
        if suffix in (".parquet", ".feather"):
            with arrow_writer(part, is_parquet=suffix == ".parquet") as write:
                yield write
        else:
            is_csv = suffix.startswith(".csv")
            with text_writer(part, is_csv=is_csv, compress=suffix == ".csv.gz") as write:
                yield write


def check_output(path: Path) -> str:
    """Return the suffix of an output file, or raise if it cannot be written in this format."""
    name = path.name.lower()
    known = (".csv", ".csv.gz", ".jsonl", ".parquet", ".feather")
    suffix = next((suffix for suffix in known if name.endswith(suffix)), None)
    if suffix is None:
        raise InputError(
            f"{str(path)!r} cannot be written: the file name must end in {', '.join(known)}"
        )
    if FORMATS.get(suffix) in ("parquet", "feather"):
        check_arrow()
    return suffix
