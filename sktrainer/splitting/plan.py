"""Split options and their validation: kind, sizes and seed."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from sktrainer.exceptions import InputError, suggest_name
from sktrainer.types import Array, Task

__all__ = [
    "HeldOut",
    "SplitPlan",
    "check_training_rows_left",
    "is_splitter",
    "resolve_kind",
    "set_sizes",
    "size_notes",
]


SPLIT_KINDS = ("random", "stratified", "group", "time", "splitter")


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
        Fraction of all rows of the table, or number of rows (None: no such set).
    """

    kind: str
    splitter: Any = None
    shuffle: bool = True
    seed: int = 0
    test_size: float | int | None = None
    validation_size: float | int | None = None


@dataclass(frozen=True)
class HeldOut:
    """Positions of the remaining and the held-out rows, and notes for the report."""

    kept: Array
    held: Array
    notes: tuple[str, ...] = ()


def resolve_kind(split: Any, *, task: Task, has_groups: bool, has_time: bool) -> str:
    """Return the kind of split for a `split` parameter.

    Parameters
    ----------
    split : str or splitter
        "auto" is "time" with a time column, else "group" with groups, else "stratified"
        for classification, else "random". An object with a `split` method is of the kind
        "splitter".
    task : {"classification", "regression"}
    has_groups, has_time : bool
        Whether groups and a time column are given.

    Returns
    -------
    str
        One of "random", "stratified", "group", "time", "splitter".

    Raises
    ------
    InputError
        If the kind is unknown, or requires classes or groups that are not given.

    Examples
    --------
    >>> resolve_kind("auto", task="classification", has_groups=False, has_time=False)
    'stratified'
    """
    if not isinstance(split, str):
        if is_splitter(split):
            return "splitter"
        raise InputError(
            f"split: expected 'auto', 'random', 'stratified', 'group', 'time' or an object "
            f"with a `split` method such as KFold(), got {split!r}. Pass one of these."
        )
    if split == "auto":
        if has_time:
            return "time"
        if has_groups:
            return "group"
        return "stratified" if task == "classification" else "random"
    if split not in SPLIT_KINDS[:-1]:
        raise InputError(_unknown_kind(split))
    if split == "stratified" and task == "regression":
        raise InputError(
            "split='stratified': expected a classification task, got a regression. Use "
            "split='random' or split='auto'."
        )
    if split == "group" and not has_groups:
        raise InputError(
            "split='group': expected `groups`, got none. Pass them as fit(X, y, groups=...)."
        )
    return split


def is_splitter(value: Any) -> bool:
    """Return whether a value is a splitter object."""
    # Strings have a `split` method too, and so has a splitter class without parentheses.
    is_other = isinstance(value, str | bytes | type)
    return not is_other and callable(getattr(value, "split", None))


def set_sizes(plan: SplitPlan, n_samples: int) -> dict[str, int]:
    """Return the requested number of validation and test rows.

    A fraction corresponds to ``round(n_samples * size)`` rows, but at least one.

    Raises
    ------
    InputError
        If a size is invalid (both sizes are reported), or no training rows would remain.
    """
    asked: tuple[tuple[str, Any], ...] = (
        ("validation", plan.validation_size),
        ("test", plan.test_size),
    )
    problems = [
        f"{name}_size: expected a fraction between 0 and 1, a number of rows of at least 1, "
        f"or None for no {name} set, got {size!r}"
        for name, size in asked
        if size is not None and not _is_size(size)
    ]
    if problems:
        raise InputError(problems)
    sizes = {name: _n_rows(size, n_samples) for name, size in asked}
    held = sum(sizes.values())
    if held and held >= n_samples:
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


def size_notes(name: str, asked: int, got: int, reason: str) -> tuple[str, ...]:
    """Return a note if the size of a set differs from the requested one by more than 10%."""
    if abs(got - asked) <= max(1, 0.1 * asked):
        return ()
    rows = "row" if got == 1 else "rows"
    return (f"the {name} set has {got:,} {rows} instead of {asked:,}: {reason}",)


def _is_size(size: Any) -> bool:
    if isinstance(size, bool):
        return False
    if isinstance(size, Integral):
        return int(size) >= 1
    return isinstance(size, Real) and 0 < float(size) < 1


def _n_rows(size: float | int | None, n_samples: int) -> int:
    if size is None:
        return 0
    if isinstance(size, Integral):
        return int(size)
    return max(1, round(n_samples * float(size)))


def _unknown_kind(split: str) -> str:
    known = ("auto", *SPLIT_KINDS[:-1])
    do = suggest_name(split, known) or ". Use one of these."
    return f"split: expected one of {', '.join(map(repr, known))}, got {split!r}{do}"
