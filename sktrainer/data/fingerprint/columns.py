"""Column digests of NumPy, pandas, polars and SciPy tables."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import narwhals as nw
import numpy as np
import pandas as pd
from scipy import sparse

from sktrainer.data.fingerprint.values import (
    MISSING,
    ROWS_PER_BLOCK,
    arrow_string_bytes,
    length_prefixed,
    object_column_bytes,
    string_bytes,
    value_bytes,
)
from sktrainer.runtime.resources import n_cores
from sktrainer.types import Array

BYTES_PER_PIECE = 1 << 20  # hash contiguous columns in pieces of 1 MiB
BYTES_PER_BLOCK = 1 << 22  # hash strided columns in blocks that fit into the CPU cache
MIN_BYTES_PER_THREAD = 1 << 21  # starting a thread for less data does not pay off
MIN_ROWS_PER_BLOCK = 256  # so that very wide tables are not read row by row

#: Dtype of a column, and its values as an array or as an iterable of byte strings.
HashedColumn: TypeAlias = tuple[str, Array | Iterable[Any]]


def column_digests(columns: Sequence[HashedColumn]) -> list[str]:
    """Return the SHA-256 digest of each column.

    Arrays are read in blocks of rows; a complete column is never copied.
    """
    arrays = [i for i, (_, values) in enumerate(columns) if isinstance(values, np.ndarray)]
    n_bytes = sum(getattr(columns[i][1], "nbytes", 0) for i in arrays)

    def digests_of(some: slice) -> list[str]:
        return _array_digests([columns[i] for i in arrays[some]])

    digests = dict(zip(arrays, _in_threads(digests_of, len(arrays), n_bytes), strict=True))
    for i, (dtype, pieces) in enumerate(columns):
        if i not in digests:
            hasher = hashlib.sha256(dtype.encode())
            for piece in pieces:
                hasher.update(piece)
            digests[i] = hasher.hexdigest()
    return [digests[i] for i in range(len(columns))]


def _array_digests(columns: Sequence[tuple[str, Any]]) -> list[str]:
    hashers = [hashlib.sha256(dtype.encode()) for dtype, _ in columns]
    strided = []
    for hasher, (_, values) in zip(hashers, columns, strict=True):
        if values.strides[0] == values.itemsize:
            _update(hasher, values, BYTES_PER_PIECE // values.itemsize)
        else:
            strided.append((hasher, values))
    # Strided columns share cache lines with their neighbors: hash them block by block.
    width = sum(values.itemsize for _, values in strided)
    n_rows = max(MIN_ROWS_PER_BLOCK, BYTES_PER_BLOCK // max(width, 1))
    for start in range(0, max((len(v) for _, v in strided), default=0), n_rows):
        for hasher, values in strided:
            hasher.update(_to_bytes(values[start : start + n_rows]))
    return [hasher.hexdigest() for hasher in hashers]


def table_digests(table: Array) -> tuple[list[str], list[str]]:
    """Return the dtype and digest of each column of an array of shape (n_rows, n_columns).

    The digests equal those that `column_digests` returns for the separate columns.
    """
    n_columns = table.shape[1]
    if not _has_fixed_bytes(table.dtype) or table.flags.f_contiguous:
        columns = [numpy_column(table[:, i]) for i in range(n_columns)]
        return [dtype for dtype, _ in columns], column_digests(columns)
    name = _name(table.dtype)

    def digests_of(some: slice) -> list[str]:
        return _block_digests(table[:, some], name)

    return [name] * n_columns, _in_threads(digests_of, n_columns, table.nbytes)


def _block_digests(table: Array, name: str) -> list[str]:
    """Return the digests of columns in C order, by transposing blocks of rows."""
    n_rows, n_columns = table.shape
    hashers = [hashlib.sha256(name.encode()) for _ in range(n_columns)]
    size = max(MIN_ROWS_PER_BLOCK, BYTES_PER_BLOCK // max(1, table.itemsize * n_columns))
    for start in range(0, n_rows, size):
        block = _to_bytes(table[start : start + size].T).reshape(n_columns, -1)
        for hasher, column in zip(hashers, block, strict=True):
            hasher.update(column)
    return [hasher.hexdigest() for hasher in hashers]


def _in_threads(
    digests_of: Callable[[slice], list[str]], n_columns: int, n_bytes: int
) -> list[str]:
    """Hash groups of columns in parallel, one group per core.

    Threads are enough because `hashlib` releases the GIL.
    """
    n_groups = min(n_columns, n_bytes // MIN_BYTES_PER_THREAD)
    n_groups = min(n_groups, n_cores()) if n_groups > 1 else 1
    if n_groups == 1:
        return digests_of(slice(None))
    bounds = [n_columns * i // n_groups for i in range(n_groups + 1)]
    with ThreadPoolExecutor(n_groups) as threads:
        groups = threads.map(digests_of, map(slice, bounds, bounds[1:]))
        return [digest for group in groups for digest in group]


def _update(hasher: hashlib._Hash, values: Array, n_rows: int) -> None:
    n_rows = max(n_rows, 1)
    for start in range(0, len(values), n_rows):
        hasher.update(_to_bytes(values[start : start + n_rows]))


def _to_bytes(values: Array) -> Any:
    """Return values as little-endian bytes, with the same bit pattern for every NaN."""
    if values.dtype.kind in "mM":
        # Dates and durations as integers. dtype.str[:1] is the byte order, which must stay.
        values = values.view(values.dtype.str[:1] + "i8")
    values = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<"))
    if values.dtype.kind in "fc":
        missing = np.isnan(values)
        if missing.any():
            values = np.where(missing, values.dtype.type("nan"), values)
    return values.reshape(-1).view(np.uint8)


def array_digest(values: Array) -> tuple[str, str]:
    """Return the dtype and digest of an array with any number of dimensions."""
    if not _has_fixed_bytes(values.dtype):
        dtype, pieces = object_column(values.reshape(-1), values.dtype)
        return dtype, column_digests([(f"{dtype}{values.shape}", pieces)])[0]
    hasher = hashlib.sha256(f"{_name(values.dtype)}{values.shape}".encode())
    if values.ndim == 0:
        hasher.update(_to_bytes(values.reshape(1)))
    else:
        size = values.itemsize * max(1, int(np.prod(values.shape[1:])))
        _update(hasher, values, BYTES_PER_PIECE // size)
    return _name(values.dtype), hasher.hexdigest()


def numpy_column(values: Array) -> HashedColumn:
    """Return a NumPy column as `HashedColumn`."""
    if _has_fixed_bytes(values.dtype):
        return _name(values.dtype), values
    return object_column(values, values.dtype)


def object_column(values: Array, dtype: np.dtype[Any]) -> HashedColumn:
    """Return a column of objects, strings or long doubles, which have no fixed byte form."""
    name = "str" if dtype.kind in "UT" else str(dtype)
    return name, _by_rows(len(values), lambda a, b: object_column_bytes(list(values[a:b])))


def _by_rows(n_rows: int, encode: Callable[[int, int], Any]) -> Iterator[Any]:
    """Yield the byte strings that `encode` returns for each block of rows."""
    for start in range(0, n_rows, ROWS_PER_BLOCK):
        encoded = encode(start, min(start + ROWS_PER_BLOCK, n_rows))
        yield from encoded if isinstance(encoded, list) else [encoded]


def _has_fixed_bytes(dtype: np.dtype[Any]) -> bool:
    # "g" and "G" are long doubles, whose padding bytes are undefined.
    return dtype.kind in "biufcmMS" and dtype.char not in "gG"


def _name(dtype: np.dtype[Any]) -> str:
    return str(dtype.newbyteorder("="))


def pandas_column(column: pd.Series) -> HashedColumn:
    """Return a pandas column as `HashedColumn`."""
    dtype: Any = column.dtype
    if isinstance(dtype, np.dtype):
        return numpy_column(column.to_numpy())
    if isinstance(dtype, pd.CategoricalDtype):
        return _categorical_column(column.cat.codes.to_numpy(), dtype)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return str(dtype), column.to_numpy(dtype=f"M8[{dtype.unit}]")
    if isinstance(dtype, pd.StringDtype) and dtype.storage == "pyarrow":
        strings = column.array.__arrow_array__()
        blocks = _by_rows(len(column), lambda a, b: _arrow_strings(strings.slice(a, b - a)))
    elif isinstance(dtype, pd.StringDtype):
        blocks = _by_rows(len(column), lambda a, b: _pandas_strings(column.iloc[a:b]))
    elif isinstance(dtype, pd.SparseDtype):
        blocks = _by_rows(len(column), lambda a, b: _to_bytes(column.iloc[a:b].to_numpy()))
    elif getattr(dtype, "kind", "O") in "biuf" and hasattr(dtype, "numpy_dtype"):
        blocks = _by_rows(
            len(column), lambda a, b: _masked_numbers(column.iloc[a:b], dtype.numpy_dtype)
        )
    else:
        blocks = _by_rows(
            len(column), lambda a, b: object_column_bytes(list(column.iloc[a:b].astype(object)))
        )
    return str(dtype), blocks


def _arrow_strings(part: Any) -> list[Any]:
    if hasattr(part, "combine_chunks"):
        part = part.combine_chunks()
    # Still chunked, or a string_view: these have another buffer layout.
    if hasattr(part, "chunks") or str(part.type) not in ("string", "large_string"):
        return [string_bytes(part.to_pylist())]
    return arrow_string_bytes(part)


def _pandas_strings(part: pd.Series) -> bytes:
    values = part.to_numpy(dtype=object, copy=True)
    values[part.isna().to_numpy()] = None
    return string_bytes(values.tolist())


def _masked_numbers(part: pd.Series, dtype: np.dtype[Any]) -> list[Array]:
    values = part.to_numpy(dtype=dtype, na_value=dtype.type(0))
    return [_to_bytes(part.isna().to_numpy()), _to_bytes(values)]


def _categorical_column(codes: Array, dtype: pd.CategoricalDtype) -> HashedColumn:
    """Return a categorical column as `HashedColumn`, independent of its codes.

    The order of the categories counts only if the dtype is ordered.
    """
    categories = [value_bytes(value) for value in dtype.categories.astype(object)]
    order = list(range(len(categories)))
    if not dtype.ordered:
        order.sort(key=categories.__getitem__)
    # Code -1 (missing) indexes the extra last entry.
    place = np.full(len(categories) + 1, MISSING, dtype="<i8")
    place[order] = np.arange(len(categories))
    digest = hashlib.sha256(length_prefixed(categories[i] for i in order)).hexdigest()
    name = f"category, {'ordered' if dtype.ordered else 'unordered'}, {digest}"
    return name, _by_rows(len(codes), lambda a, b: place[codes[a:b]].tobytes())


def polars_column(column: Any) -> HashedColumn:
    """Return a polars column as `HashedColumn`."""
    dtype, n_rows = str(column.dtype), len(column)
    if dtype.startswith(("Categorical", "Enum")):
        column = nw.from_native(column, series_only=True).cast(nw.String()).to_native()
    if column.dtype.is_numeric() or column.dtype.is_temporal() or dtype == "Boolean":
        return dtype, _by_rows(n_rows, lambda a, b: _polars_numbers(column[a:b]))
    if str(column.dtype) == "String":
        return dtype, _by_rows(n_rows, lambda a, b: string_bytes(column[a:b].to_list()))
    return dtype, _by_rows(n_rows, lambda a, b: object_column_bytes(column[a:b].to_list()))


def _polars_numbers(part: Any) -> list[Any]:
    if str(part.dtype).startswith(("Decimal", "Int128", "UInt128")):
        return [object_column_bytes(part.to_list())]
    values = part.to_physical()
    # The prefix separates blocks with a null mask from those without one.
    if not part.null_count():
        return [b"all there", _to_bytes(values.to_numpy())]
    filled = values.fill_null(value=False if str(part.dtype) == "Boolean" else 0)
    return [b"missing", _to_bytes(part.is_null().to_numpy()), _to_bytes(filled.to_numpy())]


def sparse_digest(matrix: object) -> tuple[str, str]:
    """Return the dtype and digest of the values of a sparse matrix.

    Stored zeros, the order of entries and the format do not count. A matrix in another
    format than CSR is copied.
    """
    rows = sparse.csr_array(matrix)
    counts, columns, values = (hashlib.sha256() for _ in range(3))
    # An entry takes about 12 bytes: an 8-byte value and a 4-byte column index.
    n_rows = max(1, int(BYTES_PER_BLOCK // max(1, rows.nnz * 12 / max(1, rows.shape[0]))))
    for start in range(0, rows.shape[0], n_rows):
        part = rows[start : start + n_rows].copy()
        part.sum_duplicates()
        part.eliminate_zeros()
        counts.update(_to_bytes(np.diff(part.indptr).astype("<i8")))
        columns.update(_to_bytes(part.indices.astype("<i8")))
        values.update(_to_bytes(part.data))
    name = _name(rows.dtype)
    whole = hashlib.sha256(f"sparse {name}{rows.shape}".encode())
    for hasher in (counts, columns, values):
        whole.update(hasher.digest())
    return f"sparse {name}", whole.hexdigest()
