"""Row positions selected by a sampler, used to resample sample weights and dict inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sktrainer.exceptions import InputError
from sktrainer.types import Array, Rows

__all__ = ["index_rows", "sample_indices"]


INDEX_SAMPLERS = ("RandomOverSampler", "RandomUnderSampler")


def index_rows(sampler: Any, rows: Rows) -> Array:
    """Return row positions as a one-column X, to be resampled in place of a dict of arrays.

    Returns
    -------
    ndarray of int of shape (n_samples, 1)

    Raises
    ------
    InputError
        The sampler uses the feature values or creates synthetic rows.
    """
    name, smooth = type(sampler).__name__, getattr(sampler, "shrinkage", None) is not None
    if name not in INDEX_SAMPLERS or smooth:
        raise InputError(
            f"handle_imbalance: {name.removeprefix('Table')} does not support a dict of "
            "arrays, because it needs the feature values as one table; use "
            "'class_weight', 'oversample' or 'undersample'"
        )
    return np.arange(len(rows))[:, np.newaxis]


def sample_indices(sampler: Any, rows: Rows, X_new: Any, y_new: Array) -> Array:
    """Return the positions of the rows that a fitted sampler selected.

    Parameters
    ----------
    sampler : sampler
        Fitted sampler. Its `sample_indices_` are compared with its output, because
        RandomOverSampler with `shrinkage` also sets them but perturbs the rows.
    rows : Rows
        Rows before resampling.
    X_new, y_new
        Rows after resampling.

    Returns
    -------
    ndarray of int of shape (n_new,)

    Raises
    ------
    InputError
        Some of the resampled rows are synthetic.
    """
    taken = getattr(sampler, "sample_indices_", None)
    if taken is not None and len(taken) == len(y_new):
        taken = np.asarray(taken)
        if np.array_equal(rows.y[taken], y_new) and _are_rows(rows.X, taken, X_new):
            return taken
    raise InputError(
        f"sample_weight: expected a sampler that only repeats or drops rows, got "
        f"{type(sampler).__name__}, which creates rows without a weight; use "
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
    is_float = np.asarray(X).dtype.kind == "f"  # equal_nan=True fails for objects
    return np.array_equal(np.asarray(X)[taken], X_new, equal_nan=is_float)
