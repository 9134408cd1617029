"""Splits and folds by a splitter object or by (train, test) pairs."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
from sklearn.model_selection import GroupShuffleSplit, PredefinedSplit

from sktrainer.data.indexing import take_rows
from sktrainer.exceptions import InputError
from sktrainer.runtime.seeds import derive_seed
from sktrainer.splitting.plan import HeldOut, SplitPlan, size_notes
from sktrainer.types import Array, FitData

# Splits are compared until they hold this many row positions in total. LeaveOneOut has one
# split per row, and iterating over all of them would take minutes for a large table.
MOST_POSITIONS = 20_000_000


def hold_out(data: FitData, rows: Array, n_held: int, plan: SplitPlan, part: str) -> HeldOut:
    """Hold out the test rows of one split of a copy of the splitter.

    The copy is configured for a size near `n_held`. The split with the most training rows is
    used, and the last one of several. With TimeSeriesSplit, this is the latest block.
    """
    splitter = _seeded_copy(plan.splitter, derive_seed(plan.seed, part))
    _set_size(splitter, n_held, len(rows))
    most = max(1, MOST_POSITIONS // len(rows))
    best: tuple[Array, Array] | None = None
    for pair in islice(_pairs(splitter, data, rows, plan.splitter), most):
        if best is None or len(pair[0]) >= len(best[0]):
            best = pair
    if best is None:
        raise InputError(_no_split_message(plan.splitter, f"a {part} set", len(rows)))
    kept, held = best
    name = _name(plan.splitter)
    notes = size_notes(part, n_held, len(held), f"{name} does not support this size")
    n_unused = len(rows) - len(kept) - len(held)
    if n_unused:
        notes += (f"{name} leaves out {n_unused:,} rows when it holds out the {part} set",)
    return HeldOut(kept, held, notes)


def folds(
    data: FitData, rows: Array, n_folds: int | None, splitter: object, seed: int
) -> list[tuple[Array, Array]]:
    """Return the splits of a copy of the splitter.

    `n_folds` replaces the copy's number of splits, if it has one (None: unchanged), and
    `seed` determines its `random_state` if that is None.
    """
    copied = _seeded_copy(splitter, derive_seed(seed, "folds"))
    if n_folds is not None:
        _set_n_splits(copied, n_folds)
    pairs = list(_pairs(copied, data, rows, splitter))
    if not pairs:
        raise InputError(_no_split_message(splitter, "folds", len(rows)))
    return pairs


def folds_from_pairs(data: FitData, rows: Array, pairs: Any) -> list[tuple[Array, Array]]:
    """Return validated (train, test) pairs of positions, restricted to `rows`."""
    is_usable = np.zeros(data.n_samples, dtype=bool)
    is_usable[rows] = True
    checked = []
    for number, pair in enumerate(pairs):
        try:
            train, test = pair
        except (TypeError, ValueError):
            raise InputError(
                f"cv: expected pairs (train, test) of row positions, got {type(pair).__name__} "
                f"as entry {number}. Pass such pairs, a number of folds or a splitter."
            ) from None
        sides = [_positions(side, data.n_samples, number) for side in (train, test)]
        used = [np.sort(side[is_usable[side]]) for side in sides]
        checked.append(_checked_pair(used[0], used[1], data.n_samples, f"cv, entry {number}"))
    if not checked:
        raise InputError("cv: expected at least one (train, test) pair, got none")
    return checked


def _pairs(
    splitter: Any, data: FitData, rows: Array, original: Any
) -> Iterator[tuple[Array, Array]]:
    name = _name(original)
    if isinstance(splitter, PredefinedSplit) and len(splitter.test_fold) == data.n_samples:
        # PredefinedSplit ignores X and always returns positions into the whole table.
        splitter = PredefinedSplit(splitter.test_fold[rows])
    try:
        for number, (train, test) in enumerate(
            splitter.split(*_arguments(splitter, data, rows))
        ):
            kept = np.sort(_positions(train, len(rows), number))
            held = np.sort(_positions(test, len(rows), number))
            yield _checked_pair(rows[kept], rows[held], data.n_samples, name)
    except InputError:
        raise
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{name} could not split {len(rows):,} rows: {error}; use another splitter, or "
            "one of the split kinds, such as split='random'"
        ) from error


def _arguments(splitter: object, data: FitData, rows: Array) -> tuple[Any, ...]:
    """Return the arguments X, y and groups for the splitter.

    scikit-learn's splitters only use the length of X, so no copy of the rows is needed.
    """
    X: Any = np.empty((len(rows), 0))
    y = data.y[rows]
    if not type(splitter).__module__.startswith("sklearn."):
        is_all = np.array_equal(rows, np.arange(data.n_samples))
        X = data.X if is_all else take_rows(data.X, rows)
        y = y if data.classes is None else data.classes[y]
    if not _accepts_groups(splitter):
        return X, y
    return X, y, None if data.groups is None else np.asarray(data.groups)[rows]


def _accepts_groups(splitter: Any) -> bool:
    # Splitters such as KFold have a parameter `groups` too, but warn if it is used.
    routing = getattr(splitter, "get_metadata_routing", None)
    if routing is not None:
        return bool(routing().split.requests.get("groups"))
    parameters = inspect.signature(splitter.split).parameters.values()
    return any(p.name == "groups" or p.kind is p.VAR_POSITIONAL for p in parameters)


def _seeded_copy(splitter: Any, seed: int) -> Any:
    copied = copy.deepcopy(splitter)
    if getattr(copied, "random_state", 0) is None:
        copied.random_state = seed
    return copied


def _set_size(splitter: object, n_held: int, n_rows: int) -> None:
    if hasattr(splitter, "test_size"):
        # The integer test_size of GroupShuffleSplit counts groups, so a fraction is set.
        counts_groups = isinstance(splitter, GroupShuffleSplit)
        splitter.test_size = n_held / n_rows if counts_groups else n_held
        if hasattr(splitter, "train_size"):
            splitter.train_size = None
        if hasattr(splitter, "n_splits"):
            splitter.n_splits = 1
    else:
        _set_n_splits(splitter, max(2, round(n_rows / n_held)))


def _set_n_splits(splitter: Any, n_splits: int) -> None:
    if hasattr(splitter, "n_splits"):
        splitter.n_splits = n_splits
    elif "n_splits" in getattr(splitter, "cvargs", {}):
        # RepeatedKFold and RepeatedStratifiedKFold keep n_splits in `cvargs`.
        splitter.cvargs["n_splits"] = n_splits


def _positions(side: object, n_rows: int, number: int) -> Array:
    positions = np.asarray(side)
    if positions.dtype == bool and len(positions) == n_rows:
        return np.flatnonzero(positions)
    if positions.size == 0:
        return np.empty(0, dtype=np.intp)
    is_valid = positions.ndim == 1 and positions.dtype.kind in "iu"
    if not is_valid or positions.min() < 0 or positions.max() >= n_rows:
        raise InputError(
            f"cv: expected row positions from 0 to {n_rows - 1}, got others in split {number}. "
            "Pass integer positions into the X passed to fit."
        )
    return positions


def _checked_pair(train: Array, test: Array, n_samples: int, name: str) -> tuple[Array, Array]:
    if not len(train) or not len(test):
        raise InputError(
            f"{name}: expected training and test rows in each split, got {len(train)} training "
            f"and {len(test)} test rows. Use fewer splits or a smaller size."
        )
    is_train = np.zeros(n_samples, dtype=bool)
    is_train[train] = True
    n_both = int(is_train[test].sum())
    if n_both:
        raise InputError(
            f"{name}: expected disjoint training and test rows, got {n_both} rows in both. "
            "Scores on training rows are meaningless."
        )
    return train, test


def _no_split_message(splitter: object, what: str, n_rows: int) -> str:
    return (
        f"{_name(splitter)}: expected at least one split for {what} of {n_rows:,} rows, got "
        "none. Use a splitter that returns more splits."
    )


def _name(splitter: object) -> str:
    return type(splitter).__name__
