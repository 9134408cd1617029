"""Warning about rows that are matched by position although their indexes differ in order."""

from __future__ import annotations

from typing import Any

import pandas as pd

from sktrainer.exceptions import DataWarning, warn_caller

__all__ = ["warn_index_order"]


def warn_index_order(X: Any, table: str = "X", **beside: Any) -> None:
    """Warn if an argument has the index labels of X in another order.

    Parameters
    ----------
    X : table
        Only a pandas DataFrame has an index.
    table : str, default="X"
        The name of the table in the message.
    **beside : object
        Arguments with one value per row, by name. Only a Series or DataFrame has an index.

    Warns
    -----
    DataWarning

    Examples
    --------
    >>> X = pd.DataFrame({"size": [1.0, 2.0, 3.0]})
    >>> warn_of_another_order(X, y=pd.Series([5, 6, 7]))
    """
    if not isinstance(X, pd.DataFrame):
        return
    for name, values in beside.items():
        if isinstance(values, (pd.Series, pd.DataFrame)) and _is_reordered(
            X.index, values.index
        ):
            warn_caller(
                f"{name} has the index labels of {table} in another order, but rows are "
                f"matched by position. Pass {name}.loc[{table}.index] to match them by label, "
                f"or {name}.to_numpy() to keep the order.",
                DataWarning,
            )


def _is_reordered(index: pd.Index, other: pd.Index) -> bool:
    if len(index) != len(other) or index.equals(other):
        return False
    # Rows cannot be matched by label if labels are repeated.
    if not (index.is_unique and other.is_unique):
        return False
    return bool((index.get_indexer(other) >= 0).all())
