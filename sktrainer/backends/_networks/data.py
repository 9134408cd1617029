"""Rows, batches, weights and the monitored score of networks, independent of the library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import sparse

from sktrainer.backends.base import FitRequest
from sktrainer.data.indexing import as_input_dict, count_rows, is_input_dict
from sktrainer.exceptions import DataWarning, InputError, warn_caller
from sktrainer.types import Array

MIN_BATCH_SIZE, MAX_BATCH_SIZE = 32, 1024
PREDICT_BATCH_SIZE = 128


def check_network_rows(request: FitRequest) -> None:
    """Raise InputError for sparse rows, and warn about missing or infinite values.

    Warns
    -----
    DataWarning
        If values are missing or infinite. This is no error: a network may impute them.
    """
    X = request.train.X
    if sparse.issparse(X):
        raise InputError(
            "Sparse data was passed, but networks need dense data; convert it with "
            "X.toarray(), or reduce it with a step such as TruncatedSVD in a Pipeline"
        )
    named = X.items() if isinstance(X, dict) else [("", X)]
    for name, values in named:
        n_lost, n_values = _count_non_finite(values)
        if n_lost:
            warn_caller(
                "missing or infinite values in the training rows"
                f"{f' of X[{name!r}]' if name else ''}: {n_lost:,} of {n_values:,}; they reach "
                "the network unchanged, and most networks then return only NaN; impute them "
                "with SimpleImputer, or with preprocessor='auto' if the rows are a table",
                DataWarning,
            )


def _count_non_finite(values: Any) -> tuple[int, int]:
    """Return the number of values that are not finite, and the number of all values."""
    if hasattr(values, "columns"):  # converting all columns at once would copy the frame
        counts = [_count_non_finite(values[name].to_numpy()) for name in values.columns]
        return sum(n_lost for n_lost, _ in counts), sum(size for _, size in counts)
    values = np.asarray(values)
    if values.dtype.kind != "f":
        return 0, values.size
    with np.errstate(invalid="ignore", over="ignore"):
        if np.isfinite(values.sum(dtype=np.float64)):  # avoids a mask as large as X
            return 0, values.size
    return int(values.size - np.isfinite(values).sum()), values.size


def auto_batch_size(n_samples: int) -> int:
    """Return about 1/32 of the number of rows, as a power of two from 32 to 1024.

    Examples
    --------
    >>> auto_batch_size(200), auto_batch_size(5_000), auto_batch_size(1_000_000)
    (32, 128, 1024)
    """
    power = 2 ** round(np.log2(max(n_samples, 1) / 32))
    return int(min(max(power, MIN_BATCH_SIZE), MAX_BATCH_SIZE))


def network_input(X: Any) -> Any:
    """Return rows in the dtypes of networks: float32, or int64 for integers.

    Booleans in a dict, such as masks, stay booleans. X itself is returned if it is contiguous
    and has that dtype.

    Examples
    --------
    >>> network_input([[1.5, 2.0]]).dtype, network_input([[1, 2]]).dtype
    (dtype('float32'), dtype('int64'))
    """
    if is_input_dict(X):
        return {
            name: _to_network_dtype(values, bool) for name, values in as_input_dict(X).items()
        }
    return _to_network_dtype(
        X.to_numpy() if hasattr(X, "to_numpy") else np.asarray(X), np.float32
    )


def _to_network_dtype(values: Array, of_booleans: type) -> Array:
    kind = values.dtype.kind
    dtype = np.int64 if kind in "iu" else of_booleans if kind == "b" else np.float32
    return np.ascontiguousarray(values, dtype=dtype)


def take_network_rows(X: Any, rows: object) -> Any:
    """Return rows (positions or a slice) of an array, or of each array in a dict.

    Examples
    --------
    >>> take_network_rows({"a": np.array([1, 2, 3])}, slice(0, 2))
    {'a': array([1, 2])}
    """
    if isinstance(X, dict):
        return {name: values[rows] for name, values in X.items()}
    return X[rows]


def fixed_batches(X: Any, size: int) -> Iterator[tuple[Any, int]]:
    """Yield batches of exactly `size` rows; repeat the last row to fill the last batch.

    Rounding of matrix products depends on their size. With a fixed size, the prediction of a
    row does not depend on the other rows. Each batch is yielded with its number of rows that
    are not repetitions.
    """
    total = count_rows(X)
    for start in range(0, total, size):
        stop = min(start + size, total)
        rows: Array | slice = slice(start, stop)
        if stop - start < size:
            rows = np.minimum(np.arange(start, start + size), total - 1)
        yield take_network_rows(X, rows), stop - start


def normalize_weights(weight: Array) -> Array:
    """Scale weights to a mean of 1, which keeps the effective learning rate.

    Examples
    --------
    >>> normalize_weights(np.array([1.0, 3.0])).tolist()
    [0.5, 1.5]
    """
    values: Array = np.asarray(weight, dtype=np.float64)
    return (values / values.mean()).astype(np.float32)


def describe_target_columns(count: int) -> str:
    """Return the number of columns of a target as text.

    Examples
    --------
    >>> describe_target_columns(1), describe_target_columns(3)
    ('one target column', '3 target columns')
    """
    return "one target column" if count == 1 else f"{count} target columns"
