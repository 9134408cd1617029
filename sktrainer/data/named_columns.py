"""Arguments of `fit` that are names of columns of X."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from sktrainer.data.columns import missing_column_message
from sktrainer.data.indexing import drop_column
from sktrainer.exceptions import InputError


def pop_columns(X: Any, **arguments: Any) -> tuple[Any, dict[str, Any]]:
    """Return X without the columns that arguments name, and the values of all arguments.

    Raises
    ------
    InputError
        If X has no such columns, or no column names.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"a": [1, 2], "w": [3, 4], "t": [0, 1]})
    >>> X, values = pop_columns(table, y="t", sample_weight="w", groups=None)
    >>> list(X), values["sample_weight"].tolist(), values["groups"]
    (['a'], [3, 4], None)
    """
    # NumPy does not convert an Arrow array of strings.
    arguments = {
        name: value.to_pandas() if type(value).__module__.startswith("pyarrow") else value
        for name, value in arguments.items()
    }
    named = {name: value for name, value in arguments.items() if isinstance(value, str)}
    _check_not_path(X)
    columns = _column_names(X)
    lists = [
        problem
        for name, value in arguments.items()
        if (problem := _list_of_names_problem(name, value, columns or ()))
    ]
    if lists:
        raise InputError(lists)
    if not named:
        return X, arguments
    if columns is None:
        raise InputError(
            [
                f"{name}={column!r} is a column name, which requires X to be a DataFrame, got "
                f"{type(X).__name__}. Pass the values as {name}."
                for name, column in named.items()
            ]
        )
    problems = [
        missing_column_message(name, column, columns)
        for name, column in named.items()
        if column not in columns
    ]
    if problems:
        raise InputError(problems)
    values = {name: X[column] for name, column in named.items()}
    return drop_columns(X, named.values()), {**arguments, **values}


def _list_of_names_problem(name: str, value: Any, columns: Sequence[Any]) -> str:
    """Return an error text for a list of column names, or an empty string."""
    is_list = isinstance(value, (list, tuple)) or type(value).__module__ == "numpy"
    # Labels may equal column names, but only a few of them, and not all different.
    if not is_list or np.ndim(value) != 1 or not 0 < len(value) <= len(columns):
        return ""
    names = list(value)
    if len(set(names)) < len(names) or not all(
        isinstance(each, str) and each in columns for each in names
    ):
        return ""
    if len(names) == 1:
        return (
            f"{name}={[str(each) for each in names]!r} is a list of one column name, expected "
            f"the name or one value per row. Pass {name}={str(names[0])!r}."
        )
    return (
        f"{name}={[str(each) for each in names]!r} is a list of column names, expected one "
        f"name or one value per row. Pass the values as {name}, and X without these columns."
    )


def drop_columns(X: Any, names: Any) -> Any:
    """Return X without those of these columns that it has."""
    _check_not_path(X)
    for name in dict.fromkeys(names):
        if name in (_column_names(X) or ()):
            X = drop_column(X, name)
    return X


def _check_not_path(X: Any) -> None:
    if isinstance(X, (str, os.PathLike)):
        raise InputError(
            f"X must be a table, got the path {os.fspath(X)!r}. Read the file first: "
            f"pandas.read_csv({os.fspath(X)!r})."
        )


def _column_names(X: Any) -> list[Any] | None:
    if hasattr(X, "collect_schema") and hasattr(X, "collect"):  # a lazy frame, refused later
        return list(X.collect_schema().names())
    # The `columns` of a pyarrow table are its data.
    is_arrow = hasattr(X, "column_names") and not hasattr(X, "iloc")
    names = getattr(X, "column_names" if is_arrow else "columns", None)
    return None if names is None else list(names)
