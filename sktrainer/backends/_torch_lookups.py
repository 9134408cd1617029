"""Inputs of a module that an embedding looks up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch  # so this module may only be imported in functions
from torch import nn

from sktrainer.backends._lookups import EmbeddingInput
from sktrainer.backends._torch_batches import to_tensors, torch_input

__all__ = ["record_embedding_inputs"]


@contextmanager
def record_embedding_inputs(module: Any, sample: Any) -> Iterator[list[EmbeddingInput]]:
    """Record which inputs embeddings receive while a few rows pass through a module.

    Parameters
    ----------
    module : torch.nn.Module
    sample : array or dict of arrays
        The rows.

    Yields
    ------
    list of Lookup
        Complete on exit. An input that an embedding receives only in part is not recorded.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.array([[3, 1], [0, 4]])
    >>> module = nn.Sequential(nn.Embedding(10, 2), nn.Flatten())
    >>> with noted_lookups(module, rows) as found:
    ...     _ = module(torch.from_numpy(rows))
    >>> found
    [Lookup(size=10, of=None)]
    """
    found: list[EmbeddingInput] = []
    rows = to_tensors(torch_input(sample))
    named = rows if isinstance(rows, dict) else {None: rows}

    def note(table: Any, arguments: tuple[Any, ...]) -> None:
        for name, values in named.items():
            if arguments and _same(arguments[0], values):
                found.append(EmbeddingInput(table.num_embeddings, name))

    tables = (m for m in module.modules() if isinstance(m, (nn.Embedding, nn.EmbeddingBag)))
    hooks = [table.register_forward_pre_hook(note) for table in tables]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _same(values: torch.Tensor, others: torch.Tensor) -> bool:
    return values.shape == others.shape and torch.equal(values.cpu().to(others.dtype), others)
