"""Rows as a network of any library takes them: converted once, cut and padded in batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sktrainer.types import Array

__all__ = [
    "MOST_BATCH",
    "auto_batch_size",
    "fixed_batches",
    "mean_one",
    "n_rows",
    "network_input",
    "take",
]

LEAST_BATCH, MOST_BATCH = 32, 1024


def auto_batch_size(n_samples: int) -> int:
    """Return about a 32nd of the rows: a power of two from 32 to 1024.

    Examples
    --------
    >>> auto_batch_size(200), auto_batch_size(5_000), auto_batch_size(1_000_000)
    (32, 128, 1024)
    """
    power = 2 ** round(np.log2(max(n_samples, 1) / 32))
    return int(min(max(power, LEAST_BATCH), MOST_BATCH))


def network_input(X: Any) -> Any:
    """Return rows as networks take them: float32, or int64 as for embeddings.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...), DataFrame, or dict of str to array-like

    Returns
    -------
    ndarray of shape (n_samples, ...), or dict of str to ndarray
        X itself where it is contiguous and of that type.

    Examples
    --------
    >>> network_input([[1.5, 2.0]]).dtype, network_input([[1, 2]]).dtype
    (dtype('float32'), dtype('int64'))
    """
    if isinstance(X, dict):
        return {name: network_input(values) for name, values in X.items()}
    values = X.to_numpy() if hasattr(X, "to_numpy") else np.asarray(X)
    dtype = np.int64 if values.dtype.kind in "iu" else np.float32
    return np.ascontiguousarray(values, dtype=dtype)


def n_rows(X: Any) -> int:
    """Count the rows of an array or of a dict of arrays."""
    return len(next(iter(X.values()))) if isinstance(X, dict) else len(X)


def take(X: Any, rows: Any) -> Any:
    """Take rows (positions or a slice) of an array or of each in a dict.

    Examples
    --------
    >>> take({"a": np.array([1, 2, 3])}, slice(0, 2))
    {'a': array([1, 2])}
    """
    if isinstance(X, dict):
        return {name: values[rows] for name, values in X.items()}
    return X[rows]


def fixed_batches(X: Any, size: int) -> Iterator[tuple[Any, int]]:
    """Yield batches of exactly `size` rows, the last one filled up with its own last row.

    Matrix products of other sizes round otherwise: in batches of one size a row gets the
    bits alone that it gets among others.

    Yields
    ------
    batch : ndarray of shape (size, ...), or dict of such
    n_rows : int
        How many of them are rows of X.
    """
    total = n_rows(X)
    for start in range(0, total, size):
        stop = min(start + size, total)
        rows: Array | slice = slice(start, stop)
        if stop - start < size:
            rows = np.minimum(np.arange(start, start + size), total - 1)
        yield take(X, rows), stop - start


def mean_one(weight: Array) -> Array:
    """Scale weights to a mean of one, so that they do not change the pace of learning.

    Examples
    --------
    >>> mean_one(np.array([1.0, 3.0])).tolist()
    [0.5, 1.5]
    """
    values: Array = np.asarray(weight, dtype=np.float64)
    return (values / values.mean()).astype(np.float32)
