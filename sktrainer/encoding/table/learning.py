"""Learning the encoding of a table with typed columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sktrainer.encoding.table.categories import Planned, plan_categories
from sktrainer.encoding.table.columns import ColumnDecision
from sktrainer.encoding.table.finishing import Finish, Steps, learn_finish
from sktrainer.encoding.table.plans import Dates, Numbers, Plan
from sktrainer.encoding.table.settings import Learned, Settings
from sktrainer.encoding.table.table_plan import TablePlan
from sktrainer.encoding.table.treatments import Chosen, choose_treatments, decision_on
from sktrainer.types import Array


@dataclass(frozen=True)
class Kept:
    """A kept column with its plan and its position in the output."""

    column: Chosen
    planned: Planned
    start: int

    @property
    def plan(self) -> Plan:
        """Plan that encodes the column."""
        return self.planned.plan

    @property
    def span(self) -> range:
        """Positions of the output columns."""
        return range(self.start, self.start + len(self.plan.names))

    def write(self, out: Array) -> None:
        """Write the encoded training rows into `out`."""
        part = out[:, self.span.start : self.span.stop]
        if self.planned.written is None:
            self.plan.write(self.column.found.values, part)
        else:
            part[:] = self.planned.written


def learn_table(X: Any, names: Sequence[str], y: Any, settings: Settings) -> Learned:
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
    planned, encoders = plan_categories(
        [column for column in chosen if column.is_category], y, settings
    )
    kept: list[Kept] = []
    for column in chosen:
        if column.treatment != "drop":
            how = planned.get(column.position) or Planned(_simple_plan(column))
            kept.append(Kept(column, how, kept[-1].span.stop if kept else 0))
    plan, out = _write(kept, len(X), settings)
    spans = {item.column.position: item for item in kept}
    decisions = tuple(
        _decide(column, spans.get(column.position), settings) for column in chosen
    )
    return Learned(plan, decisions, out, encoders)


def _simple_plan(column: Chosen) -> Plan:
    found = column.found
    if found.form is not None:
        return Dates(column.name, found.form, found.parts)
    return Numbers(column.name, scaled=found.kind != "boolean")


def _decide(column: Chosen, kept: Kept | None, settings: Settings) -> ColumnDecision:
    width = 0 if kept is None else len(kept.span)
    scaled = kept is not None and settings.scale and kept.plan.scaled
    return decision_on(column, settings, width=width, scaled=scaled)


def _write(kept: Sequence[Kept], n_rows: int, settings: Settings) -> tuple[TablePlan, Array]:
    steps = _steps(kept, settings)
    names = [name for item in kept for name in item.plan.names]
    marked = [item for item in kept if item.start in steps.marked]
    wide = any(item.column.found.wide for item in kept)
    plan = TablePlan(
        positions=tuple(item.column.position for item in kept),
        plans=tuple(item.plan for item in kept),
        starts=tuple(item.start for item in kept),
        names=_unique([*names, *(f"{item.column.name}_missing" for item in marked)]),
        codes=tuple(item.start for item in kept if item.column.treatment == "codes"),
        dtype="float64" if wide else "float32",
        finish=Finish(steps),
        frame=settings.frame,
    )
    out = plan.empty(n_rows)
    for item in kept:
        item.write(out)
    return replace(plan, finish=learn_finish(out, steps, settings.weight)), out


def _steps(kept: Sequence[Kept], settings: Settings) -> Steps:
    # Category encodings handle missing values themselves.
    imputed = [item for item in kept if settings.impute and not item.column.is_category]
    scaled = [item for item in kept if settings.scale and item.plan.scaled]
    return Steps(
        filled=np.array([at for item in imputed for at in item.span], dtype=int),
        marked=np.array([item.start for item in imputed if item.column.has_missing], dtype=int),
        scaled=np.array([at for item in scaled for at in item.span], dtype=int),
        first_mark=kept[-1].span.stop,
    )


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Make duplicate names unique, such as a column `sex_M` and the level M of `sex`."""
    unique: dict[str, None] = {}
    for name in names:
        candidate, number = name, 2
        while candidate in unique:
            candidate, number = f"{name}_{number}", number + 1
        unique[candidate] = None
    return tuple(unique)
