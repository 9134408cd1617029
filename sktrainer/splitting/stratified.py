"""Random and stratified splits and folds; a random split has one stratum for all rows."""

from __future__ import annotations

import numpy as np

from sktrainer.runtime.seeds import derive_seed
from sktrainer.splitting.plan import HeldOut, SplitPlan
from sktrainer.types import Array, FitData


def hold_out(data: FitData, rows: Array, n_held: int, plan: SplitPlan, part: str) -> HeldOut:
    """Hold out exactly `n_held` rows, with each class in proportion to its frequency."""
    strata = _strata(data, rows, plan)
    order = _order(len(rows), plan, part)
    by_stratum = order[np.argsort(strata[order], kind="stable")]
    counts = np.bincount(strata)
    held = allocate_per_class(counts, n_held)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    # The last rows of each class are held out. With shuffling these are random rows.
    is_held = np.empty(len(rows), dtype=bool)
    is_held[by_stratum] = place >= np.repeat(counts - held, counts)
    return HeldOut(rows[~is_held], rows[is_held])


def folds(
    data: FitData, rows: Array, n_folds: int, plan: SplitPlan
) -> list[tuple[Array, Array]]:
    """Split the rows into test folds of equal size, each with all classes in proportion.

    The sizes of the folds, and the class counts in the folds, differ by at most one row. A
    class with fewer rows than folds occurs in some of the folds only.
    """
    strata = _strata(data, rows, plan)
    order = _order(len(rows), plan, "folds")
    by_stratum = order[np.argsort(strata[order], kind="stable")]
    counts = np.bincount(strata)
    # With the rows sorted by class, assigning row i to fold i % n_folds balances both fold
    # sizes and class counts. Only these counts are used: each fold takes a contiguous block
    # of the rows of a class, as in scikit-learn's StratifiedKFold.
    n_strata = len(counts)
    dealt = np.arange(len(rows)) % n_folds
    cells = np.bincount(
        strata[by_stratum].astype(np.intp) * n_folds + dealt, minlength=n_strata * n_folds
    )
    fold = np.repeat(np.tile(np.arange(n_folds), n_strata), cells)
    fold_of = np.empty(len(rows), dtype=np.intp)
    fold_of[by_stratum] = fold
    return [(rows[fold_of != k], rows[fold_of == k]) for k in range(n_folds)]


def allocate_per_class(counts: Array, total: int) -> Array:
    """Distribute `total` held-out rows over the classes by the largest remainder method.

    Every class keeps at least one training row. If there are fewer training rows than
    classes, the rarest classes have none.

    Parameters
    ----------
    counts : ndarray of shape (n_classes,)
        Number of rows of each class, which may be zero.
    total : int
        Number of rows to hold out, less than ``counts.sum()``.

    Returns
    -------
    ndarray of shape (n_classes,)
        Number of held-out rows of each class, with the sum `total`.

    Examples
    --------
    >>> allocate_per_class(np.array([70, 29, 1]), 10)
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
        # Rows that classes at their cap cannot provide are taken from the other classes.
        rest = total - int(caps[~is_open].sum())
        quota = np.where(is_open, quota * (rest / quota[is_open].sum()), caps)
    candidates = np.flatnonzero(is_open)
    remainder = (quota - share)[candidates]
    share[candidates[np.argsort(-remainder, kind="stable")[:left]]] += 1
    return share


def _strata(data: FitData, rows: Array, plan: SplitPlan) -> Array:
    if plan.kind != "stratified":
        return np.zeros(len(rows), dtype=np.uint16)
    # NumPy's stable sort is a radix sort for 16-bit integers, about ten times as fast.
    small = data.n_classes <= np.iinfo(np.uint16).max
    return data.y[rows].astype(np.uint16 if small else np.intp)


def _order(n_rows: int, plan: SplitPlan, part: str) -> Array:
    if not plan.shuffle:
        return np.arange(n_rows)
    return np.random.default_rng(derive_seed(plan.seed, part)).permutation(n_rows)
