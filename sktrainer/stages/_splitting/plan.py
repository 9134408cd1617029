"""How rows are to be parted: the kind, the sizes, the seed."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from sktrainer.exceptions import InputError, meant
from sktrainer.types import Array, Task

KINDS = ("random", "stratified", "group", "time", "splitter")


@dataclass(frozen=True)
class SplitPlan:
    """How rows are to be parted into training, validation, test and folds.

    Parameters
    ----------
    kind : {"random", "stratified", "group", "time", "splitter"}
    splitter : splitter or None, default=None
        For the kind "splitter"; used through copies, never changed.
    shuffle : bool, default=True
        For the kinds "random" and "stratified": draw rows at random; False: training
        rows come first and test rows last.
    seed : int, default=0
        Each part's own seed is derived from it.
    test_size, validation_size : float, int or None, default=None
        A fraction of all rows of the table, or a count of rows; None: no such part.
    """

    kind: str
    splitter: Any = None
    shuffle: bool = True
    seed: int = 0
    test_size: float | int | None = None
    validation_size: float | int | None = None


@dataclass(frozen=True)
class Cut:
    """Row positions that stay, those that are held out, and what is worth knowing."""

    kept: Array
    held: Array
    notes: tuple[str, ...] = ()


def resolve_kind(split: Any, *, task: Task, has_groups: bool, has_time: bool) -> str:
    """Return the kind of split that a `split` parameter asks for.

    Parameters
    ----------
    split : str or splitter
        "auto" is "time" where a time column is given, "group" where groups are given,
        "stratified" for classification, else "random". An object with a `split` method
        is of the kind "splitter".
    task : {"classification", "regression"}
    has_groups, has_time : bool
        Whether the caller gave groups, and a time column.

    Returns
    -------
    str
        One of "random", "stratified", "group", "time", "splitter".

    Raises
    ------
    InputError
        The kind is not known, or needs what was not given.

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
            f"with a `split` method such as KFold(), got {split!r}; pass one of these"
        )
    if split == "auto":
        if has_time:
            return "time"
        if has_groups:
            return "group"
        return "stratified" if task == "classification" else "random"
    if split not in KINDS[:-1]:
        raise InputError(_unknown_kind(split))
    if split == "stratified" and task == "regression":
        raise InputError(
            "split='stratified': expected classes as targets, got a regression; use "
            "split='random', or split='auto'"
        )
    if split == "group" and not has_groups:
        raise InputError(
            "split='group': expected `groups`, got none; pass them as fit(X, y, groups=...)"
        )
    return split


def is_splitter(value: Any) -> bool:
    """Whether this is a splitter; a class of splitters is not one, nor is a str."""
    is_other = isinstance(value, str | bytes | type)
    return not is_other and callable(getattr(value, "split", None))


def part_sizes(plan: SplitPlan, n_samples: int) -> dict[str, int]:
    """Return the number of rows asked for each held-out part; 0 for none.

    A fraction becomes ``round(n_samples * size)`` rows, and at least one.

    Raises
    ------
    InputError
        A size is not one, or no training row would be left; all mistakes at once.
    """
    asked: tuple[tuple[str, Any], ...] = (
        ("validation", plan.validation_size),
        ("test", plan.test_size),
    )
    problems = [
        f"{name}_size: expected a fraction between 0 and 1, a count of rows of at least 1, "
        f"or None for no {name} part, got {size!r}"
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
            f"{names}: expected at least one training row to be left, got {parts} rows of "
            f"{n_samples}; ask for smaller parts, or give more rows"
        )
    return sizes


def check_leaves_training(n_held: int, n_rows: int, name: str) -> None:
    """Raise where a part of `n_held` of `n_rows` rows leaves none to train on."""
    if n_held >= n_rows:
        raise InputError(
            f"{name}_size: expected at least one training row to be left, got {n_held} "
            f"{name} rows out of {n_rows} rows to train on; ask for a smaller "
            f"{name}_size, or for more folds"
        )


def size_notes(name: str, asked: int, got: int, reason: str) -> tuple[str, ...]:
    """Return a note where a part is more than a tenth off the size asked."""
    if abs(got - asked) <= max(1, 0.1 * asked):
        return ()
    rows = "row" if got == 1 else "rows"
    return (f"the {name} part has {got:,} {rows} in place of {asked:,}: {reason}",)


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
    known = ("auto", *KINDS[:-1])
    do = meant(split, known) or "; use one of these"
    return f"split: expected one of {', '.join(map(repr, known))}, got {split!r}{do}"
