"""Rows go by position; here it is seen where the caller's indexes say another order."""

from __future__ import annotations

from typing import Any

import pandas as pd

from sktrainer.exceptions import DataWarning, warn_caller

__all__ = ["warn_of_another_order"]


def warn_of_another_order(X: Any, table: str = "X", **beside: Any) -> None:
    """Warn where values bear the labels of X's index, but in another order.

    Parameters
    ----------
    X : table
        Only a pandas DataFrame has an index.
    table : str, default="X"
        What it is called.
    **beside : object
        What is given a value for each row, by name; only a Series or DataFrame has an index.

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
        if isinstance(values, (pd.Series, pd.DataFrame)) and _reordered(X.index, values.index):
            warn_caller(
                f"the index of {name} has the labels of {table}'s in another order, and rows "
                f"are matched by position: pass {name}.loc[{table}.index] to match them by "
                f"label, or {name}.to_numpy() where the order is meant",
                DataWarning,
            )


def _reordered(index: pd.Index, other: pd.Index) -> bool:
    if len(index) != len(other) or index.equals(other):
        return False
    if not (index.is_unique and other.is_unique):
        return False
    return bool((index.get_indexer(other) >= 0).all())
