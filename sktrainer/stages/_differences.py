"""Comparison of the columns of `X_val` with those of X."""

from __future__ import annotations

from typing import Any

from sktrainer.exceptions import InputError
from sktrainer.rows import is_input_dict, select_inputs

__all__ = ["differences"]


def differences(X: Any, X_val: Any) -> list[str]:
    """Return the differences between the columns or keys of `X_val` and those of X.

    Parameters
    ----------
    X, X_val : table, array, dict of arrays or None
        None if an earlier check refused it.

    Examples
    --------
    >>> differences({"words": [[1]]}, {"words": [[2]]})
    []
    """
    if X is None or X_val is None:
        return []
    if is_input_dict(X):
        try:
            select_inputs(X_val, X)
        except InputError as error:
            return list(error.problems)
        return []
    if is_input_dict(X_val):
        return [f"X_val must have the type of X, {type(X).__name__}, got a dict of arrays"]
    left, right = getattr(X, "columns", None), getattr(X_val, "columns", None)
    if left is None or right is None or list(left) == list(right):
        return []
    missing = [str(name) for name in left if name not in set(right)]
    extra = [str(name) for name in right if name not in set(left)]
    problem = (
        "X_val must have the columns of X in the same order; missing: "
        f"{', '.join(missing) or 'none'}; not in X: {', '.join(extra) or 'none'}"
    )
    return [problem]
