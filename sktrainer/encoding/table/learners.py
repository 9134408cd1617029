"""Choice of the learning function: by column, dense matrix or sparse matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from sktrainer.encoding.table.cells import is_float_frame
from sktrainer.encoding.table.learning import fit_table
from sktrainer.encoding.table.matrices import fit_matrix
from sktrainer.encoding.table.settings import EncoderOptions, FittedTable
from sktrainer.encoding.table.sparse_matrices import fit_sparse

__all__ = ["choose_fit_function"]


def choose_fit_function(X: Any, settings: EncoderOptions) -> Callable[..., FittedTable]:
    """Return the function that learns the encoding for this type of X."""
    if sparse.issparse(X):
        return fit_sparse
    if isinstance(X, np.ndarray) and X.dtype.kind in "iufb":
        return fit_matrix
    if not settings.impute and not settings.scale and is_float_frame(X):
        return fit_matrix
    return fit_table
