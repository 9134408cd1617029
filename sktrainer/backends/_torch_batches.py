"""Batches of rows for torch, with row weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch  # so this module may only be imported in functions
from skorch.dataset import Dataset
from torch import nn

from sktrainer.backends._networks import network_input
from sktrainer.exceptions import ParameterError
from sktrainer.rows import count_rows
from sktrainer.types import Array

__all__ = [
    "Batch",
    "BatchLoader",
    "RowsDataset",
    "identity_collate",
    "pad_rows",
    "probe_module",
    "to_tensors",
    "torch_input",
]


class Batch(tuple[Any, Any]):
    """Inputs and targets of a batch as skorch unpacks them, with weights as an attribute.

    A third element, or weights among the targets, would break callbacks that read the
    targets of a batch.
    """

    weight: torch.Tensor | None

    def __new__(cls, X: Any, y: Any, weight: torch.Tensor | None = None) -> Batch:
        """Create a batch."""
        batch = super().__new__(cls, (X, y))
        batch.weight = weight
        return batch

    def __reduce__(self) -> Any:
        return Batch, (*self, self.weight)


class RowsDataset(Dataset):
    """Dataset of rows in memory that returns whole batches.

    skorch's own dataset returns single rows, which a loader then stacks. For small rows,
    this takes longer than training on them.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...), or dict of such
        Converted by `torch_input`.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs), or None, default=None
    weight : ndarray of shape (n_samples,) or None, default=None
    """

    def __init__(self, X: Any, y: Array | None = None, weight: Array | None = None) -> None:
        self.X = torch_input(X)
        self._length = count_rows(self.X)
        self.y = np.zeros(self._length, dtype=np.float32) if y is None else y
        self._inputs, self._targets = to_tensors(self.X), torch.from_numpy(self.y)
        self._weight = None
        if weight is not None:
            self._weight = torch.from_numpy(np.array(weight, dtype=np.float32))

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, position: int) -> Any:
        return _taken(self._inputs, position), self._targets[position]

    def __getitems__(self, positions: Sequence[int] | torch.Tensor) -> Batch:
        rows = torch.as_tensor(positions)
        weight = None if self._weight is None else self._weight[rows]
        return Batch(_taken(self._inputs, rows), self._targets[rows], weight)


def _taken(values: Any, rows: Any) -> Any:
    if isinstance(values, dict):
        return {name: value[rows] for name, value in values.items()}
    return values[rows]


class BatchLoader:
    """Loader that takes each batch of an epoch from the rows in one step.

    torch's own loader iterates over single rows to compose a batch.

    Parameters
    ----------
    dataset : RowsDataset
    batch_size : int
    shuffle : bool, default=False
        Use another order in each epoch, drawn from torch's global generator.
    drop_last : bool, default=False
        Drop the last batch if it is incomplete.
    join_lone_row : bool, default=False
        Add a last batch of one row to the batch before it: batch normalisation cannot
        process a single row.

    Examples
    --------
    >>> rows = RowsDataset(np.zeros((5, 2), dtype=np.float32))
    >>> [len(X) for X, _ in WholeBatches(rows, 2, join_lone_row=True)]
    [2, 3]
    """

    def __init__(
        self,
        dataset: RowsDataset,
        batch_size: int,
        shuffle: bool = False,
        drop_last: bool = False,
        join_lone_row: bool = False,
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.join_lone_row = join_lone_row

    def __len__(self) -> int:
        n_full, rest = divmod(len(self.dataset), self.batch_size)
        joined = self.join_lone_row and rest == 1 and n_full > 0
        return n_full + (rest > 0 and not self.drop_last and not joined)

    def __iter__(self) -> Iterator[Batch]:
        n_rows = len(self.dataset)
        order = torch.randperm(n_rows) if self.shuffle else torch.arange(n_rows)
        n_batches = len(self)
        for number in range(n_batches):
            start = number * self.batch_size
            # Without an upper bound, the last batch includes a lone row.
            is_last = number == n_batches - 1 and not self.drop_last
            rows = order[start : None if is_last else start + self.batch_size]
            yield self.dataset.__getitems__(rows)


def identity_collate(batch: Any) -> Any:
    """Return a batch unchanged (`collate_fn` of a loader)."""
    return batch


def torch_input(X: Any) -> Any:
    """Return rows as writeable arrays: torch warns if it shares read-only memory."""
    found = network_input(X)
    if isinstance(found, dict):
        return {name: _writeable(values) for name, values in found.items()}
    return _writeable(found)


def _writeable(values: Array) -> Array:
    return values if values.flags.writeable else values.copy()


def to_tensors(X: Any) -> Any:
    """Return an array, or a dict of arrays, from `torch_input` as tensors."""
    if isinstance(X, dict):
        return {name: torch.from_numpy(values) for name, values in X.items()}
    return torch.from_numpy(X)


def probe_module(module: Any, X: Any, call: Callable[[Any], Any] | None = None) -> torch.Tensor:
    """Return a module's first output for a few rows, without training.

    Parameters
    ----------
    module : torch.nn.Module
    X : array or dict of arrays
    call : callable or None, default=None
        Passes the rows through the module; None: call the module on the CPU.

    Raises
    ------
    ParameterError
        If the module fails on these rows.
    """
    rows = to_tensors(torch_input(X))
    try:
        with torch.no_grad():
            if call is not None:
                found = call(rows)
            else:
                found = module(**rows) if isinstance(rows, dict) else module(rows)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise ParameterError(_shape_error(module, rows, error)) from error
    return found[0] if isinstance(found, tuple) else found


def _shape_error(module: Any, rows: Any, error: Exception) -> str:
    """Return an error message with the module's input and the probable fix."""
    named = rows if isinstance(rows, dict) else {"X": rows}
    got = ", ".join(
        f"{name} of {str(values.dtype).removeprefix('torch.')} and shape {tuple(values.shape)}"
        for name, values in named.items()
    )
    advice = _shape_hint(module, rows, error)
    return f"{type(module).__name__} failed on the first rows, {got}: {error}; {advice}"


def _shape_hint(module: Any, rows: Any, error: Exception) -> str:
    if isinstance(rows, dict) and isinstance(error, TypeError):
        names = ", ".join(inspect.signature(module.forward).parameters)
        return f"the keys of X are passed to forward as keyword arguments; it accepts {names}"
    named = rows.values() if isinstance(rows, dict) else (rows,)
    has_integers = any(values.dtype == torch.int64 for values in named)
    embeds = any(isinstance(m, (nn.Embedding, nn.EmbeddingBag)) for m in module.modules())
    if embeds and not has_integers:
        return (
            "an Embedding needs integers: pass an integer array and preprocessor=None, "
            "because preprocessor='auto' scales numbers"
        )
    if embeds and isinstance(error, IndexError):
        return "num_embeddings of an Embedding must be greater than the largest index"
    if has_integers:
        return (
            "integers are passed to the network unchanged, as an Embedding needs them: pass "
            "X.astype('float32') if they are quantities"
        )
    return "change its forward to accept this input"


def pad_rows(values: Any, size: int) -> Any:
    """Repeat the last row of a tensor, or of each tensor in a container, up to `size` rows.

    Examples
    --------
    >>> padded(torch.tensor([1, 2]), 4)
    tensor([1, 2, 2, 2])
    """
    if isinstance(values, dict):
        return {name: pad_rows(value, size) for name, value in values.items()}
    if isinstance(values, (list, tuple)):
        return type(values)(pad_rows(value, size) for value in values)
    missing = size - len(values)
    if missing <= 0:
        return values
    return torch.cat([values, values[-1:].expand(missing, *values.shape[1:])])
