"""Inputs whose values an embedding looks up: that each of them stands in its table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sktrainer.exceptions import InputError
from sktrainer.types import Array

__all__ = ["Lookup", "check_lookups"]


@dataclass(frozen=True)
class Lookup:
    """An embedding that looks up an input of the network as it comes.

    Attributes
    ----------
    size : int
        Rows of its table, for the whole numbers from 0 to `size` - 1.
    of : str or None, default=None
        Which of the arrays that X is a dict of; None: X.
    """

    size: int
    of: str | None = None

    @property
    def label(self) -> str:
        return "X" if self.of is None else f"X[{self.of!r}]"


def check_lookups(lookups: Iterable[Lookup], inputs: Iterable[Any]) -> None:
    """Refuse rows, to train on or to stop on, with values that no table has.

    In training they end in an error of the library's own, or go wrong in silence: Keras
    cuts decimals off, and TensorFlow's `gather` gives zeros on a GPU.

    Parameters
    ----------
    lookups : iterable of Lookup
    inputs : iterable of array or of dict of arrays
        What the network is given, of the rows to train on and of those to stop on.

    Raises
    ------
    InputError
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


def _problem(lookup: Lookup, values: Array) -> str | None:
    if not values.size:
        return None
    if values.dtype.kind == "f" and not np.array_equal(values, np.floor(values)):
        example = values[values != np.floor(values)][0]
        return (
            f"an Embedding looks up whole numbers, got {lookup.label} with {example:g}; pass "
            "integers and preprocessor=None, since the automatic one scales numbers"
        )
    least, most = values.min(), values.max()
    if least >= 0 and most < lookup.size:
        return None
    return (
        f"an Embedding of size {lookup.size:,} looks up 0 to {lookup.size - 1:,}, got "
        f"{lookup.label} with values from {least:g} to {most:g}; make it larger than the "
        "largest, or number the values from 0"
    )
