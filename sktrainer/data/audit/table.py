"""Samples of the training and held-out rows as numbers, which all checks share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import gammaln

from sktrainer.data.audit.sample_columns import AuditColumn, read_column
from sktrainer.data.columns import (
    ColumnValues,
    column_names,
    column_reader,
    is_float_frame,
    is_frame,
    preview_names,
)
from sktrainer.data.indexing import take_rows
from sktrainer.data.levels import factorize
from sktrainer.types import Array, FitData, Rows

# The checks are linear in the number of sampled values. A sample of 10,000 rows determines a
# share of rows to ±1 %, which is enough for all thresholds.
MAX_ROWS, MIN_ROWS, MAX_VALUES = 10_000, 300, 600_000

# With fewer rows, every pattern can be due to chance.
FEW_ROWS = 30
MIN_TIED = 20
MAX_PAIRS, MIN_CONSTANT = 500, 0.99

# A category column must have at most this many levels, or 20 rows per level, to count as a
# predictor. Otherwise, its levels can identify a few rows each.
MAX_CODES = 12

# Upper limit for the probability that a check reports what is due to chance.
CHANCE = 1e-7


@dataclass(frozen=True)
class AuditTable:
    """Rows of a fit, as the checks read them.

    `train` and `held` are the positions of the training rows in X, and of the held-out rows in
    X or in the validation rows that the user passed. `held_name` is "test", "validation", or
    "fold" for the rows of a fold, and empty without held-out rows. `split_kind` is as in
    `SplitPlan`.
    """

    data: FitData
    train: Array
    held: Array
    held_name: str = ""
    split_kind: str = "random"

    @property
    def held_data(self) -> FitData | Rows:
        """X and y that contain the held-out rows."""
        own = self.data.validation
        return own if self.held_name == "validation" and own is not None else self.data

    @property
    def is_random_split(self) -> bool:
        """Whether held-out rows were drawn at random from all rows."""
        drawn = self.split_kind in ("random", "stratified")
        return drawn and bool(self.held_name) and not self.has_own_validation

    @property
    def has_own_validation(self) -> bool:
        """Whether the held-out rows are those that the user passed."""
        return self.held_name == "validation" and self.data.validation is not None

    @cached_property
    def names(self) -> list[str]:
        """Names of the columns; empty if X is not a table."""
        X = self.data.X
        if is_frame(X):
            return [str(name) for name in column_names(X)]
        if getattr(X, "ndim", 0) != 2:
            return []
        if sparse.issparse(X) and MIN_ROWS * X.shape[1] > MAX_VALUES:
            return []
        return [f"x{position}" for position in range(X.shape[1])]

    @cached_property
    def _samples(self) -> tuple[Array, Array]:
        n_rows = MAX_VALUES // max(1, len(self.names))
        n_rows = min(MAX_ROWS, max(MIN_ROWS, n_rows))
        rng = np.random.default_rng(0)
        samples = [rng.permutation(p) for p in (self.train, self.held)]
        if self.data.n_samples > n_rows:
            samples = [
                p if len(p) <= n_rows else rng.choice(p, n_rows, replace=False) for p in samples
            ]
        return samples[0], samples[1]

    @cached_property
    def y(self) -> Array:
        """Targets of the sampled training rows: codes, or ranks for regression."""
        return self.comparable(self.data.y[self._samples[0]])

    def comparable(self, y: Array) -> Array:
        """Return codes of classes as they are, and ranks of numbers.

        With ranks, one extreme target does not hide how well a column predicts the rest.
        """
        if self.data.task == "classification":
            return y
        return np.asarray(pd.DataFrame(y).rank().mean(axis=1))

    def differences(self, y: Array) -> Array:
        """Return how much the targets of neighbors differ, along the last axis."""
        is_class = self.data.task == "classification"
        return y[..., 1:] != y[..., :-1] if is_class else np.diff(y) ** 2

    @cached_property
    def y_held(self) -> Array:
        """Targets of the sampled held-out rows."""
        return np.asarray(self.held_data.y[self._samples[1]])

    @cached_property
    def y_train(self) -> Array:
        """Targets of the sampled training rows, as in `y_held`."""
        return np.asarray(self.data.y[self._samples[0]])

    @cached_property
    def columns(self) -> list[AuditColumn]:
        """The columns in the order of X."""
        if not self.names:
            return []
        train = take_rows(self.data.X, self._samples[0])
        held = take_rows(self.held_data.X, self._samples[1])
        if sparse.issparse(train):
            train, held = train.toarray(), held.toarray()
        if is_float_frame(train) and is_float_frame(held):
            train, held = train.to_numpy(), held.to_numpy()
        if all(isinstance(X, np.ndarray) and X.dtype.kind in "iufb" for X in (train, held)):
            blocks = [np.array(X.T, dtype=np.float64, order="C") for X in (train, held)]
            for block in blocks:
                block[np.isinf(block)] = np.nan
            return [AuditColumn("numeric", *pair) for pair in zip(*blocks, strict=True)]
        of_train, of_held = column_reader(train), column_reader(held)
        return [read_column(of_train(i), of_held(i), name) for i, name in enumerate(self.names)]

    @cached_property
    def values(self) -> Array:
        """Sampled training values, of shape (n_columns, n_rows), with rows in random order."""
        return np.array([c.train for c in self.columns]).reshape(len(self.names), -1)

    @cached_property
    def held_values(self) -> Array:
        """Sampled held-out values, of shape (n_columns, n_rows)."""
        return np.array([c.held for c in self.columns]).reshape(len(self.names), -1)

    @cached_property
    def is_category(self) -> Array:
        """Whether each column holds codes of categories."""
        return np.array([bool(column.levels) for column in self.columns], dtype=bool)

    @cached_property
    def kinds(self) -> Array:
        """Kind of each column."""
        return np.array([column.kind for column in self.columns], dtype=object)

    @cached_property
    def sort_order(self) -> Array:
        """Order of the rows that sorts each column. Equal values are in random order."""
        return np.argsort(self.values, axis=1)

    @cached_property
    def tied(self) -> Array:
        """Whether neighbors in the sorted column are equal or both missing."""
        ordered = np.take_along_axis(self.values, self.sort_order, axis=1)
        missing = np.isnan(ordered)
        return (ordered[:, 1:] == ordered[:, :-1]) | (missing[:, 1:] & missing[:, :-1])

    @cached_property
    def n_levels(self) -> Array:
        """Number of distinct values of each column in the sample; NaN is one value."""
        return (~self.tied).sum(axis=1) + 1

    @cached_property
    def n_present(self) -> Array:
        """Number of values of each column that are not missing."""
        return (~np.isnan(self.values)).sum(axis=1)

    @cached_property
    def _pairs(self) -> Array:
        """Whether neighbors in the sorted column both have a value; these come first."""
        return np.arange(len(self.y) - 1) < self.n_present[:, np.newaxis] - 1

    @cached_property
    def _differences(self) -> Array:
        """Differences between the targets of neighbors in each sorted column.

        Their mean is 1 if the target does not depend on the column.
        """
        y = self.y[self.sort_order]
        expected = np.full(len(self.names), self.spread(self.y))
        for i in np.flatnonzero(self.n_present < len(self.y)).tolist():
            expected[i] = self.spread(y[i, : self.n_present[i]])
        # Without two different targets, nothing can be explained.
        return (
            self.differences(y) / np.where(expected > 0, expected, 1.0)[:, np.newaxis]
            + (expected == 0)[:, np.newaxis]
        )

    def spread(self, y: Array) -> float:
        """Return the mean difference between the targets of two random rows."""
        if not len(y):
            return 0.0
        if self.data.task == "classification":
            return float(1.0 - ((np.bincount(y) / len(y)) ** 2).sum())
        return float(2.0 * y.var())

    def _explained(self, pairs: Array, least: Array | int) -> Array:
        """Return 1 minus the mean difference of these pairs; NaN if there are fewer pairs."""
        n_pairs = pairs.sum(axis=1)
        mean = (self._differences * pairs).sum(axis=1) / np.maximum(n_pairs, 1)
        return np.where(n_pairs >= np.maximum(least, 1), 1.0 - mean, np.nan)

    @cached_property
    def skills(self) -> Array:
        """How well each column alone predicts the target, from 0 (not at all) to 1.

        Rows are sorted by the column, and each target is predicted by that of the row before,
        as in the correlation coefficient of Chatterjee (2021), https://doi.org/10.1080/
        01621459.2020.1758115. This is the share of variance that the column explains, for
        any relation, in the rows with a value. In a category column, only rows of one
        category are compared. In a column with many numbers, also only rows with different
        numbers are compared, because equal numbers can identify a group of rows.
        """
        if not len(self.names) or len(self.y) < FEW_ROWS:
            return np.zeros(len(self.names))
        of_all = self._explained(self._pairs, MIN_TIED)
        if self.data.task == "classification":  # even a perfect column has such neighbors
            n_perfect = np.unique(self.y).size - 1
            unit = self._differences.max(axis=1) / np.maximum(self.n_present - 1, 1)
            of_all = np.minimum(1.0, of_all + n_perfect * unit)
        n_apart = np.maximum(MAX_CODES, self.n_present // 20)
        of_tied = self._explained(self._pairs & self.tied, self.n_present - n_apart)
        n_apart = np.maximum(FEW_ROWS, self.n_present // 20)
        of_apart = self._explained(self._pairs & ~self.tied, n_apart)
        skills = np.where(self.is_category, of_tied, np.fmin(of_all, of_apart))
        return np.nan_to_num(skills)

    @cached_property
    def tied_skills(self) -> Array:
        """Share of the target's variance explained by equal values; 0 if these are few."""
        return np.nan_to_num(self._explained(self._pairs & self.tied, MIN_TIED))

    @cached_property
    def decides(self) -> bool:
        """Whether the training rows are enough to exclude that a perfect column is chance."""
        n_rows = len(self.y)
        log_arrangements = gammaln(n_rows + 1)
        if self.data.task == "classification":
            log_arrangements -= gammaln(np.bincount(self.y) + 1).sum()
        likely = np.log(max(1, len(self.names)) / CHANCE)
        return n_rows >= FEW_ROWS and bool(log_arrangements > likely)

    def constant_columns(self, position: int) -> Array:
        """Return whether the other columns are constant where this column is constant."""
        tied, order = np.flatnonzero(self.tied[position]), self.sort_order[position]
        tied = tied[:: max(1, len(tied) // MAX_PAIRS)]
        equal = self.values[:, order[tied]] == self.values[:, order[tied + 1]]
        share = equal.sum(axis=1) / max(1, len(tied))
        constant = (self.n_levels > 1) & (share >= MIN_CONSTANT)
        constant[position] = False
        return np.asarray(constant)

    def full_column(self, position: int) -> ColumnValues:
        """Return all values of a column, of every row of X."""
        X = self.data.X
        return column_reader(X.tocsc()[:, [position]].toarray() if sparse.issparse(X) else X)(
            0 if sparse.issparse(X) else position
        )

    def numbers(self, position: int) -> Array:
        """Return a column of every row of X as numbers: codes for strings, NaN if missing."""
        values = self.full_column(position)
        if self.columns[position].kind == "category":
            codes, _ = factorize(values)
            return np.where(codes < 0, np.nan, codes)
        return read_column(values, values[:0], self.names[position]).train

    def is_time(self, position: int) -> bool:
        """Return whether this is the column of `time_column`."""
        time = self.data.time
        return time is not None and np.array_equal(self.numbers(position), time)


def describe_columns(names: Iterable[str]) -> str:
    """Return "column 'a'" or "columns 'a', 'b'".

    Examples
    --------
    >>> describe_columns(["age"]), describe_columns(["age", "sex"])
    ("column 'age'", "columns 'age', 'sex'")
    """
    listed = list(names)
    return f"column{'s' if len(listed) > 1 else ''} {preview_names(listed)}"
