"""Which rows a sampler took: what the weights of resampled rows depend on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sktrainer.exceptions import InputError
from sktrainer.types import Array, Rows

__all__ = ["positions_of", "rows_taken"]

TAKE_WHOLE_ROWS = ("RandomOverSampler", "RandomUnderSampler")


def positions_of(sampler: Any, rows: Rows) -> Array:
    """Return the positions of rows, for a sampler to take some, where X is a dict of arrays.

    Returns
    -------
    ndarray of int of shape (n_samples, 1)

    Raises
    ------
    InputError
        The sampler looks at the rows, or makes new ones.
    """
    name, smooth = type(sampler).__name__, getattr(sampler, "shrinkage", None) is not None
    if name not in TAKE_WHOLE_ROWS or smooth:
        raise InputError(
            f"handle_imbalance: a dict of arrays has no table for "
            f"{name.removeprefix('Table')} to look at; use "
            "'class_weight', 'oversample' or 'undersample'"
        )
    return np.arange(len(rows))[:, np.newaxis]


def rows_taken(sampler: Any, rows: Rows, X_new: Any, y_new: Array) -> Array:
    """Return the positions of the rows that a fitted sampler took, if it gave just those.

    Parameters
    ----------
    sampler : sampler
        Its `sample_indices_` are believed only where its output bears them out: a
        smoothed bootstrap has them too, and moves the rows.
    rows : Rows
        What it was given.
    X_new, y_new
        What it gave.

    Returns
    -------
    ndarray of int of shape (n_new,)

    Raises
    ------
    InputError
        Some of the rows are new.
    """
    taken = getattr(sampler, "sample_indices_", None)
    if taken is not None and len(taken) == len(y_new):
        taken = np.asarray(taken)
        if np.array_equal(rows.y[taken], y_new) and _are_rows(rows.X, taken, X_new):
            return taken
    raise InputError(
        f"sample_weight: expected a sampler that only repeats or leaves out rows, got "
        f"{type(sampler).__name__}, whose new rows have no weight; use "
        "handle_imbalance='class_weight', 'oversample' or 'undersample', or pass no "
        "sample_weight"
    )


def _are_rows(X: Any, taken: Array, X_new: Any) -> bool:
    if sparse.issparse(X):
        of_table, given = X.tocsr()[taken], X_new.tocsr()
        return of_table.shape == given.shape and np.array_equal(
            of_table.data, given.data, equal_nan=True
        )
    if isinstance(X, pd.DataFrame):
        return X.iloc[taken].reset_index(drop=True).equals(X_new.reset_index(drop=True))
    is_float = np.asarray(X).dtype.kind == "f"
    return np.array_equal(np.asarray(X)[taken], X_new, equal_nan=is_float)
