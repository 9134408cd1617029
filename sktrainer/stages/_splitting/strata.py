"""Random and stratified parts and folds; random is one stratum for all rows."""

from __future__ import annotations

import numpy as np

from sktrainer.running.seeding import derive_seed
from sktrainer.stages._splitting.plan import Cut, SplitPlan
from sktrainer.types import Array, CheckedData


def hold_out(data: CheckedData, rows: Array, n_held: int, plan: SplitPlan, part: str) -> Cut:
    """Hold out exactly `n_held` of the rows, of each class its share."""
    strata = _strata(data, rows, plan)
    order = _order(len(rows), plan, part)
    by_stratum = order[np.argsort(strata[order], kind="stable")]
    counts = np.bincount(strata)
    held = allocate(counts, n_held)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    # Shuffled, the last of a class are any of its rows; unshuffled, its last ones.
    is_held = np.empty(len(rows), dtype=bool)
    is_held[by_stratum] = place >= np.repeat(counts - held, counts)
    return Cut(rows[~is_held], rows[is_held])


def folds(
    data: CheckedData, rows: Array, n_folds: int, plan: SplitPlan
) -> list[tuple[Array, Array]]:
    """Deal the rows into test parts of equal size, each with its share of each class.

    Sizes differ by one row at most, and so do those of each class. A class of fewer rows
    than folds is in some of the test parts only.
    """
    strata = _strata(data, rows, plan)
    order = _order(len(rows), plan, "folds")
    by_stratum = order[np.argsort(strata[order], kind="stable")]
    counts = np.bincount(strata)
    # Row i of the sorted rows counts for fold i modulo n_folds: both the folds and the
    # classes within them come out even. Which rows a fold takes is by blocks of a class.
    n_strata = len(counts)
    dealt = np.arange(len(rows)) % n_folds
    cells = np.bincount(
        strata[by_stratum].astype(np.intp) * n_folds + dealt, minlength=n_strata * n_folds
    )
    fold = np.repeat(np.tile(np.arange(n_folds), n_strata), cells)
    fold_of = np.empty(len(rows), dtype=np.intp)
    fold_of[by_stratum] = fold
    return [(rows[fold_of != k], rows[fold_of == k]) for k in range(n_folds)]


def allocate(counts: Array, total: int) -> Array:
    """Share `total` held-out rows among classes of these counts, by largest remainder.

    Every class keeps a row in training, as long as there are as many training rows as
    classes; with fewer, the rarest classes go without.

    Parameters
    ----------
    counts : ndarray of shape (n_classes,)
        Rows of each class; zeros are allowed.
    total : int
        Below ``counts.sum()``.

    Returns
    -------
    ndarray of shape (n_classes,)
        Held-out rows of each class; they sum to `total`.

    Examples
    --------
    >>> allocate(np.array([70, 29, 1]), 10)
    array([7, 3, 0])
    """
    caps = np.maximum(counts - 1, 0)
    short = total - int(caps.sum())
    if short > 0:
        present = np.flatnonzero(counts)
        rarest = present[np.argsort(counts[present], kind="stable")[:short]]
        caps[rarest] = counts[rarest]
    quota = total * counts / counts.sum()
    while True:
        share = np.minimum(np.floor(quota).astype(caps.dtype), caps)
        is_open = share < caps
        left = total - int(share.sum())
        if left <= is_open.sum():
            break
        # What classes at their cap cannot give, the others give, each by its size.
        rest = total - int(caps[~is_open].sum())
        quota = np.where(is_open, quota * (rest / quota[is_open].sum()), caps)
    candidates = np.flatnonzero(is_open)
    remainder = (quota - share)[candidates]
    share[candidates[np.argsort(-remainder, kind="stable")[:left]]] += 1
    return share


def _strata(data: CheckedData, rows: Array, plan: SplitPlan) -> Array:
    if plan.kind != "stratified":
        return np.zeros(len(rows), dtype=np.uint16)
    # Sixteen bits sort by radix, in a tenth of the time.
    small = data.n_classes <= np.iinfo(np.uint16).max
    return data.y[rows].astype(np.uint16 if small else np.intp)


def _order(n_rows: int, plan: SplitPlan, part: str) -> Array:
    if not plan.shuffle:
        return np.arange(n_rows)
    return np.random.default_rng(derive_seed(plan.seed, part)).permutation(n_rows)
