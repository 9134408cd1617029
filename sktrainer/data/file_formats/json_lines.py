"""JSON lines: one object per line, whose keys are the column names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.data.file_formats.csv_columns import MAX_EXACT_FLOAT64, string_column
from sktrainer.data.file_formats.streams import Source
from sktrainer.exceptions import InputError

_SCAN_ROWS = 20_000


class JsonLinesFile:
    r"""A file of JSON lines, whose column types are detected when it is read.

    Examples
    --------
    >>> import io
    >>> content = b'{"id": "007", "size": 1}\n{"id": null, "size": 2.5}\n'
    >>> JsonLinesFile(Source("a.jsonl", ".jsonl", lambda: io.BytesIO(content))).read()
        id  size
    0  007   1.0
    1  NaN   2.5
    """

    def __init__(self, source: Source) -> None:
        self.source = source

    def read(self) -> pd.DataFrame:
        """Return all rows."""
        return pd.concat(self.chunks(_SCAN_ROWS), ignore_index=True)

    def chunks(self, n_rows: int) -> Iterator[pd.DataFrame]:
        """Yield the rows in tables of at most `n_rows` rows, with the same types in each."""
        types = self._scan()
        rows = self._rows()
        while chunk := [*islice(rows, n_rows)]:
            yield pd.DataFrame(
                {
                    name: _convert([row.get(name) for row in chunk], dtype)
                    for name, dtype in types.items()
                }
            )

    def _scan(self) -> dict[str, str]:
        """Return the type of each column, in the order in which they first occur."""
        facts: dict[str, _Facts] = {}
        n_rows = 0
        for row in self._rows():
            for name, value in row.items():
                column = facts.get(name)
                if column is None:
                    column = facts[name] = _Facts()
                column.note(value)
            n_rows += 1
        if not facts:
            raise InputError(f"{self.source.name} has no rows. Pass one JSON object per line")
        return {name: column.dtype(n_rows) for name, column in facts.items()}

    def _rows(self) -> Iterator[dict[str, Any]]:
        name = self.source.name
        with self.source.open() as stream:
            for number, line in enumerate(stream, start=1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line.removeprefix(b"\xef\xbb\xbf"))
                except ValueError as error:
                    raise InputError(
                        f"{name}, line {number}: not valid JSON ({error}). Write one JSON "
                        "object per line"
                    ) from error
                if not isinstance(row, dict):
                    raise InputError(
                        f"{name}, line {number}: expected a JSON object, got a "
                        f"{type(row).__name__}. Write one object per line, such as "
                        '{"age": 31, "city": "Rome"}'
                    )
                for key, value in row.items():
                    if isinstance(value, list | dict):
                        raise InputError(
                            f"{name}, line {number}: {key!r} contains a {type(value).__name__}."
                            " A column of a table has one number, string or truth value per row"
                        )
                yield row


class _Facts:
    """What is known about the values of a key."""

    def __init__(self) -> None:
        self.kinds: set[type] = set()
        self.n_present = 0
        self.smallest = self.largest = 0

    def note(self, value: Any) -> None:
        if value is None or value != value:  # NaN is no JSON, but Python writes it
            return
        self.n_present += 1
        self.kinds.add(type(value))
        if type(value) is int:
            self.smallest, self.largest = min(self.smallest, value), max(self.largest, value)

    def dtype(self, n_rows: int) -> str:
        is_complete = self.n_present == n_rows
        if self.kinds == {bool}:
            return "bool" if is_complete else "boolean"
        if self.kinds == {str}:
            return "str"
        if not self.kinds <= {int, float}:
            return "object"
        exact = max(-self.smallest, self.largest) <= MAX_EXACT_FLOAT64
        if self.kinds == {int} and (is_complete or not exact):
            return _integer_type(self.smallest, self.largest, is_complete)
        return "float64" if exact or float in self.kinds else "object"


def _integer_type(smallest: int, largest: int, is_complete: bool) -> str:
    for name, nullable in (("int64", "Int64"), ("uint64", "UInt64")):
        limits = np.iinfo(name)
        if limits.min <= smallest and largest <= limits.max:
            return name if is_complete else nullable
    return "object"


def _convert(values: Sequence[Any], dtype: str) -> Any:
    if dtype == "float64":
        return np.array([np.nan if value is None else float(value) for value in values])
    if dtype == "str":
        is_missing = (value is None or value != value for value in values)
        return string_column(
            np.nan if missing else value
            for value, missing in zip(values, is_missing, strict=True)
        )
    return pd.Series(values, dtype=dtype)
