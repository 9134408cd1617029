"""Splits and folds that keep the rows of a group together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import sparse

from sktrainer.exceptions import InputError
from sktrainer.runtime.seeds import derive_seed
from sktrainer.splitting.plan import HeldOut, SplitPlan, size_notes
from sktrainer.types import Array, FitData

# Number of random group orders to try for one set, by the maximum number of groups. With many
# groups, a few orders are enough, because they all give similar sets.
N_ORDERINGS = ((500, 64), (10_000, 32), (np.inf, 6))


def hold_out(data: FitData, rows: Array, n_held: int, plan: SplitPlan, part: str) -> HeldOut:
    """Hold out whole groups with a total of about `n_held` rows.

    Several random orders of the groups are tried. The best of the resulting sets leaves the
    fewest classes without training rows. Among these it minimizes the relative error of its
    size plus, for classification, the total variation distance between its class
    frequencies and those of all rows.
    """
    codes, n_groups = _group_codes(data, rows)
    if n_groups < 2:
        raise InputError(
            f"groups: expected at least 2 groups to hold out a {part} set, got {n_groups} in "
            f"{len(rows)} rows. Use smaller groups, or split='random'."
        )
    rng = np.random.default_rng(derive_seed(plan.seed, part))
    table = _GroupTable(data, rows, codes, n_groups)
    is_held = table.best_set(np.arange(n_groups), n_held, n_groups - 1, rng)[codes]
    held = rows[is_held]
    notes = size_notes(part, n_held, len(held), "groups are kept together")
    return HeldOut(rows[~is_held], held, notes)


def folds(
    data: FitData, rows: Array, n_folds: int, plan: SplitPlan
) -> list[tuple[Array, Array]]:
    """Assign whole groups to test folds, one fold after the other, like `hold_out`."""
    codes, n_groups = _group_codes(data, rows)
    if n_folds > n_groups:
        raise InputError(
            f"cv={n_folds}: expected at most as many folds as groups, got {n_groups} groups. "
            f"Use cv={n_groups}" + (" or fewer" if n_groups > 2 else "")
            if n_groups > 1
            else f"cv={n_folds}: expected at least 2 groups, got {n_groups}. Use "
            "split='random', or smaller groups."
        )
    rng = np.random.default_rng(derive_seed(plan.seed, "folds"))
    table = _GroupTable(data, rows, codes, n_groups)
    fold_of = np.full(n_groups, n_folds - 1)  # the last fold gets the remaining groups
    for fold in range(n_folds - 1):
        left = np.flatnonzero(fold_of == n_folds - 1)
        n_after = n_folds - 1 - fold
        n_held = round(table.sizes[left].sum() / (n_after + 1))
        # At least one group must remain for each of the later folds.
        fold_of[table.best_set(left, n_held, len(left) - n_after, rng)] = fold
    fold_of_row = fold_of[codes]
    return [(rows[fold_of_row != k], rows[fold_of_row == k]) for k in range(n_folds)]


class _GroupTable:
    """Number of rows of each group, and of each class in each group."""

    def __init__(self, data: FitData, rows: Array, codes: Array, n_groups: int) -> None:
        self.sizes = np.bincount(codes, minlength=n_groups)
        self._per_class = None
        if data.task == "classification":
            shape = (data.n_classes, n_groups)
            coordinates = (data.y[rows], codes)
            self._per_class = sparse.csr_array((np.ones(len(rows)), coordinates), shape=shape)
            self._class_counts = np.bincount(data.y[rows], minlength=data.n_classes)

    def best_set(
        self, candidates: Array, n_held: int, most: int, rng: np.random.Generator
    ) -> Array:
        """Return a boolean mask over all groups of the groups to hold out.

        At most `most` of the groups `candidates` are held out, with about `n_held` rows.
        """
        sets = self._candidate_sets(candidates, n_held, most, rng)
        return min(sets, key=lambda is_held: self._cost(is_held, n_held))

    def _candidate_sets(
        self, candidates: Array, n_held: int, most: int, rng: np.random.Generator
    ) -> Iterator[Array]:
        """Yield two candidate sets per order: groups added or removed to reach the size."""
        n_left = int(self.sizes[candidates].sum()) - n_held
        fewest_left = len(candidates) - most
        n_orders = next(orders for limit, orders in N_ORDERINGS if len(candidates) <= limit)
        for _ in range(n_orders):
            order = rng.permutation(candidates)
            filled = np.zeros(len(self.sizes), dtype=bool)
            filled[_fill_greedily(order, self.sizes, n_held)[:most]] = True
            yield filled
            emptied = np.zeros(len(self.sizes), dtype=bool)
            emptied[candidates] = True
            left = _fill_greedily(order, self.sizes, n_left)
            if fewest_left <= len(left) < len(candidates):
                emptied[left] = False
                yield emptied

    def _cost(self, is_held: Array, n_held: int) -> tuple[int, float]:
        n_rows = int(self.sizes[is_held].sum())
        size_error = abs(n_rows - n_held) / n_held
        if self._per_class is None:
            return 0, size_error
        counts = self._per_class @ is_held.astype(float)
        n_lost = int(np.sum((counts >= self._class_counts) & (counts > 0)))
        shares = self._class_counts / self._class_counts.sum()
        # As tuples are compared in order, lost classes count more than any deviation.
        return n_lost, size_error + 0.5 * float(np.abs(counts / n_rows - shares).sum())


def _fill_greedily(order: Array, sizes: Array, room: int) -> Array:
    """Return the groups that fit into `room` rows, in order; else the smallest group."""
    chosen = []
    left = order[sizes[order] <= room]
    while len(left):
        # Take as many groups as fit at once, then skip those that are too large.
        totals = np.cumsum(sizes[left])
        n_fit = int(np.searchsorted(totals, room, side="right"))
        chosen.append(left[:n_fit])
        room -= int(totals[n_fit - 1])
        left = left[n_fit:]
        left = left[sizes[left] <= room]
    if not chosen:
        return order[[int(np.argmin(sizes[order]))]]
    return np.concatenate(chosen)


def _group_codes(data: FitData, rows: Array) -> tuple[Array, int]:
    codes, groups = pd.factorize(np.asarray(data.groups)[rows], use_na_sentinel=False)
    return codes, len(groups)
