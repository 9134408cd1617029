"""What is decided about a column, and what makes a table unusable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.encoding.table.cells import (
    Cells,
    cells_by_position,
    column_names,
    is_frame,
    unwrapped,
)
from sktrainer.exceptions import InputError
from sktrainer.types import Array

_CONTAINERS = (list, tuple, dict, set, frozenset, np.ndarray, pd.Series, pd.DataFrame)


@dataclass(frozen=True)
class ColumnDecision:
    """What was found in one column of the training rows, and what is done with it.

    Parameters
    ----------
    name : str
        The column's name; `x0`, `x1` and so on where columns have none.
    kind : str
        "numeric", "boolean", "datetime", "duration", "category", "constant" or "empty".
    treatment : str
        "as is", "impute", "scale", "calendar parts", "codes", "one-hot", "ordinal",
        "target encoding", "drop", or several of them joined by " + ".
    n_levels : int or None, default=None
        Levels of a category column, missing not counted.
    n_missing : int, default=0
        Missing cells in the training rows.
    detail : str, default=""
        What else a reader of the report should know.
    """

    name: str
    kind: str
    treatment: str
    n_levels: int | None = None
    n_missing: int = 0
    detail: str = ""


class CellTypeError(InputError, TypeError):
    """Cells hold something that is neither a number, a text nor a date.

    A TypeError as well, because scikit-learn's encoders raise that.
    """


def table_problems(X: Any) -> list[str]:
    """Return what makes a table unusable, one entry a problem; nothing is raised.

    Looked for are: another number of dimensions than two, column names that stand twice or
    of which only some are texts, cells that hold lists or dicts or arrays, and infinite cells.

    Parameters
    ----------
    X : DataFrame, ndarray or sparse matrix
        What it is none of (a list, say) has no problems that could be seen in it.

    Returns
    -------
    list of str

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"size": [1.0, float("inf")], "tags": [["a"], ["b"]]})
    >>> for problem in table_problems(X):
    ...     print(problem)
    column 'tags' holds list cells: expected numbers, texts or dates (each cell's argument \
must be a string or a number); turn it into columns of its own, or drop it
    infinite cells in column 'size': expected finite numbers or missing cells; replace \
them by NaN or clip them
    """
    if not is_frame(X):
        return _array_problems(X)
    names = column_names(X)
    problems = [duplicate_message(names)] if len(set(names)) < len(names) else []
    kinds = sorted({type(name).__name__ for name in names})
    if len(kinds) > 1 and any(isinstance(name, str) for name in names):
        problems.append(
            f"column names must be texts, all of them or none, got {' and '.join(kinds)}; "
            "rename them, for example by X.columns = X.columns.astype(str)"
        )
    column = cells_by_position(X)
    return [*problems, *_column_problems([str(name) for name in names], column)]


def _array_problems(X: Any) -> list[str]:
    data = X.data if hasattr(X, "tocsr") else X
    shape = getattr(X, "shape", None)
    if shape is not None and len(shape) != 2:
        problem = (
            f"X must have two dimensions (rows and columns), got shape {tuple(shape)}; "
            "reshape it, for one column by X.reshape(-1, 1)"
        )
        return [problem]
    if not isinstance(data, np.ndarray):
        return []
    if data.dtype.kind == "f" and not has_infinite(data):
        return []
    if data.dtype.kind not in "fO":
        return []
    if data.ndim != 2:
        return ["infinite cells in the sparse X: expected finite numbers; replace them"]
    names = [f"x{position}" for position in range(data.shape[1])]
    return list(_column_problems(names, cells_by_position(X)))


def _column_problems(names: list[str], column: Callable[[int], Cells]) -> Iterator[str]:
    infinite = []
    for position, name in enumerate(names):
        cells = unwrapped(column(position))
        inferred = inferred_type(cells)
        unusable = unusable_types(cells, inferred)
        if unusable:
            yield unusable_message(name, unusable)
        elif _is_infinite(cells, inferred):
            infinite.append(name)
    if infinite:
        yield infinite_message(infinite)


def inferred_type(cells: Cells) -> str:
    """Return what pandas takes the cells of an object column for; "" for other columns."""
    if not isinstance(cells, np.ndarray) or cells.dtype != object:
        return ""
    return pd.api.types.infer_dtype(cells, skipna=True)


def unusable_types(cells: Cells, inferred: str) -> list[str]:
    """Return the names of the types of the cells that are no single number, text or date.

    Parameters
    ----------
    cells : ndarray or ExtensionArray of shape (n_rows,)
    inferred : str
        Their `inferred_type`: only mixed cells are looked at one by one.

    Examples
    --------
    >>> import numpy as np
    >>> cells = np.array([None, "a", {"a": 1}], dtype=object)
    >>> unusable_types(cells, inferred_type(cells))
    ['dict']
    """
    if cells.dtype.kind == "c" or inferred == "complex":
        return ["complex"]
    if not inferred.startswith("mixed"):
        return []
    types = set(map(type, cells))
    found = {kind.__name__ for kind in types if issubclass(kind, (*_CONTAINERS, complex))}
    return sorted(found)


def _is_infinite(cells: Cells, inferred: str) -> bool:
    if not isinstance(cells, np.ndarray) or not len(cells):
        return False
    if cells.dtype.kind == "f":
        return has_infinite(cells)
    if inferred not in ("floating", "mixed-integer-float"):
        return False
    return any(isinstance(cell, float | np.floating) and np.isinf(cell) for cell in cells)


def duplicate_message(names: list[Any]) -> str:
    """Say which column names stand more than once."""
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    return (
        f"column names must be unique, these stand more than once: {_listed(twice)}; "
        "rename or drop them"
    )


def unusable_message(name: str, types: list[str]) -> str:
    """Say that a column's cells are no single numbers, texts or dates."""
    return (
        f"column {name!r} holds {_listed(types)} cells: expected numbers, texts or dates "
        "(each cell's argument must be a string or a number); turn it into columns of its "
        "own, or drop it"
    )


def infinite_message(names: list[str]) -> str:
    """Say which columns hold infinite cells, in scikit-learn's words where they matter."""
    columns = "column" if len(names) == 1 else "columns"
    return (
        f"infinite cells in {columns} {', '.join(map(repr, names))}: expected finite "
        "numbers or missing cells; replace them by NaN or clip them"
    )


def has_infinite(values: Array) -> bool:
    """Whether one of the floats is infinite; a finite sum answers for all of them.

    Examples
    --------
    >>> import numpy as np
    >>> has_infinite(np.array([1.0, np.nan])), has_infinite(np.array([1.0, -np.inf]))
    (False, True)
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if not values.size or np.isfinite(values.sum()):
            return False
    low, high = np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)
    return bool(np.isinf(low) or np.isinf(high))


def _listed(items: list[str]) -> str:
    return ", ".join(items)
