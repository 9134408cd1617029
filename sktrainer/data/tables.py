"""Validation of X: tables, and the other inputs of networks and user-defined steps."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_array

from sktrainer.data.column_checks import table_problems
from sktrainer.data.columns import preview_names
from sktrainer.data.indexing import (
    as_array,
    as_input_dict,
    count_dimensions,
    count_rows,
    is_input_dict,
)
from sktrainer.data.metadata import ProblemList
from sktrainer.exceptions import InputError, SktrainerError


def check_table(X: Any, problems: ProblemList, least: int = 2) -> Any:
    """Validate a table; convert lists and tensors to arrays, return others unchanged."""
    if hasattr(X, "columns") and hasattr(X, "shape"):
        if X.shape[0] == 0 or X.shape[1] == 0:
            what = "0 sample(s)" if X.shape[0] == 0 else "0 feature(s)"
            problems.append(
                f"Found a table with {what} (shape={tuple(X.shape)}) while a minimum of 1 is "
                "required. Pass a table with rows and columns."
            )
        else:
            problems.extend(table_problems(X))
        return X
    problem = _container_problem(X) or _shape_problem(X)
    if problem:
        problems.append(problem)
        return None
    checked = None
    with problems.collect(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        X = as_array(X)
        checked = check_array(
            X,
            accept_sparse=("csr", "csc"),
            dtype=None,
            ensure_all_finite=False,
            ensure_min_samples=least,
            input_name="X",
        )
        problems.extend(table_problems(checked))
    return checked


#: Errors of the libraries about columns that are not numbers.
_IS_ABOUT_TYPES = re.compile(
    r"could not convert string to float|dtypes for data must be|pandas dtypes must be"
    r"|has dtype 'category' but|could not be promoted|Cannot convert obj"
)


def _first_sentence(error: Exception) -> str:
    return " ".join(str(error).split()).partition(". ")[0]


@contextmanager
def explain_text_columns(what: str, X: Any) -> Iterator[None]:
    """Turn an error about strings in the enclosed block into one that names their columns."""
    try:
        yield
    except Exception as error:  # libraries have exceptions of their own
        if isinstance(error, SktrainerError) or not _IS_ABOUT_TYPES.search(str(error)):
            raise
        columns = "X contains text"
        if isinstance(X, pd.DataFrame):
            names = list(X.select_dtypes(exclude=["number", "bool"]).columns)
            if not names:
                raise
            is_text = "could not convert string" in str(error)
            kind = "contain text" if is_text else "are not numbers"
            columns = f"these columns {kind}: {preview_names(names)}"
        raise InputError(
            f"{what} needs numbers, but {columns} ({_first_sentence(error)}). Use "
            "preprocessor='auto' without such a step, or encode text first, for example in a "
            "ColumnTransformer."
        ) from error


def _container_problem(X: Any) -> str | None:
    """Return an error message if X is a dict, a scalar or a lazy frame."""
    if is_input_dict(X):
        return (
            "X must be a table, got a dict of arrays, which only networks support. Pass a "
            "DataFrame, for example pandas.DataFrame(X) if each array has one dimension."
        )
    if X is None or np.isscalar(X) or hasattr(X, "collect"):
        do = "Call .collect() first." if hasattr(X, "collect") else "Pass one of these."
        return (
            "X must be a table: a DataFrame, an array, a sparse matrix or a list of rows, got "
            f"{type(X).__name__}. {do}"
        )
    return None


def _shape_problem(X: Any) -> str | None:
    """Return an error message if X has records, dicts or not two dimensions."""
    first = X[0] if isinstance(X, (list, tuple)) and X else None
    if isinstance(first, Mapping) or getattr(getattr(X, "dtype", None), "names", None):
        what = "dicts" if isinstance(first, Mapping) else "records"
        return (
            f"X must be a table, got {len(X):,} {what}. Pass pandas.DataFrame(X), which keeps "
            "the column names."
        )
    n_dimensions = count_dimensions(X)
    if n_dimensions > 2:
        return (
            f"Found array with dim {n_dimensions}, while dim <= 2 is required. To use each "
            "value of a row as a column, pass numpy.reshape(X, (len(X), -1))."
        )
    if n_dimensions != 1:
        return None
    array = "X" if isinstance(X, np.ndarray) else "numpy.array(X)"
    do = f"{array}.reshape(-1, 1) returns one column, {array}.reshape(1, -1) one row"
    if isinstance(X, pd.Series):
        do = "X.to_frame() returns one column"
    return (
        f"Expected 2D array, got 1D array instead: X has {len(X):,} values, but no rows and "
        f"columns. Reshape your data: {do}."
    )


def check_indexable(X: Any, problems: ProblemList) -> Any:
    """Return X in a form whose rows can be selected; X does not have to be a table."""
    with problems.collect():
        if is_input_dict(X):
            return as_input_dict(X)
        X = as_array(X)
        dtypes = X.dtypes if isinstance(X, pd.DataFrame) else [getattr(X, "dtype", None)]
        if any(getattr(dtype, "kind", "") == "c" for dtype in dtypes):
            problems.append(
                "Complex data not supported for X. Pass real numbers, such as the real and the "
                "imaginary part in two columns."
            )
        return X
    return None


def count_samples(X: Any, problems: ProblemList) -> int | None:
    """Return the number of rows of X, or None if X is invalid."""
    n_samples = None
    if X is None and problems:  # already reported
        return None
    with problems.collect():
        n_samples = count_rows(X)
        if n_samples == 0:
            problems.append(
                "X has 0 sample(s) while a minimum of 2 is required. Pass more rows."
            )
    return n_samples
