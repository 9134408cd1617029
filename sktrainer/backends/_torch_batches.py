"""Rows of a table as batches for a network: whole at once, weighted, of one size.

This module names torch at its top and is therefore imported only inside functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from sktrainer.types import Array

__all__ = ["Batch", "RowsDataset", "as_is", "first_rows", "network_input", "padded"]


class Batch(tuple[Any, Any]):
    """Inputs and targets of a batch, as skorch unpacks them, with the weights beside.

    A third element, or weights among the targets, would meet every callback that reads
    the targets of a batch.
    """

    weight: torch.Tensor | None

    def __new__(cls, X: Any, y: Any, weight: torch.Tensor | None = None) -> Batch:
        """Pair inputs and targets."""
        batch = super().__new__(cls, (X, y))
        batch.weight = weight
        return batch

    def __reduce__(self) -> Any:
        return Batch, (*self, self.weight)


class RowsDataset(Dataset[Any]):
    """Rows in memory, handed out a batch at a time.

    skorch's own dataset hands out single rows, which a loader then stacks: for small rows
    that takes longer than to train on them.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...)
        Converted by `network_input`.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs), or None, default=None
    weight : ndarray of shape (n_samples,) or None, default=None
    """

    def __init__(self, X: Any, y: Array | None = None, weight: Array | None = None) -> None:
        self.X = network_input(X)
        self.y = np.zeros(len(self.X), dtype=np.float32) if y is None else y
        self._inputs, self._targets = torch.from_numpy(self.X), torch.from_numpy(self.y)
        self._weight = None
        if weight is not None:
            self._weight = torch.from_numpy(np.array(weight, dtype=np.float32))

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, position: int) -> Any:
        return self._inputs[position], self._targets[position]

    def __getitems__(self, positions: Sequence[int]) -> Batch:
        rows = torch.as_tensor(positions)
        weight = None if self._weight is None else self._weight[rows]
        return Batch(self._inputs[rows], self._targets[rows], weight)


def as_is(batch: Any) -> Any:
    """Leave a batch that is one already as it is (a loader's `collate_fn`)."""
    return batch


def network_input(X: Any) -> Array:
    """Return rows as an array that torch can share: float32, or int64 as for embeddings.

    Examples
    --------
    >>> network_input([[1.5, 2.0]]).dtype, network_input([[1, 2]]).dtype
    (dtype('float32'), dtype('int64'))
    """
    values = X.to_numpy() if hasattr(X, "to_numpy") else np.asarray(X)
    dtype = np.int64 if values.dtype.kind in "iu" else np.float32
    converted = np.ascontiguousarray(values, dtype=dtype)
    # torch warns of memory that it may not write to.
    return converted if converted.flags.writeable else converted.copy()


def first_rows(X: Any, n_rows: int) -> torch.Tensor:
    """Return the first rows as the network gets them."""
    return torch.from_numpy(network_input(X[:n_rows]))


def padded(values: Any, size: int) -> Any:
    """Repeat the last row of a tensor, or of each in a dict or list, up to `size` rows.

    Examples
    --------
    >>> padded(torch.tensor([1, 2]), 4)
    tensor([1, 2, 2, 2])
    """
    if isinstance(values, dict):
        return {name: padded(value, size) for name, value in values.items()}
    if isinstance(values, (list, tuple)):
        return type(values)(padded(value, size) for value in values)
    missing = size - len(values)
    if missing <= 0:
        return values
    return torch.cat([values, values[-1:].expand(missing, *values.shape[1:])])
