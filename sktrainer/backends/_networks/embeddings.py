"""Validation of inputs that an embedding looks up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sktrainer.exceptions import InputError
from sktrainer.types import Array

__all__ = ["EmbeddingInput", "check_embedding_inputs"]


@dataclass(frozen=True)
class EmbeddingInput:
    """Embedding that receives an input of the network unchanged.

    Attributes
    ----------
    size : int
        Number of embeddings; valid indices are 0 to `size` - 1.
    of : str or None, default=None
        Key of the array if X is a dict; None: X itself.
    """

    size: int
    of: str | None = None

    @property
    def label(self) -> str:
        return "X" if self.of is None else f"X[{self.of!r}]"


def check_embedding_inputs(lookups: Iterable[EmbeddingInput], inputs: Iterable[Any]) -> None:
    """Check that all values are valid indices of their embeddings.

    Invalid ones would raise an error of the library during training, or silently give wrong
    results: Keras truncates decimals, and TensorFlow's `gather` returns zeros on a GPU.

    Parameters
    ----------
    lookups : iterable of Lookup
    inputs : iterable of array or of dict of arrays
        Inputs of the network for the training and validation rows.

    Raises
    ------
    InputError
        If a value is not an integer, or outside the range of indices.
    """
    problems: list[str] = []
    given = list(inputs)
    for lookup in lookups:
        for X in given:
            of = X if lookup.of is None else X[lookup.of]
            values = of.to_numpy() if hasattr(of, "to_numpy") else np.asarray(of)
            problem = _problem(lookup, values)
            if problem is not None and problem not in problems:
                problems.append(problem)
    if problems:
        raise InputError(problems)


def _problem(lookup: EmbeddingInput, values: Array) -> str | None:
    if not values.size:
        return None
    if values.dtype.kind == "f" and not np.array_equal(values, np.floor(values)):
        example = values[values != np.floor(values)][0]
        return (
            f"an Embedding needs integers, got {lookup.label} with {example:g}; pass integers "
            "and preprocessor=None, because preprocessor='auto' scales numbers"
        )
    least, most = values.min(), values.max()
    if least >= 0 and most < lookup.size:
        return None
    return (
        f"an Embedding of size {lookup.size:,} needs indices from 0 to {lookup.size - 1:,}, "
        f"got {lookup.label} with values from {least:g} to {most:g}; increase its size, or "
        "number the values from 0"
    )
