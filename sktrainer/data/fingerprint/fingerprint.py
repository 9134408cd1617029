"""Content hash of the data that is passed to `fit`.

The hash depends on every value, dtype and column name, on the order of columns and rows, and
on the kind of table (a pandas frame, a polars frame and an array with equal numbers differ).
It does not depend on the memory layout (C or Fortran order, strides, byte order, view or
copy, string storage of pandas), on the index of a pandas frame or on the bit pattern of a
NaN. For a sparse matrix, the format, the order of entries and stored zeros do not count.
Categories count by value: codes do not matter, and the order of the categories matters only
if they are ordered. An unused category counts, because it is part of the dtype.
0.0 and -0.0 differ, and so do None and NaN in object columns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import sparse

from sktrainer.data.columns import object_array
from sktrainer.data.fingerprint.columns import (
    HashedColumn,
    array_digest,
    column_digests,
    numpy_column,
    pandas_column,
    polars_column,
    sparse_digest,
    table_digests,
)
from sktrainer.data.named_columns import pop_columns
from sktrainer.exceptions import InputError
from sktrainer.types import Array

#: Wider tables have one digest for all columns, so that a report stays small.
SHAPE = "of shape "  # start of the name of values without columns
MAX_COLUMNS = 1024


class ColumnFingerprint(TypedDict):
    """Name (or position), dtype and SHA-256 digest of a column."""

    name: Any
    dtype: str
    digest: str


class ArgumentFingerprint(TypedDict):
    """Kind of table, number of rows and columns of one argument of `fit`."""

    kind: str
    rows: int
    columns: list[ColumnFingerprint]


class Fingerprint(TypedDict):
    """Fingerprint of the arguments of `fit`, which can be stored as JSON.

    `digest` is "sha256:" followed by the SHA-256 of `parts` as JSON with sorted keys and no
    whitespace. `parts` maps argument names ("X", "y", "sample_weight", ...) to their content.
    """

    digest: str
    parts: dict[str, ArgumentFingerprint]


def fingerprint(X: Any, y: Any = None, **others: Any) -> str:
    """Return a content hash of a data set, which depends on every value.

    The hash is the same in another process, on another machine, for a copy, and for the
    same file read twice. The table is read in blocks of a few megabytes, so memory use does
    not grow with its size.

    Parameters
    ----------
    X : array-like, sparse matrix, DataFrame, list, or dict of arrays
    y : array-like or str, default=None
        The target, or the name of its column in X.
    **others : array-like
        Other arguments of `fit`: `sample_weight`, `groups`, `X_val`, `y_val`,
        `sample_weight_val`. None means not given.

    Returns
    -------
    str
        "sha256:" followed by 64 hexadecimal digits.

    Raises
    ------
    InputError
        If `y` is not a column of X, or if the type of a table or value has no byte form that
        is the same in every process.

    Examples
    --------
    >>> import pandas as pd
    >>> from sktrainer import fingerprint
    >>> table = pd.DataFrame({"a": [1.0, None], "b": ["x", "y"]})
    >>> fingerprint(table) == fingerprint(table.copy())
    True
    >>> fingerprint(table) == fingerprint(table.iloc[::-1])
    False
    """
    return fingerprint_inputs(X, y, **others)["digest"]


def fingerprint_inputs(X: Any, y: Any = None, **others: Any) -> Fingerprint:
    """Return the fingerprint with one digest per column, which shows what has changed."""
    X, given = pop_columns(X, y=y, **others)
    given = {"X": X, **given}
    parts = {
        name: _argument_fingerprint(name, value)
        for name, value in given.items()
        if value is not None
    }
    return Fingerprint(digest=f"sha256:{_json_digest(parts)}", parts=parts)


def _json_digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _argument_fingerprint(name: str, value: Any) -> ArgumentFingerprint:
    if isinstance(value, (list, tuple)):
        value = _list_to_array(value)
    if isinstance(value, Mapping):
        return _dict_fingerprint(name, value)
    if sparse.issparse(value):
        return _single_digest("sparse matrix", value.shape, *sparse_digest(value))
    if isinstance(value, pd.DataFrame):
        columns = [pandas_column(value.iloc[:, i]) for i in range(value.shape[1])]
        return _hash_columns("pandas", len(value), list(value.columns), columns)
    if isinstance(value, (pd.Series, pd.Index)):
        series = value if isinstance(value, pd.Series) else value.to_series()
        return _hash_columns("pandas", len(value), [value.name], [pandas_column(series)])
    # The columns of a lazy frame are not looked up, because that may run its query.
    is_lazy = hasattr(value, "collect")
    is_polars = type(value).__module__.startswith("polars")
    if not is_lazy and (is_polars or hasattr(value, "columns")):
        return _frame_fingerprint(value)
    if not hasattr(value, "__array__"):
        raise InputError(
            f"{name} cannot be fingerprinted: expected an array, a sparse matrix, a DataFrame, "
            f"a list or a dict of arrays, got {type(value).__name__}; collect or convert it"
        )
    return _array_fingerprint(np.asarray(value))


def _list_to_array(value: Sequence[object]) -> Array:
    """Return a list of numbers as a numeric array, and any other list as an object array."""
    try:
        array = np.asarray(value)
    except ValueError:  # nested lists of unequal length
        array = None
    is_numeric = array is not None and array.dtype.kind in "biufcmM"
    return array if array is not None and is_numeric else object_array(value)


def _array_fingerprint(array: Array) -> ArgumentFingerprint:
    if array.dtype.names:
        columns = [numpy_column(array[name]) for name in array.dtype.names]
        return _hash_columns("array", len(array), list(array.dtype.names), columns)
    if array.ndim == 2 and array.shape[1] <= MAX_COLUMNS:
        names = list(range(array.shape[1]))
        return _name_digests("array", len(array), names, *table_digests(array))
    return _single_digest("array", array.shape, *array_digest(array))


def _frame_fingerprint(value: Any) -> ArgumentFingerprint:
    """Return the content of a frame or series; libraries other than polars go via pandas."""
    try:
        frame = nw.from_native(value, eager_only=True, allow_series=True)
    except TypeError as error:
        raise InputError(f"{type(value).__name__} cannot be fingerprinted: {error}") from None
    frame = frame.to_frame() if isinstance(frame, nw.Series) else frame
    is_polars = frame.implementation.is_polars()
    columns: list[HashedColumn] = [
        polars_column(column.to_native()) if is_polars else pandas_column(column.to_pandas())
        for column in frame.iter_columns()
    ]
    kind = str(frame.implementation.name).lower()
    return _hash_columns(kind, len(frame), list(frame.columns), columns)


def _dict_fingerprint(name: str, value: Mapping[Any, Any]) -> ArgumentFingerprint:
    """Return the content of a dict of arrays (a network with several inputs), per key."""
    columns, rows = [], 0
    for key, array in value.items():
        part = _argument_fingerprint(f"{name}[{key!r}]", array)
        rows, first = part["rows"], part["columns"][0]
        dtype, digest = first["dtype"], first["digest"]
        if len(part["columns"]) > 1:
            dtype, digest = part["kind"], _json_digest(part)
        columns.append(ColumnFingerprint(name=_json_name(key), dtype=dtype, digest=digest))
    return ArgumentFingerprint(kind="dict", rows=rows, columns=columns)


def _hash_columns(
    kind: str, rows: int, names: Sequence[object], columns: Sequence[HashedColumn]
) -> ArgumentFingerprint:
    dtypes = [dtype for dtype, _ in columns]
    return _name_digests(kind, rows, names, dtypes, column_digests(columns))


def _name_digests(
    kind: str,
    rows: int,
    names: Sequence[object],
    dtypes: Sequence[str],
    digests: Sequence[str],
) -> ArgumentFingerprint:
    columns = [
        ColumnFingerprint(name=_json_name(name), dtype=dtype, digest=digest)
        for name, dtype, digest in zip(names, dtypes, digests, strict=True)
    ]
    if len(columns) > MAX_COLUMNS:
        dtype = dtypes[0] if len(set(dtypes)) == 1 else "several"
        name = f"all {len(columns):,} together"
        columns = [ColumnFingerprint(name=name, dtype=dtype, digest=_json_digest(columns))]
    return ArgumentFingerprint(kind=kind, rows=rows, columns=columns)


def _single_digest(
    kind: str, shape: Sequence[int], dtype: str, digest: str
) -> ArgumentFingerprint:
    name = f"{SHAPE}{'x'.join(map(str, shape))}"
    columns = [ColumnFingerprint(name=name, dtype=dtype, digest=digest)]
    return ArgumentFingerprint(kind=kind, rows=int(shape[0]) if shape else 1, columns=columns)


def _json_name(name: object) -> Any:
    """Return a column name in a form that JSON can store; different names stay different."""
    if name is None or isinstance(name, bool):
        return name
    if isinstance(name, str):
        return str(name)
    if isinstance(name, (int, np.integer)):
        return int(name)
    if isinstance(name, tuple):
        return [_json_name(item) for item in name]
    return {type(name).__name__: str(name)}
