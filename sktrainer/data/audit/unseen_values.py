"""SKT203: held-out rows have categories or numbers that training rows never have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import gammainc

from sktrainer.data.audit.comparison import MIN_HELD_ROWS, comparison_severity
from sktrainer.data.audit.sample_columns import AuditColumn
from sktrainer.data.audit.table import CHANCE, AuditTable, describe_columns
from sktrainer.types import Finding

MIN_SHARE = 0.02


def find(table: AuditTable) -> Iterator[Finding]:
    """Find columns in which more held-out values are new than chance explains."""
    if not table.held_name or not table.names or len(table.y_held) < MIN_HELD_ROWS:
        return
    size = len(table.y), len(table.y_held)
    chance = CHANCE / len(table.names)
    # Chance puts the most extreme of all rows on the held-out side with this probability.
    share_held = size[1] / (size[0] + size[1])
    most_by_chance = np.log(chance) / np.log(share_held)
    low, high = (f.reduce(table.values, axis=1)[:, None] for f in (np.fmin, np.fmax))
    n_below, n_above = ((table.held_values < low).sum(1), (table.held_values > high).sum(1))
    outside = (n_below + n_above) / size[1]
    shares = {}
    for i, (name, column) in enumerate(zip(table.names, table.columns, strict=True)):
        share = 0.0
        if column.levels:
            share = _unseen_share(column, chance)
        elif column.kind in ("numeric", "duration") and outside[i] >= MIN_SHARE:
            side = column.held < low[i] if n_below[i] > n_above[i] else column.held > high[i]
            # Equal values are counted once, because they are all on one side by chance.
            if len(np.unique(column.held[side])) > most_by_chance:
                share = outside[i]
        if share >= MIN_SHARE:
            shares[name] = share
    if shares:
        yield Finding(
            comparison_severity(table),
            tuple(shares),
            f"{table.held_name} rows have values in {describe_columns(shares)} that no "
            "training row has",
            "A model cannot learn the effect of values that it never sees",
            "Use training rows that cover these values, or drop the column",
            ", ".join(f"{n!r}: {share:.0%} of rows" for n, share in list(shares.items())[:10]),
        )


def _unseen_share(column: AuditColumn, chance: float) -> float:
    """Return the share of new categories beyond the expected one; 0.0 if chance explains it.

    As many rows of a random set are new as there are categories with a single training row
    (Good and Turing). Their number has about a Poisson distribution.
    """
    known = column.train[~np.isnan(column.train)].astype(int)
    n_single = int((np.bincount(known) == 1).sum())
    n_new = int((column.held >= len(column.levels)).sum())
    expected = (n_single + 1) * len(column.held) / len(column.train)
    # The regularized incomplete gamma function is the probability of at least n_new rows.
    explained = n_new == 0 or gammainc(n_new, expected) > chance
    return 0.0 if explained else n_new / len(column.held) - n_single / len(column.train)
