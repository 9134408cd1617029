"""Lossless, human-readable JSON for tables, arrays and plain Python values.

A value without a JSON equivalent becomes an object with a single key that starts with "$":
``{"$float": "nan"}``, ``{"$tuple": [...]}``, ``{"$dict": [[key, value], ...]}``,
``{"$array": {...}}``, ``{"$series": {...}}``, ``{"$frame": {...}}``, ``{"$time": "..."}``.
Callers can add keys of their own, for example for arrays that they store in another file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.exceptions import FileFormatError

Extension = Callable[[Any], "tuple[str, Any] | None"]
"""Function that returns a "$" key and the content to write for a value, or None."""


def encode_json(
    value: object, extension: Extension | None = None, *, indent: int | None = 1
) -> bytes:
    """Write a value as JSON.

    `extension` is called with each value except None, booleans, strings and numbers of Python.
    The content that it returns for a value is encoded in turn.

    Raises
    ------
    TypeError
        If the value contains something other than plain values, arrays, tables, and values
        that the extension supports.

    Examples
    --------
    >>> import numpy as np
    >>> print(encode_json({"best": (1, float("inf"))}).decode())
    {
     "best": {
      "$tuple": [
       1,
       {
        "$float": "inf"
       }
      ]
     }
    }
    >>> decode_json(encode_json({"best": (1, float("inf"))}))
    {'best': (1, inf)}
    """
    return json.dumps(_encode(value, extension), indent=indent, ensure_ascii=False).encode()


def decode_json(data: bytes, readers: Mapping[str, Callable[[Any], Any]] | None = None) -> Any:
    """Read JSON written by `encode_json`.

    `readers` are functions that return the value for the content of an additional "$" key.

    Raises
    ------
    FileFormatError
        If the data contain an unknown "$" key.
    """
    return json.loads(data, object_hook=partial(_decode, READERS | dict(readers or {})))


def _encode(value: object, extension: Extension | None) -> Any:
    # Exact types, because np.str_ and np.float64 are subclasses of str and float.
    if value is None or isinstance(value, bool) or type(value) in (str, int):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"$float": str(value)}
    encode = partial(_encode, extension=extension)
    extended = None if extension is None else extension(value)
    if extended is not None:
        return {extended[0]: encode(extended[1])}
    if type(value) is list:
        return [encode(item) for item in value]
    if type(value) is tuple:
        return {"$tuple": [encode(item) for item in value]}
    if isinstance(value, Mapping):
        if all(type(key) is str and not key.startswith("$") for key in value):
            return {key: encode(item) for key, item in value.items()}
        return {"$dict": [[encode(key), encode(item)] for key, item in value.items()]}
    return _encode_table(value)


def _encode_table(value: object) -> Any:
    if isinstance(value, np.generic):
        return {"$array": {"dtype": value.dtype.str, "scalar": _encode(value.item(), None)}}
    if isinstance(value, np.ndarray):
        values = _encode(value.ravel().tolist(), None)
        return {
            "$array": {"dtype": value.dtype.str, "shape": list(value.shape), "values": values}
        }
    if isinstance(value, pd.Timestamp):
        return {"$time": value.isoformat()}
    if isinstance(value, pd.Series):
        entry = {"index": _encode_index(value.index), "name": _encode(value.name, None)}
        return {"$series": {**entry, **_encode_column(value)}}
    if isinstance(value, pd.DataFrame):
        return {
            "$frame": {
                "index": _encode_index(value.index),
                "columns": _encode_index(value.columns),
                "cells": [_encode_column(value.iloc[:, i]) for i in range(value.shape[1])],
            }
        }
    if isinstance(value, str):  # a subclass that is not np.generic
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _encode_column(values: pd.Series | pd.Index) -> dict[str, Any]:
    return {
        "dtype": str(values.dtype),
        "values": [_encode(value, None) for value in values.tolist()],
    }


def _encode_index(index: pd.Index) -> dict[str, Any]:
    name = _encode(index.name, None)
    if isinstance(index, pd.RangeIndex):
        return {"range": [index.start, index.stop, index.step], "name": name}
    return {**_encode_column(index), "name": name}


def _decode(readers: Mapping[str, Callable[[Any], Any]], value: dict[str, Any]) -> Any:
    """Return the value of a JSON object whose items are decoded already."""
    marks = [key for key in value if key.startswith("$")]
    if not marks:
        return value
    reader = readers.get(marks[0])
    if reader is None or len(value) > 1:
        raise FileFormatError(f"a value has the unknown key {marks[0]!r}")
    return reader(value[marks[0]])


def _decode_array(entry: dict[str, Any]) -> Any:
    dtype = np.dtype(entry["dtype"])
    if "scalar" in entry:
        return np.array(entry["scalar"], dtype=dtype)[()]
    # np.array would turn nested lists of an object array into further dimensions.
    array = np.empty(len(entry["values"]), dtype=dtype)
    array[:] = entry["values"]
    return array.reshape(entry["shape"])


def _decode_series(entry: dict[str, Any]) -> pd.Series:
    index, name = _decode_index(entry["index"]), entry["name"]
    return pd.Series(entry["values"], index=index, name=name, dtype=entry["dtype"])


def _decode_index(entry: dict[str, Any]) -> pd.Index:
    if "range" in entry:
        start, stop, step = entry["range"]
        return pd.RangeIndex(start, stop, step, name=entry["name"])
    return pd.Index(entry["values"], dtype=entry["dtype"], name=entry["name"])


def _decode_frame(entry: dict[str, Any]) -> pd.DataFrame:
    index, columns = _decode_index(entry["index"]), _decode_index(entry["columns"])
    cells = {
        position: pd.Series(column["values"], index=index, dtype=column["dtype"])
        for position, column in enumerate(entry["cells"])
    }
    frame = pd.DataFrame(cells, index=index)
    frame.columns = columns  # set last, because column names may be duplicates
    return frame


READERS: dict[str, Callable[[Any], Any]] = {
    "$array": _decode_array,
    "$dict": dict,
    "$float": lambda text: {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[text],
    "$frame": _decode_frame,
    "$series": _decode_series,
    "$time": pd.Timestamp,
    "$tuple": tuple,
}
