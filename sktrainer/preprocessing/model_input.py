"""Last step before a model whose library does not accept every table or matrix."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from sklearn.base import BaseEstimator

from sktrainer.data.columns import column_names, is_frame
from sktrainer.types import Array


class ModelInput(BaseEstimator):
    """Step that replaces characters in column names, and converts sparse integers to floats.

    Some libraries refuse such input. Values, order and dtypes of a table are unchanged. It is
    no transformer with `set_output`, which would restore the column names.

    Parameters
    ----------
    name_characters : str, default=""
        Characters that column names must not contain.
    sparse_floats_only : bool, default=False
        Whether sparse matrices must contain floats.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"size [m]": [1], "size {m}": [2]})
    >>> step = ModelInput(name_characters="[]{}")
    >>> step.is_needed(X), list(step.fit(X).transform(X).columns)
    (True, ['size _m_', 'size _m__2'])
    """

    def __init__(self, *, name_characters: str = "", sparse_floats_only: bool = False) -> None:
        self.name_characters = name_characters
        self.sparse_floats_only = sparse_floats_only

    def is_needed(self, X: Any) -> bool:
        """Return whether X must be changed."""
        if sparse.issparse(X):
            return self.sparse_floats_only and X.dtype.kind != "f"
        names = "".join(map(str, column_names(X))) if is_frame(X) else ""
        return any(character in names for character in self.name_characters)

    def fit(self, X: Any, y: Any = None) -> ModelInput:
        """Choose the new column names."""
        replaced = str.maketrans(dict.fromkeys(self.name_characters, "_"))
        self.names_in_ = [str(name) for name in column_names(X)] if is_frame(X) else []
        self.names_out_: list[str] = []
        for name in self.names_in_:
            free, number = name.translate(replaced), 2
            while free in self.names_out_:
                free, number = f"{name.translate(replaced)}_{number}", number + 1
            self.names_out_.append(free)
        return self

    def transform(self, X: Any) -> Any:
        """Return the rows in the form that the library accepts."""
        if sparse.issparse(X):
            dtype = np.result_type(X.dtype, np.float32)
            return X.astype(dtype) if self.is_needed(X) else X
        if not self.names_out_ or not is_frame(X):
            return X
        if isinstance(X, pd.DataFrame):
            return X.set_axis(self.names_out_, axis=1)
        renamed = dict(zip(column_names(X), self.names_out_, strict=True))
        return nw.from_native(X, eager_only=True).rename(renamed).to_native()

    def get_feature_names_out(self, input_features: npt.ArrayLike | None = None) -> Array:
        """Return the original column names, which reports show."""
        names = self.names_in_ if input_features is None else input_features
        return np.asarray(names, dtype=object)
