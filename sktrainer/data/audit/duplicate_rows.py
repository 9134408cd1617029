"""SKT103: held-out rows are exact copies of training rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import sparse

from sktrainer.data.audit.table import AuditTable
from sktrainer.data.columns import ColumnValues, column_reader, unwrap_column
from sktrainer.data.levels import factorize
from sktrainer.types import Array, Finding

MIN_SHARE, MIN_COPIES = 0.05, 3
COLUMNS_AT_ONCE = 3
MAX_ROWS_RATED = 1000

# Columns depend on each other, so a further column makes equal rows less improbable than
# independent columns would. Each one counts with this share of its information.
SHARE_OF_BITS = 0.5
MIN_SPARE_BITS = 7.0  # fewer than one in 128 held-out rows has an equal row by chance

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def find(table: AuditTable) -> Iterator[Finding]:
    """Find held-out rows whose columns and target equal those of a training row."""
    X, y, held = table.held_data.X, table.held_data.y, table.held
    if not table.held_name or not table.names or sparse.issparse(X):
        return
    train = table.train
    # Columns with many different values come first: they leave few rows to compare.
    order = np.argsort(-table.n_levels, kind="stable").tolist()
    columns = [column_reader(table.data.X), column_reader(X)]
    hashes = [np.zeros(len(rows), dtype=np.uint64) for rows in (train, held)]
    for start in range(0, len(order) + 1, COLUMNS_AT_ONCE):
        for i in order[start : start + COLUMNS_AT_ONCE]:
            for side, rows in enumerate((train, held)):
                _add(hashes[side], columns[side](i)[rows])
        if start + COLUMNS_AT_ONCE > len(order):
            for side, (target, rows) in enumerate(((table.data.y, train), (y, held))):
                for column in np.atleast_2d(target[rows].T):
                    _add(hashes[side], column)
        found = pd.Series(hashes[1]).isin(hashes[0]).to_numpy()
        held, hashes[1] = held[found], hashes[1][found]
        if not len(held):
            return
        kept = pd.Series(hashes[0]).isin(hashes[1]).to_numpy()
        train, hashes[0] = train[kept], hashes[0][kept]
    n_held = len(table.held)
    rows = np.random.default_rng(0).permutation(held)[:MAX_ROWS_RATED]
    n_copies = round(len(held) * (spare_bits(table, rows) >= MIN_SPARE_BITS).mean())
    if not n_copies:
        return
    is_many = n_copies >= max(MIN_COPIES, MIN_SHARE * n_held)
    yield Finding(
        "warning" if is_many else "note",
        (),
        f"{'many' if is_many else 'a few'} {table.held_name} rows are exact copies of training "
        "rows",
        "The model can memorize them, so the scores are too good",
        "Drop the copies with X.drop_duplicates(), or pass groups= that keep copies together",
        f"{n_copies:,} of {n_held:,} {table.held_name} rows",
    )


def _add(hashes: Array, values: ColumnValues) -> None:
    """Mix the values of one more column into the hashes of the rows, in place."""
    hashes ^= _bits(unwrap_column(values))
    hashes *= _MULTIPLIER
    hashes ^= hashes >> np.uint64(29)


def _bits(values: ColumnValues) -> Array:
    if isinstance(values, np.ndarray) and values.dtype.kind in "iufb":
        numbers = np.array(values, dtype=np.float64)
        numbers += 0.0  # -0.0 becomes 0.0
        numbers[np.isnan(numbers)] = np.nan
        return numbers.view(np.uint64)
    if isinstance(values, np.ndarray) and values.dtype.kind in "mM":
        return values.astype("M8[us]" if values.dtype.kind == "M" else "m8[us]").view(np.uint64)
    codes, strings = factorize(values)
    levels = pd.util.hash_array(np.array([*strings, ""], dtype=object), categorize=False)
    return np.asarray(levels)[codes]


def spare_bits(table: AuditTable, held: Array) -> Array:
    """Return for held-out rows how improbable an equal training row is by chance.

    It is log2 of the number of times that a training set of this size would have to be drawn
    to contain such a row once.
    """
    # The copies themselves must not make their values look frequent.
    distinct = ~pd.DataFrame(table.values.T).duplicated().to_numpy()
    n_rows = int(distinct.sum())
    n_pairs = max(1, n_rows * (n_rows - 1) // 2)
    rated = replace(table, held=held)
    bits = np.zeros((len(table.names), len(held)))
    for i, column in enumerate(rated.columns):
        values, counts = np.unique(column.train[distinct], return_counts=True)
        counts[np.isnan(values)] = np.isnan(column.train[distinct]).sum()
        index = np.minimum(np.searchsorted(values, column.held), len(values) - 1)
        found = (values[index] == column.held) | np.isnan(column.held)
        count = np.where(found, counts[index], 0)
        n_equal = (counts * (counts - 1) / 2).sum()
        rare = (n_equal + 1) / (n_pairs + 1)  # probability that two rows are equal
        share = np.where(count > 1, count / max(1, n_rows), min(rare, 1 / max(1, n_rows)))
        bits[i] = -np.log2(share)
    most = bits.max(axis=0)
    total = most + SHARE_OF_BITS * (bits.sum(axis=0) - most)
    return np.asarray(total - np.log2(len(table.train)))
