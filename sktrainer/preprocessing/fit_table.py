"""Learning the encoding of a table with typed columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sktrainer.preprocessing.base import EncoderOptions, FittedTable
from sktrainer.preprocessing.categories import FittedColumn, fit_categories
from sktrainer.preprocessing.column_transforms import (
    ColumnTransform,
    DateTransform,
    NumericTransform,
)
from sktrainer.preprocessing.postprocessing import (
    Postprocessing,
    PostprocessingColumns,
    fit_postprocessing,
)
from sktrainer.preprocessing.table_transform import TableTransform
from sktrainer.preprocessing.treatments import PlannedColumn, choose_treatments, make_decision
from sktrainer.types import Array


@dataclass(frozen=True)
class KeptColumn:
    """A kept column with its transform and its position in the output."""

    column: PlannedColumn
    fitted: FittedColumn
    start: int

    @property
    def plan(self) -> ColumnTransform:
        """Transform of the column."""
        return self.fitted.plan

    @property
    def span(self) -> range:
        """Positions of the output columns."""
        return range(self.start, self.start + len(self.plan.names))

    def write(self, out: Array) -> None:
        """Write the encoded training rows into `out`."""
        part = out[:, self.span.start : self.span.stop]
        if self.fitted.train_output is None:
            self.plan.write(self.column.inferred.values, part)
        else:
            part[:] = self.fitted.train_output


def fit_table(X: Any, names: Sequence[str], y: Any, options: EncoderOptions) -> FittedTable:
    """Detect the column kinds, learn the encoding, and encode the training rows.

    y is only used if a column is target encoded.

    Raises
    ------
    InputError
        Columns contain infinite values, lists, dicts or arrays. All of them are named.
    """
    columns = choose_treatments(X, names, options)
    categories = [column for column in columns if column.is_category]
    fitted, encoders = fit_categories(categories, y, options)
    kept: list[KeptColumn] = []
    decisions = []
    for column in columns:
        width, scaled = 0, False
        if column.treatment != "drop":
            transform = fitted.get(column.position) or FittedColumn(
                _simple_transform(column, options)
            )
            item = KeptColumn(column, transform, kept[-1].span.stop if kept else 0)
            width, scaled = len(item.span), options.scale and item.plan.scaled
            kept.append(item)
        decisions.append(make_decision(column, options, width=width, scaled=scaled))
    plan, out = _write(kept, len(X), options)
    return FittedTable(plan, tuple(decisions), out, encoders)


def _simple_transform(column: PlannedColumn, options: EncoderOptions) -> ColumnTransform:
    inferred = column.inferred
    if inferred.date_format is not None:
        return DateTransform(column.name, inferred.date_format, inferred.parts)
    return NumericTransform(
        column.name,
        inferred.kind != "boolean",
        inferred.number_format,
        "durations" if inferred.kind == "duration" else "numbers",
        options.missing_values if inferred.kind == "numeric" else math.nan,
    )


def _write(
    kept: Sequence[KeptColumn], n_rows: int, options: EncoderOptions
) -> tuple[TableTransform, Array]:
    # Category encodings handle missing values themselves.
    imputed = [item for item in kept if options.impute and not item.column.is_category]
    scaled = [item for item in kept if options.scale and item.plan.scaled]
    steps = PostprocessingColumns(
        filled=np.array([at for item in imputed for at in item.span], dtype=int),
        marked=np.array([item.start for item in imputed if item.column.has_missing], dtype=int),
        scaled=np.array([at for item in scaled for at in item.span], dtype=int),
        first_mark=kept[-1].span.stop,
    )
    names = [name for item in kept for name in item.plan.names]
    marked = [item for item in kept if item.start in steps.marked]
    wide = any(item.column.inferred.needs_float64 for item in kept)
    plan = TableTransform(
        positions=tuple(item.column.position for item in kept),
        plans=tuple(item.plan for item in kept),
        starts=tuple(item.start for item in kept),
        names=_make_unique_names([*names, *(f"{item.column.name}_missing" for item in marked)]),
        codes=tuple(item.start for item in kept if item.column.treatment == "codes"),
        dtype="float64" if wide or options.float64 else "float32",
        finish=Postprocessing(steps),
        frame=options.frame,
    )
    out = plan.empty(n_rows)
    for item in kept:
        item.write(out)
    return replace(plan, finish=fit_postprocessing(out, steps, options.weight)), out


def _make_unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Make duplicate names unique, such as a column `sex_M` and the level M of `sex`."""
    unique: dict[str, None] = {}
    for name in names:
        candidate, number = name, 2
        while candidate in unique:
            candidate, number = f"{name}_{number}", number + 1
        unique[candidate] = None
    return tuple(unique)
