"""Split options and their validation: kind, sizes and seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.exceptions import InputError
from sktrainer.types import Array, Task


@dataclass(frozen=True)
class SplitPlan:
    """Options of the split into training, validation and test sets and into folds.

    Parameters
    ----------
    kind : {"random", "stratified", "group", "time", "splitter"}
    splitter : splitter or None, default=None
        For the kind "splitter". It is copied before use and never modified.
    shuffle : bool, default=True
        For the kinds "random" and "stratified": whether to draw rows at random. If False,
        training rows come first and test rows last.
    seed : int, default=0
        The seed of each set is derived from it.
    test_size, validation_size : float, int or None, default=None
        Fraction of the rows at hand, or number of rows (None: no such set).
    gap : int or timedelta64, default=0
        For the kind "time": number of rows, or duration, left out before held-out rows.
    """

    kind: str
    splitter: Any = None
    shuffle: bool = True
    seed: int = 0
    test_size: float | int | None = None
    validation_size: float | int | None = None
    gap: int | np.timedelta64 = 0


@dataclass(frozen=True)
class HeldOut:
    """Positions of the remaining and the held-out rows, and notes for the report."""

    kept: Array
    held: Array
    notes: tuple[str, ...] = ()


def resolve_kind(split: object, *, task: Task, has_groups: bool, has_time: bool) -> str:
    """Return the kind of split for a valid value of the `split` parameter.

    "auto" is "time" with a time column, else "group" with groups, else "stratified" for
    classification, else "random". An object with a `split` method is of the kind
    "splitter".

    Examples
    --------
    >>> resolve_kind("auto", task="classification", has_groups=False, has_time=False)
    'stratified'
    """
    if not isinstance(split, str):
        return "splitter"
    if split == "auto":
        if has_time:
            return "time"
        if has_groups:
            return "group"
        return "stratified" if task == "classification" else "random"
    return split


def gap_duration(gap: object) -> np.timedelta64 | None:
    """Return a gap that is a duration as a timedelta64, None for anything else.

    Examples
    --------
    >>> gap_duration("7D").astype("timedelta64[h]"), gap_duration(7)
    (np.timedelta64(168,'h'), None)
    """
    if not isinstance(gap, (str, timedelta, np.timedelta64)):
        return None
    if isinstance(gap, str) and not any(char.isalpha() for char in gap):
        return None  # pandas would read "7" as 7 nanoseconds
    try:
        duration = pd.Timedelta(gap)
    except ValueError:
        return None
    return duration.to_timedelta64() if duration >= pd.Timedelta(0) else None


def n_rows_of(size: float | int, n_samples: int) -> int:
    """Return the number of rows of a set, from a number of rows or a fraction of all rows."""
    return int(size) if isinstance(size, Integral) else max(1, round(n_samples * float(size)))


def set_sizes(plan: SplitPlan, n_samples: int) -> dict[str, int]:
    """Return the requested number of validation and test rows.

    A fraction corresponds to ``round(n_samples * size)`` rows, but at least one.

    Raises
    ------
    InputError
        If no training rows would remain.
    """
    sizes = {"validation": 0, "test": 0}
    for name, size in (("validation", plan.validation_size), ("test", plan.test_size)):
        if size is not None:
            sizes[name] = n_rows_of(size, n_samples)
    n_held_out = sum(sizes.values())
    if n_held_out and n_held_out >= n_samples:
        parts = " and ".join(f"{sizes[name]} {name}" for name in sizes if sizes[name])
        names = " or ".join(f"{name}_size" for name in sizes if sizes[name])
        raise InputError(
            f"{names}: expected at least one training row to remain, got {parts} rows of "
            f"{n_samples}. Use smaller sizes, or pass more rows."
        )
    return sizes


def check_training_rows_left(n_held: int, n_rows: int, name: str) -> None:
    """Raise an error if holding out `n_held` of `n_rows` rows leaves no training rows."""
    if n_held >= n_rows:
        raise InputError(
            f"{name}_size: expected at least one training row to remain, got {n_held} "
            f"{name} rows to hold out of {n_rows} rows. Use a smaller "
            f"{name}_size, or more folds."
        )


def size_notes(name: str, requested: int, got: int, reason: str) -> tuple[str, ...]:
    """Return a note if the size of a set differs from the requested one by more than 10%."""
    if abs(got - requested) <= max(1, 0.1 * requested):
        return ()
    rows = "row" if got == 1 else "rows"
    return (f"the {name} set has {got:,} {rows} instead of {requested:,}: {reason}",)
