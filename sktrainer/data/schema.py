"""Column contract: names, order and kinds of columns, recorded at fit, checked at predict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from scipy import sparse

from sktrainer.data.column_checks import inferred_type
from sktrainer.data.columns import (
    MAX_NAMES,
    ColumnValues,
    column_names,
    column_reader,
    is_frame,
    preview_names,
    unwrap_column,
)
from sktrainer.data.dates import infer_date_format
from sktrainer.data.indexing import is_input_dict, select_inputs
from sktrainer.data.levels import factorize
from sktrainer.data.number_formats import infer_number_format
from sktrainer.data.type_inference import ColumnDecision
from sktrainer.exceptions import InputError

Kind: TypeAlias = Literal[
    "numbers", "booleans", "dates", "durations", "strings", "mixed", "empty"
]

#: Kind by the code of a NumPy dtype; all other dtypes hold numbers.
_KINDS_OF_DTYPES: dict[str, Kind] = {
    "b": "booleans",
    "M": "dates",
    "m": "durations",
    "U": "strings",
    "S": "strings",
}

#: Kind by the type that pandas infers for an object column; all other types are mixed.
_KINDS_OF_OBJECTS: dict[str, Kind] = {
    "string": "strings",
    "empty": "empty",
    "boolean": "booleans",
    "integer": "numbers",
    "floating": "numbers",
    "mixed-integer-float": "numbers",
    "decimal": "numbers",
    "date": "dates",
    "datetime": "dates",
    "datetime64": "dates",
    "timedelta": "durations",
    "timedelta64": "durations",
}

#: Kind by the kind of a ColumnDecision.
_KINDS_OF_DECISIONS: dict[str, Kind] = {
    "numeric": "numbers",
    "boolean": "booleans",
    "datetime": "dates",
    "duration": "durations",
}

# (kind before, kind now) pairs that are accepted although the kinds differ.
_INTERCHANGEABLE = {
    ("numbers", "booleans"),
    ("booleans", "numbers"),
    ("strings", "mixed"),
    ("mixed", "strings"),
    ("mixed", "numbers"),
    ("mixed", "booleans"),
}


@dataclass(frozen=True)
class ColumnContract:
    """Names, order and kinds of the columns of a table.

    It is recorded at fit and checked at the edge, for every model: at predict, for validation
    rows and for chunks.

    Attributes
    ----------
    names : tuple of str
        Column names as strings, in order; empty if X has none.
    kinds : tuple of Kind
        Recorded for tables that are trained on in chunks.
    width : int or None
        Number of columns; None if X is not a table.
    shape : tuple of int
        Shape of one row if X has more than two dimensions (images, sequences).
    has_string_names : bool
        Whether all names are strings in the table itself.
    """

    names: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    width: int | None = None
    shape: tuple[int, ...] = ()
    has_string_names: bool = True

    def name_problem(self, X: Any) -> str | None:
        """Return a message if X has other columns, or the same in another order, else None.

        If X or the training table has no column names, only the number of columns is checked.

        Examples
        --------
        >>> import pandas as pd
        >>> contract = record_names(pd.DataFrame({"age": [31], "size": [1.5]}))
        >>> print(contract.name_problem(pd.DataFrame({"size": [2.0], "age": [45]})))
        The feature names should match those that were passed during fit.
        Feature names must be in the same order as they were in fit.
        Pass X[trainer.feature_names_in_].
        """
        if self.width is None:
            return None
        names = _names_of(X)
        if names is None or not self.names:
            shape = (0, len(names)) if names is not None else tuple(getattr(X, "shape", ()))
            if len(shape) != 2 or shape[1] == self.width:
                return None
            return (
                f"X has {shape[1]} features, but ManagedTrainer is expecting {self.width} "
                "features as input. Pass X with the columns that were passed to fit."
            )
        if names == self.names:
            return None
        # scikit-learn's estimator checks require these sentences.
        found = "The feature names should match those that were passed during fit.\n"
        found += "".join(f"{line}\n" for line in _name_differences(self.names, names))
        columns = "X[trainer.feature_names_in_]"
        if not self.has_string_names:  # scikit-learn sets the attribute for strings only
            columns = f"the columns in this order: {preview_names(self.names)}"
        first = "Add the missing columns, then pass" if {*self.names} - {*names} else "Pass"
        return f"{found}{first} {columns}."

    def problems(self, X: Any) -> list[str]:
        """Return a message for each column of a later chunk that has another kind.

        Numbers and booleans are interchangeable. Empty columns are always accepted, and so
        are strings that can be parsed as the numbers or dates of the first chunk.

        Examples
        --------
        >>> import pandas as pd
        >>> contract = record_columns(pd.DataFrame({"size": [1.5, 2.0], "zip": ["021", "100"]}))
        >>> later = pd.DataFrame({"size": ["big", "small"], "zip": ["945", None]})
        >>> print(*contract.problems(later))
        column 'size' contained numbers in the first chunk, got strings (such as 'big'); use \
the same dtype in every chunk, for example X.astype({'size': float})
        """
        shape = _row_shape(X)
        if self.shape != shape and (self.shape or shape):
            problem = (
                f"rows had shape {self.shape or (self.width,)} in the first chunk, got "
                f"{shape or 'a table'}; pass rows of the same shape in every chunk"
            )
            return [problem]
        return list(self._changed_kinds(X)) if self.kinds else []

    def _changed_kinds(self, X: Any) -> Iterator[str]:
        columns = _columns(X)
        if columns is None or len(columns) != len(self.kinds):
            return  # the number of columns is checked elsewhere
        names = self.names or [f"x{position}" for position in range(len(columns))]
        for name, before, (now, values) in zip(names, self.kinds, columns, strict=True):
            if before == now or "empty" in (before, now) or (before, now) in _INTERCHANGEABLE:
                continue
            example = ""
            if values is not None:
                if now == "strings" and _can_parse(values, before):
                    continue
                value = pd.Series(unwrap_column(values)).dropna().iloc[0]
                plain = value.item() if isinstance(value, np.generic) else value
                example = f" (such as {plain!r})"
            dtypes = {"numbers": "float", "booleans": "bool", "dates": "'datetime64[us]'"}
            yield (
                f"column {name!r} contained {before} in the first chunk, got {now}{example}; "
                "use the same dtype in every chunk, for example "
                f"X.astype({{{name!r}: {dtypes.get(before, 'str')}}})"
            )


def record_columns(X: Any, decisions: Sequence[ColumnDecision] = ()) -> ColumnContract:
    """Return the column contract of a table; it is empty if X is not a table.

    `decisions` are those of the automatic preprocessor, which may have parsed strings as
    numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> record_columns(pd.DataFrame({"age": [31, 45], "sex": ["M", None]})).kinds
    ('numbers', 'strings')
    """
    columns = _columns(X)
    if columns is None:
        return ColumnContract(shape=_row_shape(X))
    names = record_names(X)
    kinds = [kind for kind, _ in columns]
    if len(decisions) == len(kinds):
        for position, decision in enumerate(decisions):
            if kinds[position] in ("strings", "mixed"):
                kinds[position] = _KINDS_OF_DECISIONS.get(decision.kind, kinds[position])
    return replace(names, kinds=tuple(kinds))


def record_names(X: Any) -> ColumnContract:
    """Return the contract on names and order of the columns, without their kinds."""
    names, shape = _names_of(X), tuple(getattr(X, "shape", ()))
    if names is None:
        return ColumnContract(width=shape[1] if len(shape) == 2 else None)
    is_string = all(isinstance(name, str) for name in column_names(X))
    return ColumnContract(names, width=len(names), has_string_names=is_string)


def _names_of(X: Any) -> tuple[str, ...] | None:
    """Return the column names as strings, or None if X has none."""
    return tuple(map(str, column_names(X))) if _has_column_names(X) else None


def _name_differences(expected: Sequence[str], given: Sequence[str]) -> list[str]:
    """Return lines that list unexpected, missing and repeated names, or another order."""
    lines = []
    for text, names in (
        ("Feature names unseen at fit time:", {*given} - {*expected}),
        ("Feature names seen at fit time, yet now missing:", {*expected} - {*given}),
        ("Feature names that occur more than once:", {n for n in given if given.count(n) > 1}),
    ):
        shown = sorted(names)
        if shown:
            lines += [text, *(f"- {name}" for name in shown[:MAX_NAMES])]
            lines += ["- ..."] if len(shown) > MAX_NAMES else []
    return lines or ["Feature names must be in the same order as they were in fit."]


def column_kind(values: ColumnValues) -> Kind:
    """Return the kind of a column.

    Examples
    --------
    >>> column_kind(np.array([None, True], dtype=object)), column_kind(np.array([np.nan]))
    ('booleans', 'empty')
    """
    values = unwrap_column(values)
    if values.dtype == object:
        return _KINDS_OF_OBJECTS.get(inferred_type(values), "mixed")
    # Check the first value before scanning the whole column for missing values.
    may_be_empty = len(values) > 0 or not isinstance(values, np.ndarray)
    if may_be_empty and pd.isna(values[:1]).all() and pd.isna(values).all():
        return "empty"
    if isinstance(values, pd.Categorical):
        return column_kind(values.categories.array)
    if isinstance(values.dtype, pd.StringDtype):
        return "strings"
    return _KINDS_OF_DTYPES.get(values.dtype.kind, "numbers")


def _has_column_names(X: Any) -> bool:
    return hasattr(X, "columns") and is_frame(X)


def _columns(X: Any) -> list[tuple[Kind, ColumnValues | None]] | None:
    """Return kind and values of each column, None for the values if X has a single dtype.

    Return None if X is not a table.
    """
    shape: tuple[int, ...] = tuple(getattr(X, "shape", ()))
    if len(shape) != 2:
        return None
    if sparse.issparse(X) or (isinstance(X, np.ndarray) and X.dtype != object):
        return [(_KINDS_OF_DTYPES.get(X.dtype.kind, "numbers"), None)] * shape[1]
    if not isinstance(X, np.ndarray) and not _has_column_names(X):
        return None
    columns = map(column_reader(X), range(shape[1]))
    return [(column_kind(values), values) for values in columns]


def _row_shape(X: Any) -> tuple[int, ...]:
    shape = tuple(getattr(X, "shape", ()))
    return shape[1:] if len(shape) > 2 else ()


def _can_parse(values: ColumnValues, kind: Kind) -> bool:
    strings = factorize(unwrap_column(values))[1]
    if kind in ("numbers", "booleans"):
        return infer_number_format(strings) is not None
    return kind == "dates" and infer_date_format(strings) is not None


def differences(X: Any, X_val: Any) -> list[str]:
    """Return the differences between the columns or keys of `X_val` and those of X.

    There are none if X or `X_val` is None, because an earlier check refused it.

    Examples
    --------
    >>> differences({"words": [[1]]}, {"words": [[2]]})
    []
    """
    if X is None or X_val is None:
        return []
    if is_input_dict(X):
        try:
            select_inputs(X_val, X)
        except InputError as error:
            return list(error.problems)
        return []
    if is_input_dict(X_val):
        return [f"X_val must have the type of X, {type(X).__name__}, got a dict of arrays"]
    left, right = _names_of(X), _names_of(X_val)
    if left is None or right is None or left == right:
        return []
    if sorted(left) == sorted(right):
        problem = "X_val must have the columns of X in the same order"
        return [f"{problem}. Pass X_val[X.columns]."]
    missing = preview_names(dict.fromkeys(name for name in left if name not in set(right)))
    extra = preview_names(dict.fromkeys(name for name in right if name not in set(left)))
    problem = (
        "X_val must have the columns of X in the same order; missing: "
        f"{missing or 'none'}; not in X: {extra or 'none'}. Pass exactly these columns."
    )
    return [problem]
