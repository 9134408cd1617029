"""Table values as bytes that are the same in every process."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import math
import struct
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.exceptions import InputError

__all__ = [
    "MISSING",
    "ROWS_PER_BLOCK",
    "arrow_string_bytes",
    "length_prefixed",
    "object_column_bytes",
    "string_bytes",
    "value_bytes",
]


ROWS_PER_BLOCK = 65_536


MISSING = -1  # in place of the length of a string or the code of a category


def length_prefixed(pieces: Iterable[bytes]) -> bytes:
    """Join byte strings, each preceded by its length so that the result is unambiguous.

    Examples
    --------
    >>> length_prefixed([b"a", b"bc"]) == length_prefixed([b"ab", b"c"])
    False
    """
    return b"".join(struct.pack("<q", len(piece)) + piece for piece in pieces)


def string_bytes(cells: Sequence[str | None]) -> bytes:
    """Return strings (or None if missing) as bytes: their UTF-8 lengths, then contents."""
    text = "".join(cell for cell in cells if cell is not None)
    known: Sequence[str | bytes | None] = cells
    if not text.isascii():  # in ASCII, the number of characters is the number of bytes
        known = [None if cell is None else _utf8(cell) for cell in cells]
    lengths = (MISSING if cell is None else len(cell) for cell in known)
    return np.fromiter(lengths, "<i8", len(cells)).tobytes() + _utf8(text)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # lone surrogates are valid in a str


def arrow_string_bytes(texts: Any) -> list[Any]:
    """Return the same bytes as `string_bytes` for an Arrow string array, without a copy."""
    wide = str(texts.type).startswith("large")
    _, ends, text = texts.buffers()
    bounds = np.frombuffer(ends, "<i8" if wide else "<i4")
    bounds = bounds[texts.offset : texts.offset + len(texts) + 1]
    lengths = np.diff(bounds).astype("<i8")
    if texts.null_count:
        missing = np.asarray(texts.is_null())
        # Arrow allows arbitrary bytes behind a null; they must not count.
        if lengths[missing].any():
            return [string_bytes(texts.to_pylist())]
        lengths[missing] = MISSING
    held = b"" if text is None else memoryview(text)[bounds[0] : bounds[-1]]
    return [lengths.tobytes(), held]


def object_column_bytes(cells: Sequence[Any]) -> bytes:
    """Return the values of an object column as bytes, with a fast path for strings."""
    if all(type(cell) is str for cell in cells):
        return b"text" + string_bytes(cells)
    return b"cell" + length_prefixed(map(value_bytes, cells))


def value_bytes(cell: Any) -> bytes:
    """Return the type and value of a single table value as bytes.

    Types count: 1, 1.0, True and "1" differ, and so do None, NaN, NA and NaT.

    Raises
    ------
    InputError
        If the type has no known byte form that is the same in every process.

    Examples
    --------
    >>> value_bytes(1) == value_bytes(1.0), value_bytes("a")
    (False, b'str:a')
    """
    exact = _EXACT.get(type(cell))
    if exact is not None:
        return exact(cell)
    if cell is pd.NA or cell is pd.NaT:
        return f"missing:{cell}".encode()
    for kind, encode in _BY_KIND:
        if isinstance(cell, kind):
            return encode(cell)
    raise InputError(
        f"a value of type {type(cell).__module__}.{type(cell).__qualname__} cannot be "
        "fingerprinted; convert the column to strings or numbers"
    )


def _float(cell: float) -> bytes:
    return b"float:" + (b"nan" if math.isnan(cell) else struct.pack("<d", cell))


def _of_array(cell: Any) -> bytes:
    array = np.asarray(cell)
    head = f"array:{array.dtype.str}{array.shape}:".encode()
    if array.dtype.hasobject:
        return head + length_prefixed(map(value_bytes, array.ravel().tolist()))
    if array.dtype.char in "gG":  # long doubles have undefined padding bytes
        return head + length_prefixed(repr(value).encode() for value in array.ravel())
    return head + array.tobytes()


def _of_scalar(cell: np.generic) -> bytes:
    if isinstance(cell, (np.floating, np.complexfloating)) and np.isnan(cell):
        return f"array:{cell.dtype.str}:nan".encode()
    return _of_array(cell)


def _sequence(name: str) -> Callable[[Any], bytes]:
    return lambda cell: name.encode() + b":" + length_prefixed(map(value_bytes, cell))


def _unordered(cell: Any) -> bytes:
    return b"set:" + length_prefixed(sorted(map(value_bytes, cell)))


def _mapping(cell: dict[Any, Any]) -> bytes:
    pairs = (length_prefixed([value_bytes(k), value_bytes(v)]) for k, v in cell.items())
    return b"dict:" + length_prefixed(sorted(pairs))


def _datetime_bytes(cell: dt.datetime | dt.time) -> bytes:
    zone = "" if cell.tzinfo is None else str(cell.tzinfo)
    return f"{type(cell).__name__}:{cell.isoformat()}[{zone}]".encode()


def _interval(cell: Any) -> bytes:
    ends = [value_bytes(cell.left), value_bytes(cell.right)]
    return b"interval:" + length_prefixed([cell.closed.encode(), *ends])


def _named(cell: Any) -> bytes:
    return f"{type(cell).__name__}:{cell!s}".encode()


_EXACT: dict[type, Callable[[Any], bytes]] = {
    str: lambda cell: b"str:" + _utf8(cell),
    float: _float,
    int: lambda cell: f"int:{cell:x}".encode(),
    bool: lambda cell: f"bool:{cell}".encode(),
    type(None): lambda cell: b"missing:None",
    bytes: lambda cell: b"bytes:" + cell,
}


# The order matters: a type comes before the types that it inherits from.
_BY_KIND: tuple[tuple[Any, Callable[[Any], bytes]], ...] = (
    (enum.Enum, lambda cell: f"enum:{type(cell).__qualname__}.{cell.name}".encode()),
    (np.generic, _of_scalar),
    (str, _EXACT[str]),
    (np.ndarray, _of_array),
    (pd.Timedelta, lambda cell: b"timedelta:" + cell.isoformat().encode()),
    ((dt.datetime, dt.time), _datetime_bytes),
    (dt.date, lambda cell: b"date:" + cell.isoformat().encode()),
    (dt.timedelta, lambda cell: f"timedelta:{cell!r}".encode()),
    (pd.Period, lambda cell: f"period:{cell.freqstr}:{cell.ordinal}".encode()),
    (pd.Interval, _interval),
    ((decimal.Decimal, fractions.Fraction, uuid.UUID, complex), _named),
    (int, lambda cell: f"int:{int(cell):x}".encode()),
    (float, _float),
    (dict, _mapping),
    ((set, frozenset), _unordered),
    (tuple, _sequence("tuple")),
    (list, _sequence("list")),
    (bytearray, lambda cell: b"bytes:" + bytes(cell)),
)
