"""Row counting and row selection for every supported type of X.

X is a table, an array of any number of dimensions, a list, or, for a network with several
inputs, a dict of arrays with one row per sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import narwhals as nw
import numpy as np
from scipy import sparse
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from sktrainer.data.columns import is_frame, preview_names
from sktrainer.exceptions import InputError
from sktrainer.types import Array

NUMERIC_KINDS = "biuf"


def is_input_dict(X: Any) -> bool:
    """Return whether X is a dict of arrays, one per input of a network.

    Examples
    --------
    >>> is_input_dict({"words": np.zeros((2, 7))}), is_input_dict(np.zeros((2, 7)))
    (True, False)
    """
    # SciPy's dictionary-of-keys matrices are dicts too.
    return isinstance(X, Mapping) and not sparse.issparse(X)


def as_array(X: Any) -> Any:
    """Convert tensors and nested lists of three or more dimensions to arrays.

    Other input is returned unchanged. A tensor on the CPU is not copied.

    Raises
    ------
    InputError
        If the rows have different lengths, or the tensor is on a GPU or has a gradient.

    Examples
    --------
    >>> as_array([[[1, 2]], [[3, 4]]]).shape, as_array(["a text", "another"])
    ((2, 1, 2), ['a text', 'another'])
    """
    if isinstance(X, np.ndarray) or sparse.issparse(X) or hasattr(X, "to_numpy"):
        return X
    if not hasattr(X, "__array__") and count_dimensions(X) <= 2:
        return X
    if is_frame(X):  # an Arrow table, which has column names
        return X
    try:
        return np.asarray(X)
    except (ValueError, TypeError, RuntimeError) as error:
        what, reason = type(X).__name__, str(error).rstrip(".")
        do = f"Convert the {what} to a NumPy array whose rows have the same length"
        raise InputError(f"X cannot be converted to an array: {reason}. {do}.") from error


def count_dimensions(X: Any) -> int:
    """Return the number of dimensions of an array, a tensor, a table or a nested list.

    Examples
    --------
    >>> count_dimensions(np.zeros((2, 3, 4))), count_dimensions([[1, 2], [3, 4]])
    (3, 2)
    """
    if isinstance(X, (list, tuple)):
        return 1 + (count_dimensions(X[0]) if X else 0)
    return int(getattr(X, "ndim", 0))


def as_input_dict(X: Mapping[Any, Any]) -> dict[str, Array]:
    """Convert the inputs of a network to arrays with the same number of rows.

    The inputs are array-likes of numbers or booleans. Arrays are not copied.

    Raises
    ------
    InputError
        With all problems that were found.

    Examples
    --------
    >>> X = as_input_dict({"words": [[3, 1], [2, 2]], "price": np.array([9.5, 3.0])})
    >>> {name: values.shape for name, values in X.items()}
    {'words': (2, 2), 'price': (2,)}
    """
    if not X:
        raise InputError(
            "X must contain at least one array, got an empty dict. Pass one array per "
            "input of the network, keyed by the input's name."
        )
    problems: list[str] = []
    inputs = {name: _as_input_array(name, values, problems) for name, values in X.items()}
    if not problems and len({len(values) for values in inputs.values()}) > 1:
        rows = ", ".join(f"{name!r} has {len(values):,}" for name, values in inputs.items())
        problems.append(
            f"the arrays in X must have the same number of rows, got: {rows}. Pass one row "
            "per sample."
        )
    if problems:
        raise InputError(problems)
    return inputs


def _as_input_array(name: object, values: object, problems: list[str]) -> Array:
    if not isinstance(name, str):
        problems.append(
            f"the keys of X must be names of the network's inputs, got {name!r}. Use strings."
        )
    if sparse.issparse(values):
        problems.append(
            f"X[{name!r}] must be dense, got a sparse matrix. Convert it with .toarray()."
        )
        return np.empty(0)
    try:
        array = values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)
    except ValueError as error:  # rows with different lengths
        problems.append(f"X[{name!r}] must be an array: {error}; pad its rows to one length")
        return np.empty(0)
    if array.ndim == 0 or array.dtype.kind not in NUMERIC_KINDS:
        got = "a single value" if array.ndim == 0 else f"dtype {array.dtype}"
        problems.append(
            f"X[{name!r}] must be an array of numbers with one row per sample, got {got}. "
            "Encode it first."
        )
    return np.atleast_1d(array)


def select_inputs(X: Any, names: Iterable[str]) -> dict[str, Array]:
    """Return the arrays of new rows in the order in which they were passed to `fit`.

    Raises
    ------
    InputError
        If X is not a dict, or its keys differ from those passed to `fit`.
    """
    names = list(names)
    if not is_input_dict(X):
        raise InputError(
            f"X must be a dict of arrays with the keys {preview_names(names)}, as in fit, got "
            f"{type(X).__name__}"
        )
    missing = [name for name in names if name not in X]
    unknown = [name for name in X if name not in names]
    if missing or unknown:
        raise InputError(
            f"X must have the same keys as in fit ({preview_names(names)}); missing: "
            f"{preview_names(missing) or 'none'}; not in fit: "
            f"{preview_names(unknown) or 'none'}"
        )
    return as_input_dict({name: X[name] for name in names})


def count_rows(X: Any) -> int:
    """Return the number of rows of X; raise a TypeError if X has no length.

    Examples
    --------
    >>> count_rows(np.zeros((3, 2))), count_rows({"words": np.zeros((4, 7))})
    (3, 4)
    """
    return int(_num_samples(next(iter(X.values())) if is_input_dict(X) else X))


def take_rows(X: Any, positions: Array) -> Any:
    """Return the rows at these positions; X itself, without a copy, for all rows in order.

    Examples
    --------
    >>> take_rows({"words": np.array([[1], [2], [3]])}, np.array([2, 0]))
    {'words': array([[3],
           [1]])}
    """
    n_samples = count_rows(X)
    if len(positions) == n_samples and (positions == np.arange(n_samples)).all():
        return X
    if is_input_dict(X):
        return {name: values[positions] for name, values in X.items()}
    if sparse.issparse(X) and X.format in ("bsr", "coo", "dia"):  # they have no row indexing
        X = X.tocsr()
    return _safe_indexing(X, positions)


def drop_column(X: Any, name: str) -> Any:
    """Return a pandas or polars DataFrame without this column."""
    # The positional argument of `drop` is a row label in pandas and a column in polars.
    return X.drop(columns=name) if hasattr(X, "iloc") else X.drop(name)


def stack_rows(above: Any, below: Any) -> Any:
    """Concatenate the rows of two tables of the same kind."""
    if is_input_dict(above):
        return {name: stack_rows(values, below[name]) for name, values in above.items()}
    if sparse.issparse(above):
        return sparse.vstack([above, below], format="csr")
    if hasattr(above, "columns"):
        return _stack_frames(nw.from_native(above), nw.from_native(below))
    if isinstance(above, np.ndarray):
        return np.concatenate([above, np.asarray(below)])
    return [*above, *below]


def _stack_frames(above: nw.DataFrame[Any], below: nw.DataFrame[Any]) -> Any:
    """Concatenate two frames in the library of the first, with common column types."""
    if above.implementation.is_polars():
        frames = [above.to_native(), below.to_polars()]
        return above.__native_namespace__().concat(frames, how="vertical_relaxed")
    if above.implementation.is_pandas():
        below = nw.from_native(below.to_pandas())
    return nw.concat([above, below], how="vertical").to_native()
