"""Writers of tables, batch by batch."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import pandas as pd

from sktrainer._optional import require
from sktrainer.exceptions import InputError

Write = Callable[[pd.DataFrame], None]


@contextmanager
def csv_writer(stream: IO[str]) -> Iterator[Write]:
    """Yield a function that appends the rows of a table to a stream as CSV."""
    is_first = True

    def write(frame: pd.DataFrame) -> None:
        nonlocal is_first
        frame.to_csv(stream, index=False, header=is_first, lineterminator="\n")
        is_first = False

    yield write


@contextmanager
def text_writer(path: Path, *, is_csv: bool, compress: bool) -> Iterator[Write]:
    """Yield a function that appends the rows of a table to a CSV or JSON lines file."""
    with ExitStack() as stack:
        if compress:
            # Without name and time of the file, equal tables give equal files.
            raw = stack.enter_context(path.open("wb"))
            packed = stack.enter_context(gzip.GzipFile("", "wb", fileobj=raw, mtime=0))
            binary: Any = packed
        else:
            binary = stack.enter_context(path.open("wb"))
        stream = stack.enter_context(io.TextIOWrapper(binary, encoding="utf-8", newline=""))
        writer = csv_writer if is_csv else json_writer
        yield stack.enter_context(writer(stream))


@contextmanager
def json_writer(stream: IO[str]) -> Iterator[Write]:
    """Yield a function that appends the rows of a table to a stream as JSON lines."""

    def write(frame: pd.DataFrame) -> None:
        columns = [
            values.astype(object).where(values.notna(), None) for _, values in frame.items()
        ]
        names = [str(name) for name in frame.columns]
        for values in zip(*columns, strict=True):
            row = {name: _plain(value) for name, value in zip(names, values, strict=True)}
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")

    yield write


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)


def check_arrow() -> None:
    """Raise an ImportError if pyarrow is not installed."""
    require("pyarrow", "parquet")


@contextmanager
def arrow_writer(path: Path, *, is_parquet: bool) -> Iterator[Write]:
    """Yield a function that appends the rows of a table to a Parquet or Feather file."""
    pyarrow = require("pyarrow", "parquet")
    with ExitStack() as stack:
        writer: Any = None
        schema: Any = None

        def write(frame: pd.DataFrame) -> None:
            nonlocal writer, schema
            try:
                table = pyarrow.Table.from_pandas(frame, schema=schema, preserve_index=False)
            except pyarrow.ArrowException as error:
                text = " ".join(map(str, error.args))
                raise InputError(
                    f"a column contains values of several types ({text}). Write a CSV or JSON "
                    "lines file"
                ) from error
            if writer is None:
                schema = table.schema
                writer = stack.enter_context(_open_arrow(path, schema, is_parquet))
            writer.write_table(table)

        yield write


def _open_arrow(path: Path, schema: Any, is_parquet: bool) -> Any:
    if is_parquet:
        return require("pyarrow.parquet", "parquet").ParquetWriter(path, schema)
    return require("pyarrow.ipc", "parquet").new_file(path, schema)
