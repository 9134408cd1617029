"""Choice of the treatment of each column, and the decisions for the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from sktrainer.data.columns import column_reader
from sktrainer.data.type_inference import ColumnDecision, InferredColumn, infer_column_type
from sktrainer.exceptions import InputError
from sktrainer.preprocessing.base import EncoderOptions

__all__ = ["ENCODINGS", "Encoding", "PlannedColumn", "choose_treatments", "make_decision"]


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


def choose_treatment(found: InferredColumn, settings: EncoderOptions) -> Treatment:
    """Return the treatment of a column; "drop" if it contains no information.

    Examples
    --------
    >>> import numpy as np
    >>> found = infer_column_type(np.array(["a", "b", "a"], dtype=object), "letter")
    >>> choose_treatment(found, EncoderOptions("native+target", max_levels=30))
    'codes'
    >>> choose_treatment(found, EncoderOptions("native+target", max_levels=1))
    'target encoding'
    """
    if found.kind in ("constant", "empty"):
        return "drop"
    if found.kind == "datetime":
        return "calendar parts"
    if found.kind != "category":
        return "as is"
    n_levels = len(found.levels)
    # A different level in every row, such as a name or an identifier, cannot be learned.
    if n_levels > settings.max_levels and n_levels == len(found.values) - found.n_missing:
        return "drop"
    few, many = ENCODINGS[settings.encoding]
    return many if n_levels > settings.max_levels else few


def choose_treatments(
    X: Any, names: Sequence[str], settings: EncoderOptions
) -> list[PlannedColumn]:
    """Detect the kind of each column and choose its treatment.

    If all columns would be dropped, for example because there is only one row, all are
    kept, because a model needs at least one column.

    Raises
    ------
    InputError
        Columns contain infinite values, lists, dicts or arrays. All of them are named.
    """
    found = _infer_all(X, names)
    chosen = [
        PlannedColumn(position, name, item, choose_treatment(item, settings))
        for position, (name, item) in enumerate(zip(names, found, strict=True))
    ]
    if all(column.treatment == "drop" for column in chosen):
        few = replace(settings, max_levels=len(X))
        return [_keep_uninformative(column, few) for column in chosen]
    return chosen


def _infer_all(X: Any, names: Sequence[str]) -> list[InferredColumn]:
    column = column_reader(X)
    found: list[InferredColumn] = []
    errors: list[InputError] = []
    for position, name in enumerate(names):
        try:
            found.append(infer_column_type(column(position), name))
        except InputError as error:
            errors.append(error)
    if errors:
        raise type(errors[0])([problem for error in errors for problem in error.problems])
    return found


def _keep_uninformative(column: PlannedColumn, settings: EncoderOptions) -> PlannedColumn:
    found = column.inferred
    if found.base == "category" and not found.levels:
        numbers = np.full(len(found.values), np.nan, dtype=np.float32)
        found = replace(found, values=numbers, base="numeric")
    kind: Any = {"numeric": "numeric", "datetime": "datetime"}.get(found.base, "category")
    detail = "contains no information; kept because no other column is left"
    found = replace(found, kind=kind, detail=detail)
    return replace(column, inferred=found, treatment=choose_treatment(found, settings))


def make_decision(
    column: PlannedColumn, settings: EncoderOptions, *, width: int, scaled: bool
) -> ColumnDecision:
    """Return the decision on a column for the report.

    Parameters
    ----------
    column : Chosen
    settings : Settings
    width : int
        Number of output columns; 0 if the column was dropped.
    scaled : bool
        Whether the output columns are standardised.
    """
    found, details = column.inferred, [column.inferred.detail]
    steps: list[str] = [] if column.treatment == "as is" else [column.treatment]
    if column.treatment == "drop" and found.kind == "category":
        details.append("every row has a different value")
    if settings.impute and found.n_missing and width and not column.is_category:
        steps.append("impute")
    if scaled:
        steps.append("scale")
    if column.treatment == "calendar parts":
        details.append(", ".join(found.parts))
    elif width > 1:
        details.append(f"{width} columns")
    return ColumnDecision(
        name=column.name,
        kind=found.kind,
        treatment=" + ".join(steps) or "as is",
        n_levels=len(found.levels) if found.base == "category" else None,
        n_missing=found.n_missing,
        detail="; ".join(detail for detail in details if detail),
    )
