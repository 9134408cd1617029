"""Column kind detection: numbers, dates, categories, and constant or empty columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from sktrainer.encoding.table.cells import Cells, unwrapped
from sktrainer.encoding.table.columns import (
    CellTypeError,
    inferred_type,
    infinite_message,
    unusable_message,
    unusable_types,
)
from sktrainer.encoding.table.dates import (
    PARTS,
    DateFormat,
    format_of_texts,
    parse_dates,
    to_datetimes,
    varying_parts,
    zone_of,
)
from sktrainer.encoding.table.levels import factorise, learn_levels
from sktrainer.encoding.table.numeric import (
    is_missing_text,
    needs_float64,
    numbers_of_texts,
    to_numbers,
    value_range,
)
from sktrainer.exceptions import InputError
from sktrainer.types import Array

Kind: TypeAlias = Literal[
    "numeric", "boolean", "datetime", "duration", "category", "constant", "empty"
]

_OBJECT_KINDS: dict[str, Kind] = {
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
class Recognised:
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
    form : DateFormat or None
        Format of a datetime column.
    parts : tuple of str
        Calendar parts of a datetime column that vary.
    wide : bool
        Whether the numbers need float64.
    detail : str
    """

    kind: Kind
    values: Array
    n_missing: int
    base: Literal["numeric", "datetime", "category"] = "numeric"
    levels: tuple[str, ...] = ()
    form: DateFormat | None = None
    parts: tuple[str, ...] = ()
    wide: bool = False
    detail: str = ""


def recognise(cells: Cells, name: str) -> Recognised:
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
    >>> recognise(np.array(["1.5", "?"], dtype=object), "size").kind
    'numeric'
    >>> recognise(np.array(["red", "blue"], dtype=object), "colour").levels
    ('blue', 'red')
    """
    # Read before unwrapping, which turns nullable booleans with missing values into floats.
    is_boolean = cells.dtype.kind == "b"
    cells = unwrapped(cells)
    if isinstance(cells, pd.Categorical):
        return _category(*learn_levels(cells))
    if cells.dtype.kind == "c":
        raise CellTypeError(unusable_message(name, ["complex"]))
    if isinstance(cells.dtype, pd.DatetimeTZDtype) or cells.dtype.kind == "M":
        return _datetimes(cells, DateFormat(zone=zone_of(cells)))
    if isinstance(cells.dtype, pd.StringDtype):
        return _texts(cells)
    if cells.dtype == object:
        return _objects(cells, name)
    kind: Kind = "duration" if cells.dtype.kind == "m" else "numeric"
    return _numbers(to_numbers(cells), name, "boolean" if is_boolean else kind)


def _objects(cells: Array, name: str) -> Recognised:
    inferred = inferred_type(cells)
    if inferred == "string":
        return _texts(cells)
    unusable = unusable_types(cells, inferred)
    if unusable:
        raise CellTypeError(unusable_message(name, unusable))
    kind = _OBJECT_KINDS.get(inferred)
    if kind == "datetime":
        return _datetimes(cells, DateFormat(zone=zone_of(cells)))
    if kind is not None:
        return _numbers(to_numbers(cells), name, kind)
    found = _texts(cells)
    mixed = "values of several types" if inferred.startswith("mixed") else f"{inferred} values"
    return replace(found, detail=_joined(f"{mixed}, compared as strings", found.detail))


def _texts(cells: Cells) -> Recognised:
    codes, texts = factorise(cells)
    numbers = numbers_of_texts(texts)
    if numbers is not None:
        found = _numbers(np.append(numbers, np.nan)[codes], "", "numeric")
        return replace(found, detail=_joined("strings parsed as numbers", found.detail))
    form = format_of_texts(texts)
    if form is not None:
        dates = parse_dates([_blank(text) for text in texts], form)
        found = _datetimes(np.append(dates, np.datetime64("NaT", "us"))[codes], form)
        return replace(found, detail=_joined(f"strings parsed as {form.text} dates", form.note))
    if all(is_missing_text(text) for text in texts):
        codes, texts = np.full(len(codes), -1), []
    order = sorted(range(len(texts)), key=texts.__getitem__)
    ranks = np.full(len(texts) + 1, -1, dtype=np.int32)
    ranks[order] = np.arange(len(texts), dtype=np.int32)
    return _category(ranks[codes], [texts[position] for position in order])


def _blank(text: str) -> str:
    return "" if is_missing_text(text) else text


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _category(codes: Array, levels: list[str]) -> Recognised:
    n_missing = int(np.count_nonzero(codes < 0))
    kind: Kind = "category"
    if not levels:
        kind = "empty"
    elif len(levels) == 1 and not n_missing:
        kind = "constant"
    return Recognised(kind, codes, n_missing, base="category", levels=tuple(levels))


def _numbers(values: Array, name: str, kind: Kind) -> Recognised:
    low, high, n_missing = value_range(values)
    if np.isinf(low) or np.isinf(high):
        raise InputError(infinite_message([name]))
    if n_missing == len(values):
        return Recognised("empty", values, n_missing)
    if low == high and not n_missing:
        return Recognised("constant", values, 0, detail=f"always {low:g}")
    wide = needs_float64(values, low, high)
    detail = "needs float64: float32 would merge or round values" if wide else ""
    return Recognised(kind, values, n_missing, wide=wide, detail=detail)


def _datetimes(cells: Cells, form: DateFormat) -> Recognised:
    dates = to_datetimes(cells, form)
    n_missing = int(np.count_nonzero(np.isnat(dates)))
    parts = varying_parts(dates)
    if n_missing == len(dates):
        return Recognised("empty", dates, n_missing, base="datetime", form=form, parts=PARTS)
    if not parts and not n_missing:
        return Recognised("constant", dates, 0, base="datetime", form=form, parts=PARTS)
    detail = f"time zone {form.zone}" if form.zone else ""
    kept = parts or ("days",)
    return Recognised(
        "datetime", dates, n_missing, base="datetime", form=form, parts=kept, detail=detail
    )
