"""Choice of the treatment of each column, and the decisions for the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from sktrainer.data.column_checks import join_errors
from sktrainer.data.columns import column_reader, unwrap_column
from sktrainer.data.type_inference import ColumnDecision, InferredColumn, infer_column_type
from sktrainer.data.unparsed_values import UnparsedValues
from sktrainer.exceptions import InputError
from sktrainer.preprocessing.base import EncoderOptions

Encoding: TypeAlias = Literal[
    "native", "native+target", "onehot", "onehot+target", "ordinal", "target"
]

Treatment: TypeAlias = Literal[
    "drop", "as is", "calendar parts", "codes", "one-hot", "ordinal", "target encoding"
]

#: Treatment of category columns with few levels and with many levels.
ENCODINGS: dict[str, tuple[Treatment, Treatment]] = {
    "native": ("codes", "codes"),
    "native+target": ("codes", "target encoding"),
    "onehot": ("one-hot", "one-hot"),
    "onehot+target": ("one-hot", "target encoding"),
    "ordinal": ("ordinal", "ordinal"),
    "target": ("target encoding", "target encoding"),
}


@dataclass(frozen=True)
class PlannedColumn:
    """A column of the training rows with its treatment."""

    position: int
    name: str
    inferred: InferredColumn
    treatment: Treatment

    @property
    def is_category(self) -> bool:
        """Whether the column is kept and encoded by its levels."""
        return self.treatment in ("codes", "one-hot", "ordinal", "target encoding")

    @property
    def has_missing(self) -> bool:
        """Whether the training rows contain missing values."""
        return self.inferred.n_missing > 0


def choose_treatment(column: InferredColumn, options: EncoderOptions) -> Treatment:
    """Return the treatment of a column; "drop" if it contains no information.

    Examples
    --------
    >>> import numpy as np
    >>> column = infer_column_type(np.array(["a", "b", "a"], dtype=object), "letter")
    >>> choose_treatment(column, EncoderOptions("native+target", max_levels=30))
    'codes'
    >>> choose_treatment(column, EncoderOptions("native+target", max_levels=1))
    'target encoding'
    """
    if column.kind in ("constant", "empty"):
        return "drop"
    if column.kind == "datetime":
        return "calendar parts"
    if column.kind != "category":
        return "as is"
    n_levels = len(column.levels)
    # A different level in every row, such as a name or an identifier, cannot be learned.
    if n_levels > options.max_levels and n_levels == len(column.values) - column.n_missing:
        return "drop"
    few, many = ENCODINGS[options.encoding]
    return many if n_levels > options.max_levels else few


def choose_treatments(
    X: Any, names: Sequence[str], options: EncoderOptions
) -> list[PlannedColumn]:
    """Detect the kind of each column and choose its treatment.

    If all columns would be dropped, for example because there is only one row, all are
    kept, because a model needs at least one column.

    Raises
    ------
    InputError
        Columns contain infinite values, lists, dicts or arrays. All of them are named.

    Warns
    -----
    DataWarning
        Values of a column of numbers or dates are treated as missing, or strings are read as
        numbers with a decimal comma, digit groups or a unit.
    """
    column = column_reader(X)
    planned: list[PlannedColumn] = []
    errors: list[InputError] = []
    unparsed = UnparsedValues()
    for position, name in enumerate(names):
        values = column(position)
        try:
            inferred = infer_column_type(values, name, options.missing_values)
        except InputError as error:
            errors.append(error)
            continue
        if inferred.base != "category":
            expected = "dates" if inferred.base == "datetime" else "numbers"
            unparsed.record(name, expected, unwrap_column(values), inferred.values)
        unparsed.note(inferred.warning)
        treatment = choose_treatment(inferred, options)
        planned.append(PlannedColumn(position, name, inferred, treatment))
    if errors:
        raise join_errors(errors)
    unparsed.warn()
    if all(column.treatment == "drop" for column in planned):
        any_levels = replace(options, max_levels=len(X))
        return [_keep_uninformative(column, any_levels) for column in planned]
    return planned


def _keep_uninformative(column: PlannedColumn, options: EncoderOptions) -> PlannedColumn:
    inferred = column.inferred
    if inferred.base == "category" and not inferred.levels:
        numbers = np.full(len(inferred.values), np.nan, dtype=np.float32)
        inferred = replace(inferred, values=numbers, base="numeric")
    detail = "contains no information; kept because no other column is left"
    inferred = replace(inferred, kind=inferred.base, detail=detail)
    return replace(column, inferred=inferred, treatment=choose_treatment(inferred, options))


def make_decision(
    column: PlannedColumn, options: EncoderOptions, *, width: int, scaled: bool
) -> ColumnDecision:
    """Return the decision on a column for the report.

    `width` is the number of output columns, and `scaled` whether they are standardized.
    """
    inferred, details = column.inferred, [column.inferred.detail]
    steps: list[str] = [] if column.treatment == "as is" else [column.treatment]
    if column.treatment == "drop" and inferred.kind == "category":
        details.append("every row has a different value")
    if options.impute and inferred.n_missing and width and not column.is_category:
        steps.append("impute")
    if scaled:
        steps.append("scale")
    if column.treatment == "calendar parts":
        details.append(", ".join(inferred.parts))
    elif width > 1:
        details.append(f"{width} columns")
    return ColumnDecision(
        name=column.name,
        kind=inferred.kind,
        treatment=" + ".join(steps) or "as is",
        n_levels=len(inferred.levels) if inferred.base == "category" else None,
        n_missing=inferred.n_missing,
        detail="; ".join(detail for detail in details if detail),
    )
