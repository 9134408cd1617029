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
from sktrainer.exceptions import InputError

__all__ = [
    "ArgumentFingerprint",
    "ColumnFingerprint",
    "Fingerprint",
    "fingerprint",
    "fingerprint_inputs",
]


MOST_COLUMNS = 1024


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
    """Return the fingerprint with one digest per column, which shows what has changed.

    Parameters
    ----------
    X, y, **others
        As in `fingerprint`.

    Returns
    -------
    Fingerprint

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1, 2], [3, 4]])
    >>> from sktrainer.data.fingerprint.differences import fingerprint_differences
    >>> before, now = fingerprint_inputs(X), fingerprint_inputs(X + [0, 1])
    >>> fingerprint_differences(before, now)
    ['X: values changed in column 1']
    """
    X, y = _split_off(X, y)
    if isinstance(y, str):
        raise InputError(f"y={y!r} is not a column of X; pass the target values instead")
    given = {"X": X, "y": y, **others}
    parts = {name: _part(name, value) for name, value in given.items() if value is not None}
    return Fingerprint(digest=f"sha256:{_digest_of(parts)}", parts=parts)


def _split_off(X: Any, y: Any) -> tuple[Any, Any]:
    """Split the target column off X if `y` is a column name."""
    if not isinstance(y, str) or y not in list(getattr(X, "columns", ())):
        return X, y
    return (X.drop(columns=y) if isinstance(X, pd.DataFrame) else X.drop(y)), X[y]


def _digest_of(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _part(name: str, value: Any) -> ArgumentFingerprint:
    if isinstance(value, (list, tuple)):
        value = _listed(value)
    if isinstance(value, Mapping):
        return _mapping_part(name, value)
    if sparse.issparse(value):
        dtype, digest = sparse_digest(value)
        return _whole("sparse matrix", value.shape, dtype, digest)
    if isinstance(value, pd.DataFrame):
        columns = [pandas_column(value.iloc[:, i]) for i in range(value.shape[1])]
        return _columns("pandas", len(value), list(value.columns), columns)
    if isinstance(value, (pd.Series, pd.Index)):
        series = value if isinstance(value, pd.Series) else value.to_series()
        return _columns("pandas", len(value), [value.name], [pandas_column(series)])
    if not hasattr(value, "collect") and _is_frame(value):
        return _frame_part(value)
    if not hasattr(value, "__array__"):
        raise InputError(
            f"{name} cannot be fingerprinted: expected an array, a sparse matrix, a DataFrame, "
            f"a list or a dict of arrays, got {type(value).__name__}; collect or convert it"
        )
    return _array_part(np.asarray(value))


def _listed(value: Sequence[Any]) -> Any:
    """Return a list of numbers as a numeric array, and any other list as an object array."""
    try:
        array = np.asarray(value)
    except ValueError:  # nested lists of unequal length
        array = None
    if array is not None and array.dtype.kind in "biufcmM":
        return array
    cells = np.empty(len(value), dtype=object)
    cells[:] = list(value)
    return cells


def _array_part(array: Any) -> ArgumentFingerprint:
    if array.dtype.names:
        columns = [numpy_column(array[name]) for name in array.dtype.names]
        return _columns("array", len(array), list(array.dtype.names), columns)
    if array.ndim == 2 and array.shape[1] <= MOST_COLUMNS:
        names = list(range(array.shape[1]))
        return _named_columns("array", len(array), names, *table_digests(array))
    dtype, digest = array_digest(array)
    return _whole("array", array.shape, dtype, digest)


def _is_frame(value: Any) -> bool:
    return hasattr(value, "columns") or type(value).__module__.startswith("polars")


def _frame_part(value: Any) -> ArgumentFingerprint:
    """Return the content of a frame or series; libraries other than polars go via pandas."""
    try:
        known = nw.from_native(value, eager_only=True, allow_series=True)
    except TypeError as error:
        raise InputError(f"{type(value).__name__} cannot be fingerprinted: {error}") from None
    frame = known.to_frame() if isinstance(known, nw.Series) else known
    rows, kind = frame.shape[0], str(frame.implementation.name).lower()
    columns: list[HashedColumn] = []
    for column in frame.iter_columns():
        if frame.implementation.is_polars():
            columns.append(polars_column(column.to_native()))
        else:
            columns.append(pandas_column(column.to_pandas()))
    return _columns(kind, rows, list(frame.columns), columns)


def _mapping_part(name: str, value: Mapping[Any, Any]) -> ArgumentFingerprint:
    """Return the content of a dict of arrays (a network with several inputs), per key."""
    columns, rows = [], 0
    for key, array in value.items():
        part = _part(f"{name}[{key!r}]", array)
        rows = part["rows"]
        entry = part["columns"][0]
        if len(part["columns"]) == 1:
            dtype, digest = entry["dtype"], entry["digest"]
        else:
            dtype, digest = part["kind"], _digest_of(part)
        columns.append(ColumnFingerprint(name=_plain_name(key), dtype=dtype, digest=digest))
    return ArgumentFingerprint(kind="dict", rows=rows, columns=columns)


def _columns(
    kind: str, rows: int, names: Sequence[Any], columns: Sequence[HashedColumn]
) -> ArgumentFingerprint:
    dtypes = [dtype for dtype, _ in columns]
    return _named_columns(kind, rows, names, dtypes, column_digests(columns))


def _named_columns(
    kind: str,
    rows: int,
    names: Sequence[Any],
    dtypes: Sequence[str],
    found_digests: Sequence[str],
) -> ArgumentFingerprint:
    found = [
        ColumnFingerprint(name=_plain_name(name), dtype=dtype, digest=digest)
        for name, dtype, digest in zip(names, dtypes, found_digests, strict=True)
    ]
    if len(found) > MOST_COLUMNS:
        dtype = dtypes[0] if len(set(dtypes)) == 1 else "several"
        whole = f"all {len(found):,} together"
        found = [ColumnFingerprint(name=whole, dtype=dtype, digest=_digest_of(found))]
    return ArgumentFingerprint(kind=kind, rows=rows, columns=found)


def _whole(kind: str, shape: Sequence[int], dtype: str, digest: str) -> ArgumentFingerprint:
    name = f"of shape {'x'.join(map(str, shape))}"
    column = ColumnFingerprint(name=name, dtype=dtype, digest=digest)
    return ArgumentFingerprint(
        kind=kind, rows=int(shape[0]) if len(shape) else 1, columns=[column]
    )


def _plain_name(name: Any) -> Any:
    """Return a column name in a form that JSON can store; different names stay different."""
    if name is None or isinstance(name, (str, bool)):
        return name if name is None or isinstance(name, bool) else str(name)
    if isinstance(name, (int, np.integer)):
        return int(name)
    if isinstance(name, tuple):
        return [_plain_name(item) for item in name]
    return {type(name).__name__: str(name)}
