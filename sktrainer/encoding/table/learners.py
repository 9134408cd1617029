"""Choice of the learning function: by column, dense matrix or sparse matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

from sktrainer.encoding.table.cells import is_float_block
from sktrainer.encoding.table.learning import learn_table
from sktrainer.encoding.table.matrices import learn_matrix
from sktrainer.encoding.table.settings import Learned, Settings
from sktrainer.encoding.table.sparse_matrices import learn_sparse

__all__ = ["learner_of"]


def learner_of(X: Any, settings: Settings) -> Callable[..., Learned]:
    """Return the function that learns the encoding for this type of X."""
    if sparse.issparse(X):
        return learn_sparse
    if isinstance(X, np.ndarray) and X.dtype.kind in "iufb":
        return learn_matrix
    if not settings.impute and not settings.scale and is_float_block(X):
        return learn_matrix
    return learn_table
