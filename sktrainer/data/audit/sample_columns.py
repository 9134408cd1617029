"""Values of one column as numbers, in the samples that the checks read."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sktrainer.data.column_checks import UnreadableValueError
from sktrainer.data.columns import ColumnValues
from sktrainer.data.dates import to_datetimes
from sktrainer.data.levels import factorize
from sktrainer.data.numbers import to_numbers, to_seconds
from sktrainer.data.type_inference import ColumnKind, InferredColumn, infer_column_type
from sktrainer.exceptions import InputError
from sktrainer.types import Array


class AuditColumn(NamedTuple):
    """One column: its kind, and its sampled values as numbers.

    Categories are codes: positions in `levels`, or ``len(levels)`` for a held-out value that
    is not in the training sample. Datetimes are seconds. Missing values are NaN. `warning` is
    that of `InferredColumn`.
    """

    kind: ColumnKind
    train: Array
    held: Array
    levels: tuple[str, ...] = ()
    warning: str = ""


def read_column(train: ColumnValues, held: ColumnValues, name: str) -> AuditColumn:
    """Read training and held-out values of one column, as the training values require.

    A column that cannot be read is empty.

    Examples
    --------
    >>> column = read_column(np.array(["a", "b"]), np.array(["b", "c"]), "town")
    >>> column.train, column.held
    (array([0., 1.]), array([1., 2.]))
    """
    try:
        column = infer_column_type(train, name)
        return AuditColumn(
            column.kind,
            _convert(column, train),
            _convert(column, held),
            column.levels,
            column.warning,
        )
    except (InputError, UnreadableValueError):  # only a user-defined step can read the values
        return AuditColumn("empty", np.full(len(train), np.nan), np.full(len(held), np.nan))


def _convert(column: InferredColumn, values: ColumnValues) -> Array:
    """Return values as the numbers described in `AuditColumn`."""
    if column.date_format is not None:
        dates = to_datetimes(values, column.date_format)
        seconds = dates.astype("datetime64[us]").astype(np.int64) / 1e6
        return np.where(np.isnat(dates), np.nan, seconds)
    if column.base == "category":
        table = {level: code for code, level in enumerate(column.levels)}
        codes, strings = factorize(values)
        return np.array([*(table.get(text, len(table)) for text in strings), np.nan])[codes]
    if column.kind == "duration":
        return to_seconds(values)
    return np.asarray(to_numbers(values, column.number_format), dtype=np.float64)
