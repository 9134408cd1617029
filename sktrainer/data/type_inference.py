"""Column kind detection: numbers, dates, categories, and constant or empty columns."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from sktrainer.data.column_checks import (
    UnreadableValueError,
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
    time_zone,
    to_datetimes,
    varying_calendar_parts,
)
from sktrainer.data.levels import factorize, fit_levels, map_levels
from sktrainer.data.number_formats import (
    PLAIN,
    NumberFormat,
    is_missing_string,
    number_formats,
)
from sktrainer.data.numbers import (
    mask_number,
    needs_float64,
    to_numbers,
    to_seconds,
    value_range,
)
from sktrainer.exceptions import InputError
from sktrainer.types import Array


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

#: Column kind by the type that pandas infers for an object column.
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

    `values` holds numbers, datetimes or level codes, as stated by `base`; missing values
    are NaN, NaT or -1. `levels` are in the order of their codes. `parts` are the calendar
    parts that vary. `detail` is a note for the report, and `warning` a note on strings that
    were read as numbers, or were not although they look like numbers.
    """

    kind: ColumnKind
    values: Array
    n_missing: int
    base: Literal["numeric", "datetime", "category"] = "numeric"
    levels: tuple[str, ...] = ()
    number_format: NumberFormat = PLAIN
    date_format: DateFormat | None = None
    parts: tuple[str, ...] = ()
    needs_float64: bool = False
    detail: str = ""
    warning: str = ""


def infer_column_type(
    values: ColumnValues, name: str, missing: float = math.nan
) -> InferredColumn:
    """Detect the kind of a column and parse its values; the number `missing` means missing.

    Raises
    ------
    InputError
        The column contains infinite values, lists, dicts or arrays, or it contains values of
        another type among numbers or dates. The message has `name`.

    Examples
    --------
    >>> import numpy as np
    >>> infer_column_type(np.array(["1.5", "?"], dtype=object), "size").kind
    'numeric'
    >>> infer_column_type(np.array(["red", "blue"], dtype=object), "color").levels
    ('blue', 'red')
    """
    # Read before unwrapping, which turns nullable booleans with missing values into floats.
    is_boolean = values.dtype.kind == "b"
    values = unwrap_column(values)
    if isinstance(values, pd.Categorical):
        return _infer_category(*fit_levels(values))
    inferred = inferred_type(values)
    unsupported = unsupported_types(values, inferred)
    if unsupported:
        raise UnsupportedValueError(unsupported_values_message(name, unsupported))
    if isinstance(values.dtype, pd.StringDtype) or inferred == "string":
        return _infer_from_strings(values, name, missing)
    kind: ColumnKind | None = "boolean" if is_boolean else "numeric"
    if values.dtype == object:
        kind = _OBJECT_KINDS.get(inferred)
    elif isinstance(values.dtype, pd.DatetimeTZDtype) or values.dtype.kind in "mM":
        kind = "duration" if values.dtype.kind == "m" else "datetime"
    if kind == "datetime":
        return _infer_datetime(values, DateFormat(zone=time_zone(values)))
    if kind is not None:
        numbers = to_seconds(values) if kind == "duration" else to_numbers(values)
        return _infer_number(numbers, name, kind, missing if kind == "numeric" else math.nan)
    column = _infer_from_strings(values, name, missing)
    mixed = "values of several types" if inferred.startswith("mixed") else f"{inferred} values"
    return replace(column, detail=_join_notes(f"{mixed}, compared as strings", column.detail))


def _infer_from_strings(values: ColumnValues, name: str, missing: float) -> InferredColumn:
    codes, strings = factorize(values)
    counts = np.bincount(codes[codes >= 0], minlength=len(strings)).tolist()
    formats = number_formats(strings, counts)
    try:
        if len(formats) == 1:
            numbers = to_numbers(values, formats[0])
            column = _infer_number(numbers, name, "numeric", missing)
            return _describe_format(column, name, formats[0])
        form = infer_date_format(strings, counts)
        if form is not None:
            column = _infer_datetime(to_datetimes(values, form), form)
            notes = _join_notes(f"strings parsed as {form.text} dates", form.note)
            return replace(column, detail=notes)
    except UnreadableValueError as error:
        raise error.as_input_error(name, "most rows") from None
    if all(is_missing_string(text) for text in strings):
        codes, strings = np.full(len(codes), -1), []
    levels = sorted(strings)
    table = {level: code for code, level in enumerate(levels)}
    column = _infer_category(map_levels(codes, strings, table), levels)
    if not formats:
        return column
    example = next(text for text in strings if formats[0].parse(text) != formats[1].parse(text))
    warning = (
        f"column {name!r} was treated as categories, because the separator in {example!r} may "
        "be a decimal or a thousands separator; convert the column to numbers"
    )
    return replace(column, warning=warning)


def _describe_format(column: InferredColumn, name: str, form: NumberFormat) -> InferredColumn:
    column = replace(column, number_format=form)
    detail = _join_notes("strings parsed as numbers", column.detail)
    if form == PLAIN:
        return replace(column, detail=detail)
    notation = f"decimal {'comma' if form.decimal == ',' else 'point'}"
    notation += f" and the unit {form.unit}" if form.unit else ""
    warning = f"column {name!r} was read as numbers with a {notation}"
    return replace(column, detail=f"{detail} with a {notation}", warning=warning)


def _join_notes(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _infer_category(codes: Array, levels: list[str]) -> InferredColumn:
    n_missing = int(np.count_nonzero(codes < 0))
    kind: ColumnKind = "category"
    if not levels:
        kind = "empty"
    elif len(levels) == 1 and not n_missing:
        kind = "constant"
    return InferredColumn(kind, codes, n_missing, "category", tuple(levels))


def _infer_number(
    numbers: Array, name: str, kind: ColumnKind, missing: float
) -> InferredColumn:
    values = mask_number(numbers, missing)
    low, high, n_missing = value_range(values)
    if np.isinf(low) or np.isinf(high):
        raise InputError(infinite_message([name]))
    if n_missing == len(values):
        return InferredColumn("empty", numbers, n_missing)
    if low == high and not n_missing:
        return InferredColumn("constant", numbers, 0, detail=f"always {low:g}")
    wide = needs_float64(values, low, high)
    detail = "needs float64: float32 would merge or round values" if wide else ""
    return InferredColumn(kind, numbers, n_missing, needs_float64=wide, detail=detail)


def _infer_datetime(values: ColumnValues, form: DateFormat) -> InferredColumn:
    dates = to_datetimes(values, form)
    n_missing = int(np.count_nonzero(np.isnat(dates)))
    parts, detail = varying_calendar_parts(dates), ""
    kind: ColumnKind = "datetime"
    if n_missing == len(dates):
        kind, parts = "empty", CALENDAR_PARTS
    elif not parts and not n_missing:
        kind, parts = "constant", CALENDAR_PARTS
    else:
        parts, detail = parts or ("days",), f"time zone {form.zone}" if form.zone else ""
    return InferredColumn(
        kind, dates, n_missing, "datetime", date_format=form, parts=parts, detail=detail
    )
