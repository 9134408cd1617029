"""Column contract: names, order and kinds of columns, recorded at fit, checked at predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from sktrainer.data.column_kinds import (
    DTYPES,
    KINDS_OF_DECISIONS,
    Kind,
    has_column_names,
    is_all_numeric,
    kind_difference,
    table_columns,
)
from sktrainer.data.columns import MAX_NAMES, column_names, preview_names
from sktrainer.data.indexing import is_input_dict, select_inputs
from sktrainer.data.type_inference import ColumnDecision
from sktrainer.exceptions import InputError

Reader: TypeAlias = Literal["encoder", "steps", "model"]


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
        Recorded for models without the automatic preprocessor, which checks the values itself,
        and for tables that are trained on in chunks.
    reader : {"encoder", "steps", "model"}
        What reads the table first: the automatic preprocessor, a user-defined step, or the
        model.
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
    reader: Reader = "encoder"

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
        are strings that the automatic preprocessor can parse as the numbers or dates of the
        first chunk.

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
        return self.kind_problems(X, "the first chunk", "every chunk")

    def kind_problems(self, X: Any, before: str = "fit", now: str = "predict") -> list[str]:
        """Return a message for each column whose values are of another kind.

        `before` and `now` name the tables in the messages.
        """
        if not self.kinds or (is_all_numeric(X) and {*self.kinds} <= {"numbers", "booleans"}):
            return []
        columns = table_columns(X, categories=self.reader == "model")
        if columns is None or len(columns) != len(self.kinds):
            return []  # the number of columns is checked elsewhere
        names = self.names or [f"x{position}" for position in range(len(columns))]
        found = zip(names, self.kinds, columns, strict=True)
        return [
            f"column {name!r} contained {kind} in {before}, got {difference}; use the same "
            f"dtype in {now}, for example X.astype({{{name!r}: {DTYPES.get(kind, 'str')}}})"
            for name, kind, column in found
            if (difference := kind_difference(kind, *column, parses=self.reader == "encoder"))
        ]

    def with_numeric_dtypes(self, X: Any) -> Any:
        """Convert object columns of a DataFrame whose values are numbers, as in training.

        ``pd.DataFrame(X.iloc[0]).T`` has such columns, which most libraries refuse.
        """
        if self.reader != "model" or not isinstance(X, pd.DataFrame) or not self.kinds:
            return X
        changed = [
            position
            for position, (kind, dtype) in enumerate(zip(self.kinds, X.dtypes, strict=True))
            if kind in ("numbers", "booleans") and isinstance(dtype, np.dtypes.ObjectDType)
        ]
        if not changed:
            return X
        X = X.copy(deep=False)
        for position in changed:
            X.isetitem(position, X.iloc[:, position].astype(float))
        return X


def record_columns(
    X: Any, decisions: Sequence[ColumnDecision] = (), *, reader: Reader = "steps"
) -> ColumnContract:
    """Return the column contract of a table; it is empty if X is not a table.

    `decisions` are those of the automatic preprocessor, which may have parsed strings as
    numbers. `reader` is what reads the table if there are no decisions.

    Examples
    --------
    >>> import pandas as pd
    >>> record_columns(pd.DataFrame({"age": [31, 45], "sex": ["M", None]})).kinds
    ('numbers', 'strings')
    """
    columns = table_columns(X, categories=reader == "model")
    if columns is None:
        return ColumnContract(shape=_row_shape(X))
    names = record_names(X)
    kinds = [kind for kind, _ in columns]
    if len(decisions) == len(kinds):
        for position, decision in enumerate(decisions):
            if kinds[position] in ("strings", "mixed"):
                kinds[position] = KINDS_OF_DECISIONS.get(decision.kind, kinds[position])
    return replace(names, kinds=tuple(kinds), reader="encoder" if decisions else reader)


def record_names(X: Any) -> ColumnContract:
    """Return the contract on names and order of the columns, without their kinds."""
    names, shape = _names_of(X), tuple(getattr(X, "shape", ()))
    if names is None:
        return ColumnContract(width=shape[1] if len(shape) == 2 else None)
    is_string = all(isinstance(name, str) for name in column_names(X))
    return ColumnContract(names, width=len(names), has_string_names=is_string)


def _names_of(X: Any) -> tuple[str, ...] | None:
    """Return the column names as strings, or None if X has none."""
    return tuple(map(str, column_names(X))) if has_column_names(X) else None


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


def _row_shape(X: Any) -> tuple[int, ...]:
    shape = tuple(getattr(X, "shape", ()))
    return shape[1:] if len(shape) > 2 else ()


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
