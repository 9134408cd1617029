"""Learning the encoding of a table with typed columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sktrainer.data.type_inference import ColumnDecision
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

__all__ = ["fit_table"]


@dataclass(frozen=True)
class KeptColumn:
    """A kept column with its plan and its position in the output."""

    column: PlannedColumn
    planned: FittedColumn
    start: int

    @property
    def plan(self) -> ColumnTransform:
        """Plan that encodes the column."""
        return self.planned.plan

    @property
    def span(self) -> range:
        """Positions of the output columns."""
        return range(self.start, self.start + len(self.plan.names))

    def write(self, out: Array) -> None:
        """Write the encoded training rows into `out`."""
        part = out[:, self.span.start : self.span.stop]
        if self.planned.train_output is None:
            self.plan.write(self.column.inferred.values, part)
        else:
            part[:] = self.planned.train_output


def fit_table(X: Any, names: Sequence[str], y: Any, settings: EncoderOptions) -> FittedTable:
    """Detect the column kinds, learn the encoding, and encode the training rows.

    Parameters
    ----------
    X : DataFrame or ndarray of objects, shape (n_rows, n_columns)
    names : sequence of str
    y : array-like of shape (n_rows,) or None
        Only used if a column is target encoded.
    settings : Settings

    Raises
    ------
    InputError
        Columns contain infinite values, lists, dicts or arrays. All of them are named.
    """
    chosen = choose_treatments(X, names, settings)
    planned, encoders = fit_categories(
        [column for column in chosen if column.is_category], y, settings
    )
    kept: list[KeptColumn] = []
    for column in chosen:
        if column.treatment != "drop":
            how = planned.get(column.position) or FittedColumn(
                _numeric_or_date_transform(column)
            )
            kept.append(KeptColumn(column, how, kept[-1].span.stop if kept else 0))
    plan, out = _write(kept, len(X), settings)
    spans = {item.column.position: item for item in kept}
    decisions = tuple(
        _decide(column, spans.get(column.position), settings) for column in chosen
    )
    return FittedTable(plan, decisions, out, encoders)


def _numeric_or_date_transform(column: PlannedColumn) -> ColumnTransform:
    found = column.inferred
    if found.date_format is not None:
        return DateTransform(column.name, found.date_format, found.parts)
    return NumericTransform(column.name, scaled=found.kind != "boolean")


def _decide(
    column: PlannedColumn, kept: KeptColumn | None, settings: EncoderOptions
) -> ColumnDecision:
    width = 0 if kept is None else len(kept.span)
    scaled = kept is not None and settings.scale and kept.plan.scaled
    return make_decision(column, settings, width=width, scaled=scaled)


def _write(
    kept: Sequence[KeptColumn], n_rows: int, settings: EncoderOptions
) -> tuple[TableTransform, Array]:
    steps = _steps(kept, settings)
    names = [name for item in kept for name in item.plan.names]
    marked = [item for item in kept if item.start in steps.marked]
    wide = any(item.column.inferred.needs_float64 for item in kept)
    plan = TableTransform(
        positions=tuple(item.column.position for item in kept),
        plans=tuple(item.plan for item in kept),
        starts=tuple(item.start for item in kept),
        names=_make_unique_names([*names, *(f"{item.column.name}_missing" for item in marked)]),
        codes=tuple(item.start for item in kept if item.column.treatment == "codes"),
        dtype="float64" if wide else "float32",
        finish=Postprocessing(steps),
        frame=settings.frame,
    )
    out = plan.empty(n_rows)
    for item in kept:
        item.write(out)
    return replace(plan, finish=fit_postprocessing(out, steps, settings.weight)), out


def _steps(kept: Sequence[KeptColumn], settings: EncoderOptions) -> PostprocessingColumns:
    # Category encodings handle missing values themselves.
    imputed = [item for item in kept if settings.impute and not item.column.is_category]
    scaled = [item for item in kept if settings.scale and item.plan.scaled]
    return PostprocessingColumns(
        filled=np.array([at for item in imputed for at in item.span], dtype=int),
        marked=np.array([item.start for item in imputed if item.column.has_missing], dtype=int),
        scaled=np.array([at for item in scaled for at in item.span], dtype=int),
        first_mark=kept[-1].span.stop,
    )


def _make_unique_names(names: Sequence[str]) -> tuple[str, ...]:
    """Make duplicate names unique, such as a column `sex_M` and the level M of `sex`."""
    unique: dict[str, None] = {}
    for name in names:
        candidate, number = name, 2
        while candidate in unique:
            candidate, number = f"{name}_{number}", number + 1
        unique[candidate] = None
    return tuple(unique)
