"""Lossless, human-readable JSON for tables, arrays and plain Python values.

A value without a JSON equivalent becomes an object with a single key that starts with "$":
``{"$float": "nan"}``, ``{"$tuple": [...]}``, ``{"$dict": [[key, value], ...]}``,
``{"$array": {...}}``, ``{"$series": {...}}``, ``{"$frame": {...}}``, ``{"$time": "..."}``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.exceptions import FileFormatError

__all__ = ["decode_json", "encode_json"]


def encode_json(value: Any) -> bytes:
    """Write a value as indented JSON.

    Raises
    ------
    TypeError
        If the value contains something other than plain values, arrays and tables.

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
    return json.dumps(_encoded(value), indent=1, ensure_ascii=False).encode()


def decode_json(data: bytes) -> Any:
    """Read JSON written by `encode_json`.

    Raises
    ------
    FileFormatError
        If the data contain an unknown "$" key.
    """
    return _decoded(json.loads(data))


def _encoded(value: Any) -> Any:
    # Exact types, because np.str_ and np.float64 are subclasses of str and float.
    if value is None or isinstance(value, bool) or type(value) in (str, int):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"$float": str(value)}
    if type(value) is list:
        return [_encoded(item) for item in value]
    if type(value) is tuple:
        return {"$tuple": [_encoded(item) for item in value]}
    if isinstance(value, Mapping):
        if all(type(key) is str and not key.startswith("$") for key in value):
            return {key: _encoded(item) for key, item in value.items()}
        return {"$dict": [[_encoded(key), _encoded(item)] for key, item in value.items()]}
    return _encoded_table(value)


def _encoded_table(value: Any) -> Any:
    if isinstance(value, np.generic):
        return {"$array": {"dtype": value.dtype.str, "scalar": _encoded(value.item())}}
    if isinstance(value, np.ndarray):
        return {
            "$array": {
                "dtype": value.dtype.str,
                "shape": list(value.shape),
                "values": _encoded(value.ravel().tolist()),
            }
        }
    if isinstance(value, pd.Timestamp):
        return {"$time": value.isoformat()}
    if isinstance(value, pd.Series):
        entry = {"index": _encoded_index(value.index), "name": _encoded(value.name)}
        return {"$series": {**entry, **_encoded_cells(value)}}
    if isinstance(value, pd.DataFrame):
        columns = [_encoded_cells(value.iloc[:, i]) for i in range(value.shape[1])]
        return {
            "$frame": {
                "index": _encoded_index(value.index),
                "columns": _encoded_index(value.columns),
                "cells": columns,
            }
        }
    if isinstance(value, str):  # a subclass that is not np.generic
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _encoded_cells(column: pd.Series) -> dict[str, Any]:
    return {"dtype": str(column.dtype), "values": [_encoded(cell) for cell in column.tolist()]}


def _encoded_index(index: pd.Index) -> dict[str, Any]:
    if isinstance(index, pd.RangeIndex):
        return {"range": [index.start, index.stop, index.step], "name": _encoded(index.name)}
    values = [_encoded(label) for label in index.tolist()]
    return {"dtype": str(index.dtype), "values": values, "name": _encoded(index.name)}


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    if not isinstance(value, dict):
        return value
    marks = [key for key in value if key.startswith("$")]
    if not marks:
        return {key: _decoded(item) for key, item in value.items()}
    reader = READERS.get(marks[0])
    if reader is None or len(value) > 1:
        raise FileFormatError(f"a value has the unknown key {marks[0]!r}")
    return reader(value[marks[0]])


def _float(text: str) -> float:
    return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[text]


def _array(entry: dict[str, Any]) -> Any:
    dtype = np.dtype(entry["dtype"])
    if "scalar" in entry:
        return np.array(_decoded(entry["scalar"]), dtype=dtype)[()]
    values = _decoded(entry["values"])
    # np.array would turn nested lists of an object array into further dimensions.
    array = np.empty(len(values), dtype=dtype)
    array[:] = values
    return array.reshape(entry["shape"])


def _series(entry: dict[str, Any]) -> pd.Series:
    index, name = _index(entry["index"]), _decoded(entry["name"])
    return pd.Series(_decoded(entry["values"]), index=index, name=name, dtype=entry["dtype"])


def _index(entry: dict[str, Any]) -> pd.Index:
    name = _decoded(entry["name"])
    if "range" in entry:
        start, stop, step = entry["range"]
        return pd.RangeIndex(start, stop, step, name=name)
    return pd.Index(_decoded(entry["values"]), dtype=entry["dtype"], name=name)


def _frame(entry: dict[str, Any]) -> pd.DataFrame:
    index, columns = _index(entry["index"]), _index(entry["columns"])
    cells = {
        position: pd.Series(_decoded(column["values"]), index=index, dtype=column["dtype"])
        for position, column in enumerate(entry["cells"])
    }
    frame = pd.DataFrame(cells, index=index)
    frame.columns = columns  # set last, because column names may be duplicates
    return frame


READERS: dict[str, Callable[[Any], Any]] = {
    "$array": _array,
    "$dict": lambda pairs: {_decoded(key): _decoded(item) for key, item in pairs},
    "$float": _float,
    "$frame": _frame,
    "$series": _series,
    "$time": pd.Timestamp,
    "$tuple": lambda items: tuple(_decoded(item) for item in items),
}
