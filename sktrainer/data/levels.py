"""Levels of category columns as strings, and the code of each value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from sktrainer.data.column_checks import check_scalar, inferred_type
from sktrainer.data.columns import FEW_ROWS, ColumnValues, object_array, unwrap_column
from sktrainer.data.number_formats import is_number
from sktrainer.types import Array

#: Code of missing values and of levels that did not occur in training.
MISSING = -1


def level_text(value: object) -> str:
    """Return the string used to compare a value with the levels.

    Whole floats lose their ".0", because pandas converts an integer column to floats as
    soon as one value is missing, and the levels must not change.

    Examples
    --------
    >>> level_text("1"), level_text(1), level_text(1.0), level_text(True)
    ('1', '1', '1', 'True')
    """
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def is_missing(value: object) -> bool:
    """Return whether a value is None, NaN, NaT or pandas.NA."""
    if value is None or value is pd.NA:
        return True
    differs = not isinstance(value, str) and value != value
    return isinstance(differs, bool | np.bool_) and bool(differs)  # arrays are not missing


def factorize(values: ColumnValues) -> tuple[Array, list[str]]:
    """Return the code of each value (-1 if missing) and the string of each code.

    Two codes may have the same string, such as the categories 1 and "1" of one column.

    Examples
    --------
    >>> import numpy as np
    >>> factorize(np.array(["b", None, "a", "b"], dtype=object))
    (array([ 0, -1,  1,  0]), ['b', 'a'])
    """
    if isinstance(values, pd.Categorical):
        return values.codes, [level_text(category) for category in values.categories]
    values = unwrap_column(values)
    if values.dtype.kind in "mM":  # as the same dates in an object column
        values = np.asarray(pd.Series(values), dtype=object)
    if values.dtype == object and pd.api.types.infer_dtype(values) not in ("string", "empty"):
        # pd.factorize treats 1 and True as equal, but their strings differ.
        missing = np.asarray(pd.isna(values))
        pairs = zip(values, missing, strict=True)
        values = object_array([None if no_value else level_text(v) for v, no_value in pairs])
    codes, uniques = pd.factorize(values)
    return codes, [level_text(value) for value in uniques.tolist()]


def fit_levels(values: ColumnValues) -> tuple[Array, list[str]]:
    """Return the code of each value and the sorted levels.

    Levels follow the order of an ordered categorical. Other categoricals are sorted by
    value if their categories are comparable; everything else is sorted by string. Unused
    categories are ignored. The codes are int32; -1 for missing values.

    Examples
    --------
    >>> import numpy as np
    >>> fit_levels(np.array(["b", None, "a", "b"], dtype=object))
    (array([ 1, -1,  0,  1], dtype=int32), ['a', 'b'])
    """
    codes, strings = factorize(values)
    used = np.flatnonzero(np.bincount(codes[codes >= 0]))
    present = list(dict.fromkeys(strings[code] for code in used))
    if isinstance(values, pd.Categorical) and not values.ordered:
        present = _sort_levels(values.categories, strings, present)
    elif not isinstance(values, pd.Categorical):
        present.sort()
    return map_levels(
        codes, strings, {text: code for code, text in enumerate(present)}
    ), present


def _sort_levels(categories: pd.Index, strings: list[str], present: list[str]) -> list[str]:
    try:
        order = np.argsort(np.asarray(categories), kind="stable")
    except TypeError:  # categories of types that cannot be compared
        return sorted(present)
    known = set(present)
    return [text for text in dict.fromkeys(strings[i] for i in order) if text in known]


def map_levels(codes: Array, strings: Sequence[str], table: dict[str, int]) -> Array:
    """Return the code in `table` of each value's string; -1 if it is not in the table."""
    # Code -1 (missing) selects the extra last entry.
    translation = [*(table.get(text, MISSING) for text in strings), MISSING]
    return np.array(translation, dtype=np.int32)[codes]


@dataclass(frozen=True)
class Levels:
    """Levels of a column in the training rows: strings, whose positions are their codes.

    Examples
    --------
    >>> import numpy as np
    >>> levels = Levels(np.array(["a", "b"], dtype=object))
    >>> levels.read(np.array(["b", "never seen", None], dtype=object))
    array([ 1, -1, -1], dtype=int32)
    """

    levels: Array

    @cached_property
    def _table(self) -> dict[str, int]:
        return {level: code for code, level in enumerate(self.levels.tolist())}

    def __getstate__(self) -> dict[str, str]:
        # The lookup table is rebuilt on demand. The levels are one JSON string, because
        # saving thousands of separate strings can take longer than saving the model.
        return {"strings": json.dumps(self.levels.tolist())}

    def __setstate__(self, state: dict[str, str]) -> None:
        object.__setattr__(self, "levels", object_array(json.loads(state["strings"])))

    @cached_property
    def has_numbers(self) -> bool:
        """Whether some level is a number."""
        return any(map(is_number, self.levels.tolist()))

    def read(self, values: ColumnValues) -> Array:
        """Return the code of each value; -1 if it is missing or an unknown level.

        Raises
        ------
        UnreadableValueError
            A value is a list, dict or array.
        """
        if len(values) <= FEW_ROWS:
            return np.array([self._code(value) for value in values], dtype=np.int32)
        values = unwrap_column(values)
        if inferred_type(values).startswith("mixed"):
            for value in values:
                check_scalar(value, "strings")
        codes, strings = factorize(values)
        return map_levels(codes, strings, self._table)

    def _code(self, value: object) -> int:
        if isinstance(value, str):
            return self._table.get(value, MISSING)
        check_scalar(value, "strings")
        return MISSING if is_missing(value) else self._table.get(level_text(value), MISSING)
