"""Column kind detection: numbers, dates, categories, and constant or empty columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from sktrainer.data.column_checks import (
    UnsupportedValueError,
    inferred_type,
    infinite_message,
    unsupported_types,
    unsupported_values_message,
)
from sktrainer.data.columns import ColumnValues, unwrap_column
from sktrainer.data.dates import (
    CALENDAR_PARTS,
    DateFormat,
    infer_date_format,
    parse_dates,
    time_zone,
    to_datetimes,
    varying_calendar_parts,
)
from sktrainer.data.levels import factorize, fit_levels
from sktrainer.data.numbers import (
    is_missing_string,
    needs_float64,
    parse_all_numbers,
    to_numbers,
    value_range,
)
from sktrainer.exceptions import InputError
from sktrainer.types import Array

__all__ = ["ColumnDecision", "InferredColumn", "infer_column_type"]


@dataclass(frozen=True)
class ColumnDecision:
    """Detected kind of one column, and its treatment.

    Parameters
    ----------
    name : str
        Name of the column; `x0`, `x1` and so on if columns have no names.
    kind : str
        "numeric", "boolean", "datetime", "duration", "category", "constant" or "empty".
    treatment : str
        "as is", "impute", "scale", "calendar parts", "codes", "one-hot", "ordinal",
        "target encoding", "drop", or several of them joined by " + ".
    n_levels : int or None, default=None
        Number of levels of a category column, without the missing level.
    n_missing : int, default=0
        Number of missing values in the training rows.
    detail : str, default=""
        Additional information for the report.
    """

    name: str
    kind: str
    treatment: str
    n_levels: int | None = None
    n_missing: int = 0
    detail: str = ""


ColumnKind: TypeAlias = Literal[
    "numeric", "boolean", "datetime", "duration", "category", "constant", "empty"
]


_OBJECT_KINDS: dict[str, ColumnKind] = {
    "integer": "numeric",
    "floating": "numeric",
    "decimal": "numeric",
    "mixed-integer-float": "numeric",
    "boolean": "boolean",
    "date": "datetime",
    "datetime": "datetime",
    "datetime64": "datetime",
    "timedelta": "duration",
    "timedelta64": "duration",
    "empty": "empty",
}


@dataclass(frozen=True)
class InferredColumn:
    """A column of the training rows with its kind and its parsed values.

    Parameters
    ----------
    kind : str
        See `ColumnDecision`.
    values : ndarray of shape (n_rows,)
        Numbers, datetimes or level codes. Missing values are NaN, NaT or -1.
    n_missing : int
    base : str
        Type of `values`: "numeric", "datetime" or "category".
    levels : tuple of str
        Levels of a category column, in the order of their codes.
    date_format : DateFormat or None
        Format of a datetime column.
    parts : tuple of str
        Calendar parts of a datetime column that vary.
    needs_float64 : bool
        Whether the numbers need float64.
    detail : str
    """

    kind: ColumnKind
    values: Array
    n_missing: int
    base: Literal["numeric", "datetime", "category"] = "numeric"
    levels: tuple[str, ...] = ()
    date_format: DateFormat | None = None
    parts: tuple[str, ...] = ()
    needs_float64: bool = False
    detail: str = ""


def infer_column_type(cells: ColumnValues, name: str) -> InferredColumn:
    """Detect the kind of a column and parse its values.

    Parameters
    ----------
    cells : ndarray or ExtensionArray of shape (n_rows,)
    name : str
        Column name for error messages.

    Raises
    ------
    InputError
        The column contains infinite values, lists, dicts or arrays.

    Examples
    --------
    >>> import numpy as np
    >>> infer_column_type(np.array(["1.5", "?"], dtype=object), "size").kind
    'numeric'
    >>> infer_column_type(np.array(["red", "blue"], dtype=object), "colour").levels
    ('blue', 'red')
    """
    # Read before unwrapping, which turns nullable booleans with missing values into floats.
    is_boolean = cells.dtype.kind == "b"
    cells = unwrap_column(cells)
    if isinstance(cells, pd.Categorical):
        return _category(*fit_levels(cells))
    if cells.dtype.kind == "c":
        raise UnsupportedValueError(unsupported_values_message(name, ["complex"]))
    if isinstance(cells.dtype, pd.DatetimeTZDtype) or cells.dtype.kind == "M":
        return _datetimes(cells, DateFormat(zone=time_zone(cells)))
    if isinstance(cells.dtype, pd.StringDtype):
        return _texts(cells)
    if cells.dtype == object:
        return _objects(cells, name)
    kind: ColumnKind = "duration" if cells.dtype.kind == "m" else "numeric"
    return _numbers(to_numbers(cells), name, "boolean" if is_boolean else kind)


def _objects(cells: Array, name: str) -> InferredColumn:
    inferred = inferred_type(cells)
    if inferred == "string":
        return _texts(cells)
    unusable = unsupported_types(cells, inferred)
    if unusable:
        raise UnsupportedValueError(unsupported_values_message(name, unusable))
    kind = _OBJECT_KINDS.get(inferred)
    if kind == "datetime":
        return _datetimes(cells, DateFormat(zone=time_zone(cells)))
    if kind is not None:
        return _numbers(to_numbers(cells), name, kind)
    found = _texts(cells)
    mixed = "values of several types" if inferred.startswith("mixed") else f"{inferred} values"
    return replace(found, detail=_join_notes(f"{mixed}, compared as strings", found.detail))


def _texts(cells: ColumnValues) -> InferredColumn:
    codes, texts = factorize(cells)
    numbers = parse_all_numbers(texts)
    if numbers is not None:
        found = _numbers(np.append(numbers, np.nan)[codes], "", "numeric")
        return replace(found, detail=_join_notes("strings parsed as numbers", found.detail))
    form = infer_date_format(texts)
    if form is not None:
        dates = parse_dates([_blank(text) for text in texts], form)
        found = _datetimes(np.append(dates, np.datetime64("NaT", "us"))[codes], form)
        return replace(
            found, detail=_join_notes(f"strings parsed as {form.text} dates", form.note)
        )
    if all(is_missing_string(text) for text in texts):
        codes, texts = np.full(len(codes), -1), []
    order = sorted(range(len(texts)), key=texts.__getitem__)
    ranks = np.full(len(texts) + 1, -1, dtype=np.int32)
    ranks[order] = np.arange(len(texts), dtype=np.int32)
    return _category(ranks[codes], [texts[position] for position in order])


def _blank(text: str) -> str:
    return "" if is_missing_string(text) else text


def _join_notes(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _category(codes: Array, levels: list[str]) -> InferredColumn:
    n_missing = int(np.count_nonzero(codes < 0))
    kind: ColumnKind = "category"
    if not levels:
        kind = "empty"
    elif len(levels) == 1 and not n_missing:
        kind = "constant"
    return InferredColumn(kind, codes, n_missing, base="category", levels=tuple(levels))


def _numbers(values: Array, name: str, kind: ColumnKind) -> InferredColumn:
    low, high, n_missing = value_range(values)
    if np.isinf(low) or np.isinf(high):
        raise InputError(infinite_message([name]))
    if n_missing == len(values):
        return InferredColumn("empty", values, n_missing)
    if low == high and not n_missing:
        return InferredColumn("constant", values, 0, detail=f"always {low:g}")
    wide = needs_float64(values, low, high)
    detail = "needs float64: float32 would merge or round values" if wide else ""
    return InferredColumn(kind, values, n_missing, needs_float64=wide, detail=detail)


def _datetimes(cells: ColumnValues, form: DateFormat) -> InferredColumn:
    dates = to_datetimes(cells, form)
    n_missing = int(np.count_nonzero(np.isnat(dates)))
    parts = varying_calendar_parts(dates)
    if n_missing == len(dates):
        return InferredColumn(
            "empty", dates, n_missing, base="datetime", date_format=form, parts=CALENDAR_PARTS
        )
    if not parts and not n_missing:
        return InferredColumn(
            "constant", dates, 0, base="datetime", date_format=form, parts=CALENDAR_PARTS
        )
    detail = f"time zone {form.zone}" if form.zone else ""
    kept = parts or ("days",)
    return InferredColumn(
        "datetime",
        dates,
        n_missing,
        base="datetime",
        date_format=form,
        parts=kept,
        detail=detail,
    )
