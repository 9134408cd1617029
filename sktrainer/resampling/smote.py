"""SMOTE for tables with missing values, category codes and very small classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator

from sktrainer.exceptions import InputError
from sktrainer.types import Array

# Widest search matrix that is stored dense; wider one-hot codes stay sparse to save memory.
MAX_DENSE_COLUMNS = 256


class TableSMOTE(BaseEstimator):
    """SMOTE that accepts missing values, category codes and classes with few rows.

    Synthetic rows are added until every class has as many rows as the largest class. For
    complete numeric columns and at least two rows per class, the result is bit-identical
    to `imblearn.over_sampling.SMOTE`. Other tables follow these additional rules:

    - A new value is missing if it is missing in the base row. If it is missing only in the
      neighbor, the value of the base row is kept. New rows therefore have about as many
      missing values as their class. The neighbor search uses the column median instead.
    - Category codes are part of the distance, as in SMOTE-NC: two different codes, or a
      code and a missing value, contribute the median standard deviation of the numeric
      columns within the class. A new row gets the most frequent code of the neighbors,
      which may be missing. In a tie, the code of the nearest neighbor is used.
    - If a class has at most `k_neighbors` rows, all classes use as few neighbors as the
      smallest class has other rows, since imblearn has one number for all classes. A class
      with a single row is repeated and does not count.

    Parameters
    ----------
    categorical : tuple of int, default=()
        Positions of the columns with category codes. NaN and negative codes are missing.
    k_neighbors : int, default=5
        Number of nearest neighbors.
    random_state : int or None, default=None
        Seed of the random number generator.

    Attributes
    ----------
    neighbors_ : dict
        Number of neighbors used, keyed by class label; 0 if the only row was repeated.

    References
    ----------
    N. V. Chawla, K. W. Bowyer, L. O. Hall, W. P. Kegelmeyer, "SMOTE: synthetic minority
    over-sampling technique", Journal of Artificial Intelligence Research 16, 2002.

    Examples
    --------
    >>> X = np.array([[0.0, 1], [1, 1], [2, 2], [3, np.nan], [9, 2], [8, 2]])
    >>> sampler = TableSMOTE(categorical=(1,), random_state=0)
    >>> X_new, y_new = sampler.fit_resample(X, np.array([0, 0, 0, 0, 1, 1]))
    >>> y_new.tolist(), X_new[6:, 1].tolist(), sampler.neighbors_
    ([0, 0, 0, 0, 1, 1, 1, 1], [2.0, 2.0], {1: 1})
    """

    def __init__(
        self,
        *,
        categorical: tuple[int, ...] = (),
        k_neighbors: int = 5,
        random_state: int | None = None,
    ) -> None:
        self.categorical = categorical
        self.k_neighbors = k_neighbors
        self.random_state = random_state

    def fit_resample(self, X: Any, y: Array) -> tuple[Any, Array]:
        """Return the original rows, followed by the synthetic rows.

        Parameters
        ----------
        X : ndarray, DataFrame or sparse matrix of shape (n_samples, n_features)
        y : ndarray of shape (n_samples,)

        Returns
        -------
        X, y
            Same types and dtypes as the input.

        Raises
        ------
        InputError
            y has only one class, or `categorical` is used with a sparse matrix.
        """
        y = np.asarray(y)
        labels, counts = np.unique(y, return_counts=True)
        if len(labels) < 2:
            raise InputError(
                f"SMOTE: expected rows of at least 2 classes, got {len(labels)}; add rows of "
                "another class, or set handle_imbalance=None"
            )
        n_new = dict(zip(labels.tolist(), (counts.max() - counts).tolist(), strict=True))
        n_rows = dict(zip(labels.tolist(), counts.tolist(), strict=True))
        minority = [label for label, n in n_new.items() if n]
        k = min([self.k_neighbors, *(n_rows[c] - 1 for c in minority if n_rows[c] > 1)])
        self.neighbors_ = {label: k if n_rows[label] > 1 else 0 for label in minority}
        if not minority:
            return X, y
        if self._is_complete_and_numeric(X) and 0 not in self.neighbors_.values():
            from imblearn.over_sampling import SMOTE

            sampler = SMOTE(k_neighbors=k, random_state=self.random_state)
            X_new, y_new = sampler.fit_resample(X, y)
            return X_new, np.asarray(y_new)
        table = _MixedTable(X, self.categorical)
        rng = np.random.default_rng(self.random_state)
        new = [
            table.new_rows(
                np.flatnonzero(y == label), n_new[label], self.neighbors_[label], rng
            )
            for label in minority
        ]
        new_y = [np.repeat(y[y == label][:1], n_new[label]) for label in minority]
        return table.append(new), np.concatenate([y, *new_y])

    def _is_complete_and_numeric(self, X: Any) -> bool:
        values = X.data if sparse.issparse(X) else np.asarray(X)
        is_numeric = not self.categorical and values.dtype.kind in "fiub"
        return is_numeric and not bool(pd.isna(values).any())


class _MixedTable:
    """A table split into numeric columns and category codes."""

    def __init__(self, X: Any, categorical: tuple[int, ...]) -> None:
        if sparse.issparse(X) and categorical:
            raise InputError(
                "SMOTE: expected a dense X with category codes, got a sparse matrix; "
                "use categorical_encoding='onehot', or pass X.toarray()"
            )
        self.container = type(X)
        self.X = X.tocsr() if sparse.issparse(X) else X
        self.codes_at = np.array(sorted(categorical), dtype=np.intp)
        self.numbers_at = np.setdiff1d(np.arange(X.shape[1]), self.codes_at)
        self.numbers = self._columns(self.numbers_at)
        codes = np.nan_to_num(self._columns(self.codes_at), nan=-1) if categorical else None
        # Missing (NaN or a negative code) becomes code 0 and is treated as a level.
        self.codes = None if codes is None else np.maximum(codes, -1).astype(np.int32) + 1
        self.space = _impute_medians(self.numbers)

    def new_rows(self, members: Array, n_new: int, k: int, rng: np.random.Generator) -> Any:
        """Return numbers and codes of `n_new` rows for the class with the rows `members`."""
        from sklearn.neighbors import NearestNeighbors  # slow import, rarely needed

        base = rng.integers(len(members), size=n_new)
        if k == 0:
            start = members[base]
            return self.numbers[start], None if self.codes is None else self.codes[start]
        search = NearestNeighbors(n_neighbors=k).fit(self._search_space(members))
        neighbors = search.kneighbors(return_distance=False)
        chosen = neighbors[base, rng.integers(k, size=n_new)]
        steps = rng.random(n_new)
        numbers = _interpolate(
            self.numbers[members[base]], self.numbers[members[chosen]], steps
        )
        if self.codes is None:
            return numbers, None
        return numbers, _most_frequent(self.codes[members][neighbors])[base]

    def append(self, new_rows: list[tuple[Any, Array | None]]) -> Any:
        """Return the original rows followed by the new rows, in the container type of X."""
        if sparse.issparse(self.X):
            blocks = [numbers.astype(self.X.dtype) for numbers, _ in new_rows]
            return self.container(sparse.vstack([self.X, *blocks], format="csr"))
        n_new = sum(numbers.shape[0] for numbers, _ in new_rows)
        new = np.empty((n_new, self.X.shape[1]))
        new[:, self.numbers_at] = np.concatenate([numbers for numbers, _ in new_rows])
        if self.codes is not None:
            codes = np.concatenate([codes for _, codes in new_rows if codes is not None]) - 1.0
            if not isinstance(self.X, pd.DataFrame):  # whose codes are integers, -1 if missing
                codes[codes < 0] = np.nan
            new[:, self.codes_at] = codes
        if isinstance(self.X, pd.DataFrame):
            columns = {i: _cast(new[:, i], dtype) for i, dtype in enumerate(self.X.dtypes)}
            frame = pd.DataFrame(columns)
            frame.columns = self.X.columns
            return pd.concat([self.X, frame], ignore_index=True)
        return np.concatenate([self.X, _cast(new, self.X.dtype)])

    def _columns(self, positions: Array) -> Any:
        if sparse.issparse(self.X):
            return self.X.astype(np.float64)
        if isinstance(self.X, pd.DataFrame):
            return self.X.iloc[:, positions].to_numpy(dtype=np.float64, na_value=np.nan)
        return np.asarray(self.X)[:, positions].astype(np.float64)

    def _search_space(self, members: Array) -> Any:
        numbers = self.space[members]
        if self.codes is None:
            return numbers
        spread = float(np.median(numbers.std(axis=0))) if numbers.shape[1] else 0.0
        codes = self.codes[members]
        # Two one-hot rows with different codes are at distance sqrt(2) * size = spread.
        size = (spread if spread > 0 else 1.0) / np.sqrt(2)
        offsets = np.concatenate([[0], np.cumsum(codes.max(axis=0) + 1)])
        indices = (codes + offsets[:-1]).ravel()
        indptr = np.arange(0, codes.size + 1, codes.shape[1])
        shape = (len(members), int(offsets[-1]))
        one_hot = sparse.csr_array((np.full(codes.size, size), indices, indptr), shape=shape)
        if numbers.shape[1] + shape[1] <= MAX_DENSE_COLUMNS:
            return np.hstack([numbers, one_hot.toarray()])
        return sparse.hstack([sparse.csr_array(numbers), one_hot], format="csr")


def _impute_medians(numbers: Any) -> Any:
    """Replace missing numbers by the column median, or by zero in sparse matrices."""
    if sparse.issparse(numbers):
        filled = numbers.copy()
        filled.data = np.nan_to_num(filled.data)
        return filled
    is_missing = np.isnan(numbers)
    if not is_missing.any():
        return numbers
    medians = np.zeros(numbers.shape[1])
    some = ~is_missing.all(axis=0)
    medians[some] = np.nanmedian(numbers[:, some], axis=0)
    return np.where(is_missing, medians, numbers)


def _interpolate(base: Any, neighbor: Any, steps: Array) -> Any:
    """Interpolate from base rows to neighbors; a missing neighbor value has no effect."""
    difference = neighbor - base
    if sparse.issparse(difference):
        difference.data[np.isnan(difference.data)] = 0.0
        return base + sparse.diags_array(steps) @ difference
    difference[np.isnan(difference)] = 0.0
    return base + steps[:, np.newaxis] * difference


def _most_frequent(codes: Array) -> Array:
    """Return the most frequent code in each row; in a tie, the first one."""
    counts = np.zeros(codes.shape, dtype=np.int16)
    for i in range(codes.shape[1]):
        counts += codes == codes[:, [i]]
    position = counts.argmax(axis=1)[:, np.newaxis]
    return np.take_along_axis(codes, position, axis=1)[:, 0]


def _cast(values: Array, dtype: Any) -> Array:
    if getattr(dtype, "kind", "") in "iu":
        values = np.rint(values)
    if isinstance(dtype, np.dtype):
        return values.astype(dtype)
    return pd.array(values, dtype=dtype)
