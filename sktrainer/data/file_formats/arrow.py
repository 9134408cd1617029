"""Parquet files and Feather files (the IPC format of Arrow)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
import pandas as pd

from sktrainer._optional import require
from sktrainer.data.file_formats.csv_columns import MAX_EXACT_FLOAT64, string_column
from sktrainer.data.file_formats.streams import Source
from sktrainer.exceptions import InputError

_SCAN_ROWS = 100_000

# pandas stores an index without a name as a column of this name.
_INDEX = re.compile(r"__index_level_\d+__")


class ArrowFile:
    """A Parquet or Feather file.

    Integers and truth values have the same type in all chunks, whether or not a chunk
    contains missing values. Columns of categories have the same categories.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    """

    def __init__(self, source: Source, *, is_parquet: bool) -> None:
        require("pyarrow", "parquet")
        self.source = source
        self.is_parquet = is_parquet

    def read(self) -> pd.DataFrame:
        """Return all rows."""
        return pd.concat(self.chunks(_SCAN_ROWS), ignore_index=True)

    def chunks(self, n_rows: int) -> Iterator[pd.DataFrame]:
        """Yield the rows in tables of at most `n_rows` rows, with the same types in each."""
        types = self._scan()
        with self._open() as file:
            for batch in _batches(file, [*types], n_rows):
                yield pd.DataFrame(
                    {
                        name: _convert(batch.column(position), dtype)
                        for position, (name, dtype) in enumerate(types.items())
                    }
                )

    @contextmanager
    def _open(self) -> Iterator[Any]:
        pyarrow = require("pyarrow", "parquet")
        with self.source.open() as stream:
            try:
                yield _open_parquet(stream) if self.is_parquet else _open_feather(stream)
            except pyarrow.ArrowException as error:
                kind = "Parquet" if self.is_parquet else "Feather"
                text = " ".join(str(error).split())[:200]
                raise InputError(
                    f"{self.source.name} is not a valid {kind} file, or it is damaged: {text}"
                ) from error

    def _scan(self) -> dict[str, Any]:
        """Return the type of each column: a name, a CategoricalDtype, or None for any other."""
        import pyarrow as pa

        with self._open() as file:
            schema = _schema_of(file)
            fields = [field for field in schema if not _INDEX.fullmatch(field.name)]
            names = [field.name for field in fields]
            repeated = sorted({name for name in names if names.count(name) > 1})
            if repeated:
                raise InputError(
                    f"{self.source.name} has several columns named {repeated[0]!r}. Rename them"
                )
            unclear = {
                field.name: _Facts()
                for field in fields
                if pa.types.is_integer(field.type)
                or pa.types.is_boolean(field.type)
                or pa.types.is_dictionary(field.type)
            }
            n_rows = 0
            for batch in _batches(file, [*unclear] or names[:1], _SCAN_ROWS):
                n_rows += batch.num_rows
                for position, facts in enumerate(unclear.values()):
                    facts.note(batch.column(position))
        if not n_rows:
            raise InputError(f"{self.source.name} has no rows. Pass a table with rows")
        return {
            field.name: unclear[field.name].dtype(field.type) if field.name in unclear else None
            for field in fields
        }


def _open_parquet(stream: IO[bytes]) -> Any:
    parquet = require("pyarrow.parquet", "parquet")
    return parquet.ParquetFile(stream)


def _open_feather(stream: IO[bytes]) -> Any:
    ipc = require("pyarrow.ipc", "parquet")
    head = stream.read(6)
    stream.seek(0)
    return ipc.open_file(stream) if head == b"ARROW1" else ipc.open_stream(stream)


def parquet_columns(path: str) -> list[str]:
    """Return the column names of a Parquet file."""
    schema = require("pyarrow.parquet", "parquet").read_schema(path)
    return [name for name in schema.names if not _INDEX.fullmatch(name)]


def _schema_of(file: Any) -> Any:
    return file.schema_arrow if hasattr(file, "schema_arrow") else file.schema


def _batches(file: Any, names: list[str], n_rows: int) -> Iterator[Any]:
    """Yield record batches of at most `n_rows` rows with the named columns."""
    if hasattr(file, "iter_batches"):
        yield from file.iter_batches(batch_size=n_rows, columns=names)
        return
    is_seekable = hasattr(file, "num_record_batches")
    batches = map(file.get_batch, range(file.num_record_batches)) if is_seekable else iter(file)
    for batch in batches:
        part = batch.select(names)
        for start in range(0, part.num_rows, n_rows):
            yield part.slice(start, n_rows)


class _Facts:
    """Missing values, range and categories of a column."""

    def __init__(self) -> None:
        self.has_missing = False
        self.is_exact = True
        self.categories: dict[Any, None] = {}

    def note(self, values: Any) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        self.has_missing |= values.null_count > 0
        if pa.types.is_dictionary(values.type):
            self.categories |= dict.fromkeys(values.dictionary.to_pylist())
        elif pa.types.is_integer(values.type):
            ends = pc.min_max(values).as_py()
            self.is_exact &= all(
                abs(end) <= MAX_EXACT_FLOAT64 for end in ends.values() if end is not None
            )

    def dtype(self, arrow_type: Any) -> Any:
        import pyarrow as pa

        if pa.types.is_dictionary(arrow_type):
            self.categories.pop(None, None)
            return pd.CategoricalDtype([*self.categories], ordered=arrow_type.ordered)
        if pa.types.is_boolean(arrow_type):
            return "boolean" if self.has_missing else "bool"
        name = arrow_type.to_pandas_dtype()().dtype.name
        if not self.has_missing:
            return name
        return "float64" if self.is_exact else name.replace("i", "I").replace("uI", "UI")


def _convert(values: Any, dtype: Any) -> Any:
    """Convert a column of Arrow to pandas."""
    import pyarrow as pa

    if isinstance(dtype, pd.CategoricalDtype):
        return pd.Categorical(values.to_pylist(), dtype=dtype)
    kind = values.type
    if dtype in ("Int64", "UInt64", "boolean"):
        return pd.array(values.to_pylist(), dtype=dtype)
    if pa.types.is_null(kind):
        return np.full(len(values), np.nan)
    if pa.types.is_decimal(kind):
        values = values.cast(pa.float64())
    if pa.types.is_date(kind):
        values = values.cast(pa.timestamp("s" if kind.bit_width == 32 else "ms"))
    series = values.to_pandas()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return string_column(series.where(series.notna(), np.nan))
    return series if dtype is None else series.astype(dtype)
