"""Sample weights, groups and the order of indexes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.data.time import parse_times, select_time_column
from sktrainer.exceptions import DataWarning, InputError, warn_caller
from sktrainer.types import Array


def warn_index_order(X: Any, table: str = "X", **arguments: Any) -> None:
    """Issue a DataWarning if an argument has the index labels of X in another order.

    `table` is the name of X in the message. Only pandas objects have an index.
    """
    if not isinstance(X, pd.DataFrame):
        return
    for name, values in arguments.items():
        is_pandas = isinstance(values, (pd.Series, pd.DataFrame))
        if is_pandas and _is_reordered(X.index, values.index):
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
    is_unique = index.is_unique and other.is_unique
    return is_unique and bool((index.get_indexer(other) >= 0).all())


class ProblemList(list[str]):
    """Problems found so far; a check that fails adds to the list and later checks still run."""

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Add errors that are raised in the block to the list."""
        try:
            yield
        except InputError as error:
            self.extend(error.problems)
        except (ValueError, TypeError) as error:
            self.append(str(error))

    @contextmanager
    def prepend_to_error(self) -> Iterator[None]:
        """Add this list to an error that is raised in the block and ends the validation."""
        try:
            yield
        except InputError as error:
            raise type(error)([*self, *error.problems]) from None


def length_problem(name: str, got: int, expected: int, table: str = "X") -> str:
    """Return the error message for an argument that does not have one value per row.

    Examples
    --------
    >>> length_problem("y", 3, 4)
    'y must have as many rows as X: X has 4 samples, y has 3. Pass one value per row.'
    """
    return (
        f"{name} must have as many rows as {table}: {table} has {expected:,} samples, "
        f"{name} has {got:,}. Pass one value per row."
    )


def check_sample_weight(
    name: str, weight: object, n_samples: int | None, problems: ProblemList, table: str = "X"
) -> Array | None:
    """Return weights as floats, one per row."""
    if weight is None:
        return None
    values = None
    with problems.collect():
        try:
            values = np.asarray(weight, dtype=np.float64)
        except (ValueError, TypeError) as error:
            problems.append(f"{name} must be numbers: {error}. Pass one number per row.")
            return None
        # scikit-learn estimators accept a single weight for all rows.
        if values.ndim == 0 and n_samples is not None:
            values = np.full(n_samples, float(values))
        if values.ndim != 1:
            problems.append(
                f"Sample weights must be 1D array or scalar, got {values.ndim}D array for "
                f"{name}. Pass one weight per row."
            )
        elif n_samples is not None and len(values) != n_samples:
            problems.append(length_problem(name, len(values), n_samples, table))
        elif not np.isfinite(values).all():
            problems.append(f"{name} must be finite, got NaN or inf. Set such weights to 0.")
        elif (values < 0).any():
            problems.append(
                f"{name} must not be negative, got {values.min():g}. Use weight 0 to leave a "
                "row out."
            )
        elif not values.any():
            problems.append(
                f"{name} must be positive for some rows, got only zeros. Use weight 1 for rows "
                "that count."
            )
    return values


def check_groups(groups: object, n_samples: int | None, problems: ProblemList) -> Array | None:
    """Return the groups as integer codes."""
    if groups is None:
        return None
    codes, names = pd.factorize(np.asarray(groups).reshape(-1), use_na_sentinel=True)
    if n_samples is not None and len(codes) != n_samples:
        problems.append(length_problem("groups", len(codes), n_samples))
    missing = int((codes < 0).sum())
    if missing:
        problems.append(
            f"groups must have a value for every row, got {missing:,} missing values. Assign "
            "these rows to a separate group, or drop them."
        )
    elif len(names) < 2:
        problems.append(
            f"groups must have at least 2 distinct values, got {len(names)}. Pass one value "
            "per group of rows, or leave groups out."
        )
    return np.asarray(codes)


def check_time(
    X: Any, column: str | int | None, n_samples: int | None, problems: ProblemList
) -> Array | None:
    """Return the values of the time column as sort keys, or None without a time column."""
    if column is not None and n_samples is not None:
        with problems.collect():
            return parse_times(select_time_column(X, column), column)
    return None
