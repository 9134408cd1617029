"""Batches and embedding inputs of torch networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.dataset import Dataset
from torch import nn
from torch.utils.data import DataLoader

from sktrainer.backends._networks.data import network_input, take_network_rows
from sktrainer.backends._networks.embeddings import EmbeddingInput
from sktrainer.data.indexing import count_rows
from sktrainer.types import Array


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

    skorch's own dataset returns single rows, which a loader then stacks. For small rows, this
    takes longer than training on them. `torch_input` has converted X.
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
        return take_network_rows(self._inputs, position), self._targets[position]

    def __getitems__(self, positions: Sequence[int] | torch.Tensor) -> Batch:
        rows = torch.as_tensor(positions)
        weight = None if self._weight is None else self._weight[rows]
        return Batch(take_network_rows(self._inputs, rows), self._targets[rows], weight)


class BatchLoader:
    """Loader that takes each batch of an epoch from the rows in one step.

    torch's own loader iterates over single rows to compose a batch. With `shuffle`, each epoch
    has another order, drawn from torch's global generator. `drop_last` drops an incomplete last
    batch. `join_lone_row` adds a last batch of one row to the batch before it: batch
    normalization cannot process a single row.

    Examples
    --------
    >>> rows = RowsDataset(np.zeros((5, 2), dtype=np.float32))
    >>> [len(X) for X, _ in BatchLoader(rows, 2, join_lone_row=True)]
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


def identity_collate(batch: object) -> Any:
    """Return a batch unchanged (`collate_fn` of a loader)."""
    return batch


def torch_input(X: Any) -> Any:
    """Return rows as writeable arrays: torch warns if it shares read-only memory."""
    found = network_input(X)
    if isinstance(found, dict):
        return {name: np.require(values, requirements="W") for name, values in found.items()}
    return np.require(found, requirements="W")


def to_tensors(X: Any) -> Any:
    """Return an array, or a dict of arrays, from `torch_input` as tensors."""
    if isinstance(X, dict):
        return {name: torch.from_numpy(values) for name, values in X.items()}
    return torch.from_numpy(X)


def pad_rows(values: Any, size: int) -> Any:
    """Repeat the last row of a tensor, or of each tensor in a container, up to `size` rows.

    Examples
    --------
    >>> pad_rows(torch.tensor([1, 2]), 4)
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


@contextmanager
def record_embedding_inputs(module: nn.Module, sample: Any) -> Iterator[list[EmbeddingInput]]:
    """Record which inputs embeddings receive while a few rows pass through a module.

    The list that is yielded is complete on exit. An input that an embedding receives only in
    part is not recorded.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.array([[3, 1], [0, 4]])
    >>> module = nn.Sequential(nn.Embedding(10, 2), nn.Flatten())
    >>> with record_embedding_inputs(module, rows) as found:
    ...     _ = module(torch.from_numpy(rows))
    >>> found
    [EmbeddingInput(size=10, of=None)]
    """
    found: list[EmbeddingInput] = []
    rows = to_tensors(torch_input(sample))
    named = rows if isinstance(rows, dict) else {None: rows}

    def record(table: nn.Embedding | nn.EmbeddingBag, arguments: tuple[Any, ...]) -> None:
        for name, values in named.items():
            if arguments and _same(arguments[0], values):
                found.append(EmbeddingInput(table.num_embeddings, name))

    tables = (m for m in module.modules() if isinstance(m, (nn.Embedding, nn.EmbeddingBag)))
    hooks = [table.register_forward_pre_hook(record) for table in tables]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _same(values: torch.Tensor, others: torch.Tensor) -> bool:
    return values.shape == others.shape and torch.equal(values.cpu().to(others.dtype), others)


BATCH_LOADER_OPTIONS = {"batch_size", "shuffle", "drop_last"}


def supports_batch_loader(net: NeuralNet) -> bool:
    """Return whether whole batches can be used: the net has no own dataset or loader."""
    loads_plainly = net.iterator_train is DataLoader and net.iterator_valid is DataLoader
    collates = any(hasattr(net, f"iterator_{p}__collate_fn") for p in ("train", "valid"))
    return net.dataset is Dataset and loads_plainly and not collates
