"""Row positions selected by a sampler, used to resample sample weights and dict inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sktrainer.exceptions import InputError
from sktrainer.types import Array, Rows

INDEX_SAMPLERS = ("RandomOverSampler", "RandomUnderSampler")


def index_rows(sampler: object, rows: Rows) -> Array:
    """Return row positions as a one-column X, to be resampled in place of a dict of arrays.

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


def sample_indices(sampler: object, rows: Rows, X_new: object, y_new: Array) -> Array:
    """Return the positions in `rows` of the rows that a fitted sampler selected.

    Raises
    ------
    InputError
        Some of the resampled rows are synthetic.
    """
    indices = getattr(sampler, "sample_indices_", None)
    # The indices are compared with the output, because RandomOverSampler with `shrinkage`
    # also sets them but perturbs the rows.
    if indices is not None and len(indices) == len(y_new):
        indices = np.asarray(indices)
        if np.array_equal(rows.y[indices], y_new) and _equals_rows(rows.X, indices, X_new):
            return indices
    raise InputError(
        f"sample_weight: expected a sampler that only repeats or drops rows, got "
        f"{type(sampler).__name__}, which creates rows without a weight; use "
        "handle_imbalance='class_weight', 'oversample' or 'undersample', or pass no "
        "sample_weight"
    )


def _equals_rows(X: Any, indices: Array, X_new: Any) -> bool:
    if sparse.issparse(X):
        old, new = X.tocsr()[indices], X_new.tocsr()
        return old.shape == new.shape and np.array_equal(old.data, new.data, equal_nan=True)
    if isinstance(X, pd.DataFrame):
        return X.iloc[indices].reset_index(drop=True).equals(X_new.reset_index(drop=True))
    is_float = np.asarray(X).dtype.kind == "f"  # equal_nan=True fails for objects
    return np.array_equal(np.asarray(X)[indices], X_new, equal_nan=is_float)
