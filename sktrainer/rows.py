"""Rows of X, whatever X is: how many there are, and some of them.

X is a table, an array of any number of dimensions, a list, or, for a network of several
inputs, a dict of arrays that have a row each for every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from sktrainer.exceptions import InputError
from sktrainer.types import Array

__all__ = [
    "as_array",
    "as_inputs",
    "count_dimensions",
    "count_rows",
    "expected_inputs",
    "is_inputs",
    "take_rows",
    "without_column",
]

NUMBERS = "biuf"


def is_inputs(X: Any) -> bool:
    """Tell whether this is a dict of arrays, one for each input of a network.

    Examples
    --------
    >>> is_inputs({"words": np.zeros((2, 7))}), is_inputs(np.zeros((2, 7)))
    (True, False)
    """
    # SciPy's dictionary-of-keys matrices are dicts too.
    return isinstance(X, Mapping) and not sparse.issparse(X)


def as_array(X: Any) -> Any:
    """Return tensors, and lists of three dimensions or more, as arrays; all else as it is.

    A tensor on the processor is not copied.

    Raises
    ------
    InputError
        Rows of unlike lengths, or a tensor on a GPU or with a gradient.

    Examples
    --------
    >>> as_array([[[1, 2]], [[3, 4]]]).shape, as_array(["a text", "another"])
    ((2, 1, 2), ['a text', 'another'])
    """
    if isinstance(X, np.ndarray) or sparse.issparse(X) or hasattr(X, "to_numpy"):
        return X
    if not hasattr(X, "__array__") and count_dimensions(X) <= 2:
        return X
    try:
        return np.asarray(X)
    except (ValueError, TypeError, RuntimeError) as error:
        what, reason = type(X).__name__, str(error).rstrip(".")
        do = f"pass an array that NumPy can make of the {what}, its rows of one length"
        raise InputError(f"X cannot be made an array: {reason}; {do}") from error


def count_dimensions(X: Any) -> int:
    """Return the number of dimensions of an array, a tensor, a table, or of lists in lists.

    Examples
    --------
    >>> count_dimensions(np.zeros((2, 3, 4))), count_dimensions([[1, 2], [3, 4]])
    (3, 2)
    """
    if isinstance(X, (list, tuple)):
        return 1 + (count_dimensions(X[0]) if X else 0)
    return int(getattr(X, "ndim", 0))


def as_inputs(X: Mapping[Any, Any]) -> dict[str, Array]:
    """Return a dict of arrays with as many rows each, or say all that is wrong with it.

    Parameters
    ----------
    X : mapping of str to array-like of shape (n_samples, ...)
        Arrays, lists, tensors, Series, DataFrames, of numbers or booleans. No array is
        copied.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    InputError

    Examples
    --------
    >>> X = as_inputs({"words": [[3, 1], [2, 2]], "price": np.array([9.5, 3.0])})
    >>> {name: values.shape for name, values in X.items()}
    {'words': (2, 2), 'price': (2,)}
    """
    if not X:
        raise InputError(
            "X must hold at least one array, got an empty dict; pass an array for each "
            "input of the network, by its name"
        )
    problems: list[str] = []
    inputs = {name: _as_array(name, values, problems) for name, values in X.items()}
    if not problems and len({len(values) for values in inputs.values()}) > 1:
        rows = ", ".join(f"{name!r} has {len(values):,}" for name, values in inputs.items())
        problems.append(
            f"the arrays of X must have as many rows each, got: {rows}; pass one row for "
            "each sample"
        )
    if problems:
        raise InputError(problems)
    return inputs


def _as_array(name: Any, values: Any, problems: list[str]) -> Array:
    if not isinstance(name, str):
        problems.append(
            f"the keys of X must be names of the network's inputs, got {name!r}; use text"
        )
    if sparse.issparse(values):
        problems.append(
            f"X[{name!r}] must be dense, got a sparse matrix; convert it with .toarray()"
        )
        return np.empty(0)
    try:
        array = values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)
    except ValueError as error:  # rows of unlike lengths
        problems.append(f"X[{name!r}] must be an array: {error}; pad its rows to one length")
        return np.empty(0)
    if array.ndim == 0 or array.dtype.kind not in NUMBERS:
        got = "a single value" if array.ndim == 0 else f"the type {array.dtype}"
        problems.append(
            f"X[{name!r}] must be an array of numbers with a row for each sample, got "
            f"{got}; encode it first"
        )
    return np.atleast_1d(array)


def expected_inputs(X: Any, names: Iterable[str]) -> dict[str, Array]:
    """Return the arrays that a fit was given, in its order, of rows that came later.

    Raises
    ------
    InputError
        X is no dict, or its names are others than those of the fit.
    """
    names = list(names)
    if not is_inputs(X):
        raise InputError(
            f"X must be a dict of arrays with the keys {_listed(names)}, as in fit, got "
            f"{type(X).__name__}"
        )
    missing = [name for name in names if name not in X]
    unknown = [name for name in X if name not in names]
    if missing or unknown:
        raise InputError(
            f"X must have the keys that fit was given, {_listed(names)}; missing: "
            f"{_listed(missing)}; not in fit: {_listed(unknown)}"
        )
    return as_inputs({name: X[name] for name in names})


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(map(repr, names)) or "none"


def count_rows(X: Any) -> int:
    """Return the number of rows.

    Raises
    ------
    TypeError
        X has no length.

    Examples
    --------
    >>> count_rows(np.zeros((3, 2))), count_rows({"words": np.zeros((4, 7))})
    (3, 4)
    """
    return int(_num_samples(next(iter(X.values())) if is_inputs(X) else X))


def take_rows(X: Any, positions: Array) -> Any:
    """Return these rows of X; X itself, with no copy, where they are all rows in order.

    Examples
    --------
    >>> take_rows({"words": np.array([[1], [2], [3]])}, np.array([2, 0]))
    {'words': array([[3],
           [1]])}
    """
    n_samples = count_rows(X)
    if len(positions) == n_samples and (positions == np.arange(n_samples)).all():
        return X
    if is_inputs(X):
        return {name: values[positions] for name, values in X.items()}
    return _safe_indexing(X, positions)


def without_column(X: Any, name: str) -> Any:
    """Return a table of pandas or polars without this column.

    Examples
    --------
    >>> import pandas as pd
    >>> list(without_column(pd.DataFrame({"size": [1], "price": [2]}), "price"))
    ['size']
    """
    return X.drop(columns=name) if hasattr(X, "iloc") else X.drop(name)
