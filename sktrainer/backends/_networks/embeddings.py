"""Validation of inputs that an embedding looks up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sktrainer.exceptions import InputError
from sktrainer.types import Array


@dataclass(frozen=True)
class EmbeddingInput:
    """Embedding that receives an input of the network unchanged.

    `size` is the number of embeddings; valid indices are 0 to `size` - 1. `of` is the key of
    the array if X is a dict, and None for X itself.
    """

    size: int
    of: str | None = None

    @property
    def label(self) -> str:
        return "X" if self.of is None else f"X[{self.of!r}]"


def check_embedding_inputs(embeddings: Iterable[EmbeddingInput], inputs: Iterable[Any]) -> None:
    """Check that all values are valid indices of their embeddings.

    Invalid ones would raise an error of the library during training, or silently give wrong
    results: Keras truncates decimals, and TensorFlow's `gather` returns zeros on a GPU.
    `inputs` are those of the network for the training and validation rows.

    Raises
    ------
    InputError
        If a value is not an integer, or outside the range of indices.
    """
    problems: list[str] = []
    given = list(inputs)
    for embedding in embeddings:
        for X in given:
            of = X if embedding.of is None else X[embedding.of]
            values = of.to_numpy() if hasattr(of, "to_numpy") else np.asarray(of)
            problem = _problem(embedding, values)
            if problem is not None and problem not in problems:
                problems.append(problem)
    if problems:
        raise InputError(problems)


def _problem(embedding: EmbeddingInput, values: Array) -> str | None:
    if not values.size:
        return None
    if values.dtype.kind == "f" and not np.array_equal(values, np.floor(values)):
        example = values[values != np.floor(values)][0]
        return (
            f"an Embedding needs integers, got {embedding.label} with {example:g}; pass "
            "integers and preprocessor=None, because preprocessor='auto' scales numbers"
        )
    lowest, highest = values.min(), values.max()
    if lowest >= 0 and highest < embedding.size:
        return None
    return (
        f"an Embedding of size {embedding.size:,} needs indices from 0 to "
        f"{embedding.size - 1:,}, got {embedding.label} with values from {lowest:g} to "
        f"{highest:g}; increase its size, or number the values from 0"
    )
