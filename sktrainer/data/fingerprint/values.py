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


def string_bytes(values: Sequence[str | None]) -> bytes:
    """Return strings (or None if missing) as bytes: their UTF-8 lengths, then contents."""
    text = "".join(value for value in values if value is not None)
    known: Sequence[str | bytes | None] = values
    if not text.isascii():  # in ASCII, the number of characters is the number of bytes
        known = [None if value is None else _utf8(value) for value in values]
    lengths = (MISSING if value is None else len(value) for value in known)
    return np.fromiter(lengths, "<i8", len(values)).tobytes() + _utf8(text)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # lone surrogates are valid in a str


def arrow_string_bytes(strings: Any) -> list[Any]:
    """Return the same bytes as `string_bytes` for an Arrow string array, without a copy."""
    wide = str(strings.type).startswith("large")
    _, ends, text = strings.buffers()
    bounds = np.frombuffer(ends, "<i8" if wide else "<i4")
    bounds = bounds[strings.offset : strings.offset + len(strings) + 1]
    lengths = np.diff(bounds).astype("<i8")
    if strings.null_count:
        missing = np.asarray(strings.is_null())
        # Arrow allows arbitrary bytes behind a null; they must not count.
        if lengths[missing].any():
            return [string_bytes(strings.to_pylist())]
        lengths[missing] = MISSING
    used = b"" if text is None else memoryview(text)[bounds[0] : bounds[-1]]
    return [lengths.tobytes(), used]


def object_column_bytes(values: Sequence[Any]) -> bytes:
    """Return the values of an object column as bytes, with a fast path for strings."""
    if all(type(value) is str for value in values):
        return b"text" + string_bytes(values)
    return b"cell" + length_prefixed(map(value_bytes, values))


def value_bytes(value: object) -> bytes:
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
    exact = _BY_EXACT_TYPE.get(type(value))
    if exact is not None:
        return exact(value)
    if value is pd.NA or value is pd.NaT:
        return f"missing:{value}".encode()
    for types, encode in _BY_BASE_TYPE:
        if isinstance(value, types):
            return encode(value)
    raise InputError(
        f"a value of type {type(value).__module__}.{type(value).__qualname__} cannot be "
        "fingerprinted; convert the column to strings or numbers"
    )


def _float_bytes(value: float) -> bytes:
    return b"float:" + (b"nan" if math.isnan(value) else struct.pack("<d", value))


def _array_bytes(value: object) -> bytes:
    array = np.asarray(value)
    head = f"array:{array.dtype.str}{array.shape}:".encode()
    if array.dtype.hasobject:
        return head + length_prefixed(map(value_bytes, array.ravel().tolist()))
    if array.dtype.char in "gG":  # long doubles have undefined padding bytes
        return head + length_prefixed(repr(value).encode() for value in array.ravel())
    return head + array.tobytes()


def _scalar_bytes(value: np.generic) -> bytes:
    if isinstance(value, (np.floating, np.complexfloating)) and np.isnan(value):
        return f"array:{value.dtype.str}:nan".encode()
    return _array_bytes(value)


def _sequence_bytes(name: str) -> Callable[[Any], bytes]:
    return lambda value: name.encode() + b":" + length_prefixed(map(value_bytes, value))


def _dict_bytes(value: dict[Any, Any]) -> bytes:
    pairs = (length_prefixed([value_bytes(k), value_bytes(v)]) for k, v in value.items())
    return b"dict:" + length_prefixed(sorted(pairs))


def _datetime_bytes(value: dt.datetime | dt.time) -> bytes:
    zone = "" if value.tzinfo is None else str(value.tzinfo)
    return f"{type(value).__name__}:{value.isoformat()}[{zone}]".encode()


def _interval_bytes(value: pd.Interval[Any]) -> bytes:
    ends = [value_bytes(value.left), value_bytes(value.right)]
    return b"interval:" + length_prefixed([value.closed.encode(), *ends])


_BY_EXACT_TYPE: dict[type, Callable[[Any], bytes]] = {
    str: lambda value: b"str:" + _utf8(value),
    float: _float_bytes,
    int: lambda value: f"int:{value:x}".encode(),
    bool: lambda value: f"bool:{value}".encode(),
    type(None): lambda value: b"missing:None",
    bytes: lambda value: b"bytes:" + value,
}

# The order matters: a type comes before the types that it inherits from.
_BY_BASE_TYPE: tuple[tuple[Any, Callable[[Any], bytes]], ...] = (
    (enum.Enum, lambda value: f"enum:{type(value).__qualname__}.{value.name}".encode()),
    (np.generic, _scalar_bytes),
    (str, _BY_EXACT_TYPE[str]),
    (np.ndarray, _array_bytes),
    (pd.Timedelta, lambda value: b"timedelta:" + value.isoformat().encode()),
    ((dt.datetime, dt.time), _datetime_bytes),
    (dt.date, lambda value: b"date:" + value.isoformat().encode()),
    (dt.timedelta, lambda value: f"timedelta:{value!r}".encode()),
    (pd.Period, lambda value: f"period:{value.freqstr}:{value.ordinal}".encode()),
    (pd.Interval, _interval_bytes),
    (
        (decimal.Decimal, fractions.Fraction, uuid.UUID, complex),
        lambda value: f"{type(value).__name__}:{value!s}".encode(),
    ),
    (int, lambda value: f"int:{int(value):x}".encode()),
    (float, _float_bytes),
    (dict, _dict_bytes),
    (
        (set, frozenset),
        lambda value: b"set:" + length_prefixed(sorted(map(value_bytes, value))),
    ),
    (tuple, _sequence_bytes("tuple")),
    (list, _sequence_bytes("list")),
    (bytearray, lambda value: b"bytes:" + bytes(value)),
)
