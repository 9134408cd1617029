"""Conversion of the time column to values that sort in the order of time."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sktrainer.data.columns import missing_column_message
from sktrainer.data.dates import ISO, DateFormat, matching_date_formats, parse_dates
from sktrainer.data.number_formats import is_missing_string
from sktrainer.exceptions import InputError
from sktrainer.types import Array

# Formats besides those of `data.dates`. As a feature, such strings are rather categories.
_MORE_FORMATS = (
    *("%d.%m.%y", "%d-%m-%y", "%m-%d-%y", "%y/%m/%d", "%y-%m-%d", "%d-%b-%y"),
    *("%Y-%m", "%Y/%m", "%m/%Y", "%m.%Y", "%b %Y", "%B %Y", "%d%m%Y", "%m%d%Y"),
)
_OFFSET = re.compile(r"\d{2}:\d{2}.*(Z|[+-]\d{2}:?\d{2})")


def select_time_column(X: Any, column: str | int) -> Any:
    """Return a column of a DataFrame by name, or of an array by position."""
    names = getattr(X, "columns", None)
    if names is not None:
        if column not in list(names):
            raise InputError(missing_column_message("time_column", column, list(names)))
        return X[column]
    n_columns = X.shape[1] if getattr(X, "ndim", 0) == 2 else 0
    if sparse.issparse(X) or isinstance(column, str) or not 0 <= column < n_columns:
        raise InputError(
            f"time_column={column!r} must be a column name if X is a DataFrame, or a position "
            f"below {n_columns} if X is an array. Got X of type {type(X).__name__}."
        )
    return X[:, column]


def parse_times(values: Any, name: str | int) -> Array:
    """Return the times of the rows: numbers, or dates as datetime64 values in UTC.

    All strings must have one format that leaves no doubt about the order of day and month.

    Raises
    ------
    InputError
        If a value is missing or is no time, if the values are of several kinds, or if
        several formats match.

    Examples
    --------
    >>> import pandas as pd
    >>> parse_times(pd.Series(["31/12/2020", "01/02/2021"]), "when").astype("datetime64[D]")
    array(['2020-12-31', '2021-02-01'], dtype='datetime64[D]')
    """
    series = _as_series(values)
    n_missing = int(series.isna().sum())
    if series.dtype == object or isinstance(series.dtype, pd.StringDtype):
        n_missing += sum(
            isinstance(value, str) and is_missing_string(value) for value in series
        )
    if n_missing:
        raise InputError(
            f"time_column={name!r} must have a value in every row, got {n_missing:,} missing "
            "values. Fill them, or drop these rows."
        )
    kind = pd.api.types.infer_dtype(series)
    if kind in ("string", "empty"):
        return _parse_strings(series, name)
    if kind in ("datetime64", "datetime", "date") and _same_awareness(series):
        # UTC makes times of different time zones comparable.
        return _as_datetimes(pd.to_datetime(series, utc=True))
    if kind == "period":
        return _as_datetimes(pd.Series(pd.PeriodIndex(series).start_time))
    if kind == "timedelta64":
        return np.asarray(series)
    if kind in ("integer", "floating", "mixed-integer-float", "decimal", "boolean"):
        return _as_numbers(series)
    got = "dates with and without a time zone"
    if kind not in ("datetime", "date"):
        types = sorted({type(value).__name__ for value in series})
        got = f"values of type {' and '.join(types)}"
    raise InputError(
        f"time_column={name!r} must contain dates or numbers of one kind, got {got}. Convert "
        "the column first, for example with pandas.to_datetime(..., utc=True)."
    )


def _as_series(values: Any) -> pd.Series:
    if not isinstance(values, pd.Series):
        values = pd.Series(values.to_list() if hasattr(values, "to_list") else values)
    if isinstance(values.dtype, pd.CategoricalDtype | pd.ArrowDtype):
        values = values.astype(object).infer_objects()
    return values


def _same_awareness(series: pd.Series) -> bool:
    """Return whether all dates, or none of them, have a time zone."""
    if series.dtype != object:
        return True
    return len({getattr(value, "tzinfo", None) is None for value in series}) == 1


def _as_datetimes(series: pd.Series) -> Array:
    return np.asarray(series.dt.tz_localize(None) if series.dt.tz is not None else series)


def _as_numbers(series: pd.Series) -> Array:
    numbers = series.to_numpy()
    if numbers.dtype == object:  # decimals, a nullable dtype, or numbers in an object column
        numbers = pd.to_numeric(series).to_numpy(dtype=float)
    return numbers.astype(np.int8) if numbers.dtype.kind == "b" else numbers


def _parse_strings(series: pd.Series, name: str | int) -> Array:
    codes, uniques = pd.factorize(series)
    strings = [text.strip() for text in uniques.tolist()]
    numbers = np.asarray(pd.to_numeric(pd.Series(strings, dtype=object), errors="coerce"))
    is_number = not np.isnan(numbers).any()
    found = [
        (form, parse_dates(strings, form))
        for form in matching_date_formats(strings, _MORE_FORMATS)
    ]
    if is_number:  # digits such as "31122020" may still be dates
        found = [(form, dates) for form, dates in found if _has_usual_years(dates)]
        if not found:
            return numbers[codes]
    if not found:
        raise InputError(_unparsed_message(strings, np.bincount(codes), name))
    (form, dates), *others = found
    if form.text == ISO:
        n_offsets = sum(bool(_OFFSET.search(text)) for text in strings)
        if 0 < n_offsets < len(strings):
            raise InputError(
                f"time_column={name!r} must contain dates of one kind, got {n_offsets:,} "
                f"distinct values with and {len(strings) - n_offsets:,} without a UTC offset. "
                "Add the offset to all values, or remove it."
            )
        dates = parse_dates(strings, DateFormat(ISO, "UTC"))
    for other, parsed in others:
        if (parsed != dates).any():
            example = strings[int(np.argmax(parsed != dates))]
            raise InputError(
                f"time_column={name!r} is ambiguous: all values, such as {example!r}, match "
                f"both {form.text!r} and {other.text!r}. Convert the column first, for example "
                f"with pandas.to_datetime(..., format={other.text!r})."
            )
    return dates[codes]


def _has_usual_years(dates: Array) -> bool:
    years = dates.astype("datetime64[Y]").astype(int) + 1970
    return bool(years.min() >= 1800 and years.max() < 2200)


def _unparsed_message(strings: list[str], counts: Array, name: str | int) -> str:
    """Return an error text with the values that do not have the format of the first one."""
    forms = matching_date_formats(strings[:1], _MORE_FORMATS)
    failed = min(
        (np.isnat(parse_dates(strings, form)) for form in forms),
        key=np.count_nonzero,
        default=np.arange(len(strings)) == 0,
    )
    example = strings[int(np.argmax(failed))]
    others = f", in another format than {strings[0]!r}" if forms else ""
    return (
        f"time_column={name!r} must contain numbers or dates in one format, got {example!r}"
        f"{others} ({int(counts[failed].sum()):,} invalid values in total). Parse the column "
        "first, for example with pandas.to_datetime(..., format=...)."
    )
