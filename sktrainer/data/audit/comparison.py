"""Distances between training and held-out values that chance does not explain."""

from __future__ import annotations

import numpy as np

from sktrainer.data.audit.table import AuditTable
from sktrainer.types import Array, Severity

MIN_HELD_ROWS = 20
N_CUTS = 20
CHANCE = 1e-6  # probability that a difference between random sets is reported


def comparison_severity(table: AuditTable) -> Severity:
    """Return how serious a difference between the sets is.

    A split by time or group is meant to show how a model does on other rows, so that
    differences are expected: they are a note.
    """
    return "warning" if table.has_own_validation or table.is_random_split else "note"


def comparison_fix(table: AuditTable) -> str:
    """Return what to do about a difference between the sets."""
    if comparison_severity(table) == "note":
        return "A split by time or group shows such differences. Expect them in new rows, too"
    choice = "other validation rows" if table.has_own_validation else "shuffle=True"
    return f"Check how the sets were chosen, and use {choice} if they should be alike"


def critical_distance(
    n_train: int, n_held: int, n_columns: int, n_levels: int = 1, chance: float = CHANCE
) -> float:
    """Return the distance of two distributions that chance exceeds with probability `chance`.

    It is the bound of Dvoretzky, Kiefer and Wolfowitz, corrected for the number of columns.
    The distance of categories is a sum over `n_levels` levels.
    """
    probability = chance / max(1, n_columns)
    rows = n_train * n_held / max(1, n_train + n_held)
    bound = np.sqrt(np.log(2.0 / probability) / (2.0 * max(rows, 1.0)))
    return float(bound * max(1.0, n_levels**0.5))


def number_distances(train: Array, held: Array) -> Array:
    """Return the distances between samples of numbers, one row per column, from 0 to 1.

    It is the largest difference of the distribution functions at 20 quantiles, or of the
    shares of missing values.

    Examples
    --------
    >>> number_distances(np.arange(10.0)[None], np.arange(5.0, 15.0)[None])
    array([0.5])
    """
    present = [(~np.isnan(values)).sum(axis=1) for values in (train, held)]
    shares = [n / max(1, v.shape[1]) for n, v in zip(present, (train, held), strict=True)]
    largest = np.abs(shares[0] - shares[1])
    ordered = np.sort(train, axis=1)
    for quantile in np.linspace(0, 1, N_CUTS + 1):
        index = (quantile * np.maximum(present[0] - 1, 0)).astype(np.intp)
        cut = np.take_along_axis(ordered, index[:, None], axis=1)
        below = [
            (values <= cut).sum(axis=1) / np.maximum(n, 1)
            for values, n in zip((train, held), present, strict=True)
        ]
        both = (present[0] > 0) & (present[1] > 0)
        largest = np.maximum(largest, np.where(both, np.abs(below[0] - below[1]), 0.0))
    return np.asarray(largest)


def category_distance(train: Array, held: Array) -> float:
    """Return the total variation distance of two samples of codes; NaN is one more code.

    Examples
    --------
    >>> category_distance(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.0, 0.0, 0.0, np.nan]))
    0.5
    """
    codes = [
        np.where(np.isnan(values), -1, values).astype(np.intp) + 1 for values in (train, held)
    ]
    n_codes = int(max(c.max(initial=0) for c in codes)) + 1
    shares = [np.bincount(c, minlength=n_codes) / max(1, len(c)) for c in codes]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)
