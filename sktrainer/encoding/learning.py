"""Learning from the training rows of a table with columns, and encoding them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sktrainer.encoding.cells import cells_by_position
from sktrainer.encoding.columns import ColumnDecision
from sktrainer.encoding.finishing import Finish, Steps, learn_finish
from sktrainer.encoding.layout import (
    Category,
    decision,
    learn_levels_encoder,
    lookup_plan,
    plan_one_hot,
    plan_targets,
    simple_plan,
    treatment_of,
)
from sktrainer.encoding.levels import Levels
from sktrainer.encoding.plans import Plan
from sktrainer.encoding.recognise import Recognised, recognise
from sktrainer.encoding.settings import Encoders, Learned, Settings
from sktrainer.encoding.table_plan import TablePlan
from sktrainer.exceptions import InputError
from sktrainer.types import Array


@dataclass(frozen=True)
class Kept:
    """A column that is kept, and what its training cells were read as.

    `written` are the training rows' output where it is not what the plan writes: a
    cross-fitted target encoding.
    """

    position: int
    treatment: str
    plan: Plan
    found: Recognised
    written: Array | None = None

    @property
    def imputable(self) -> bool:
        """Whether cells can be missing; categories have an answer for those already."""
        return self.treatment in ("as is", "calendar parts")

    def write(self, out: Array) -> None:
        """Write the training rows."""
        if self.written is None:
            self.plan.write(self.found.values, out)
        else:
            out[:] = self.written


def learn_table(X: Any, names: Sequence[str], y: Any, settings: Settings) -> Learned:
    """Recognise the columns, learn their encoding, and encode the training rows.

    Parameters
    ----------
    X : DataFrame or ndarray of objects, shape (n_rows, n_columns)
    names : sequence of str
    y : array-like of shape (n_rows,) or None
        Only looked at where a column is target encoded.
    settings : Settings

    Raises
    ------
    InputError
        Cells are infinite or hold lists, dicts or arrays; every such column is named.
    """
    found = _recognise_all(X, names)
    treatments = [treatment_of(item, settings.encoding, settings.max_levels) for item in found]
    if all(treatment == "drop" for treatment in treatments):
        # A model needs a column; those of a single row are all constant.
        found = [_kept_anyway(item) for item in found]
        treatments = [treatment_of(item, settings.encoding, len(X)) for item in found]
    kept, encoders = _plan_all(found, names, treatments, y, settings)
    plan, out = _write_all(kept, len(X), settings)
    by_position = {item.position: item for item in kept}
    decisions = tuple(
        _decide(item, name, treatment, by_position.get(position), settings)
        for position, (item, name, treatment) in enumerate(
            zip(found, names, treatments, strict=True)
        )
    )
    return Learned(plan, decisions, out, encoders)


def _recognise_all(X: Any, names: Sequence[str]) -> list[Recognised]:
    column = cells_by_position(X)
    found, problems = [], []
    for position, name in enumerate(names):
        try:
            found.append(recognise(column(position), name))
        except InputError as error:
            problems.append(error)
    if problems:
        kind = type(problems[0])
        raise kind([problem for error in problems for problem in error.problems])
    return found


def _kept_anyway(item: Recognised) -> Recognised:
    if item.base == "category" and not item.levels:
        numbers = np.full(len(item.values), np.nan, dtype=np.float32)
        item = replace(item, values=numbers, base="numeric")
    kind: Any = item.base
    if kind == "category" and len(item.levels) == len(item.values) > 1:
        return item
    return replace(item, kind=kind, detail="tells nothing; kept since nothing else does")


def _plan_all(
    found: Sequence[Recognised],
    names: Sequence[str],
    treatments: Sequence[str],
    y: Any,
    settings: Settings,
) -> tuple[list[Kept], Encoders]:
    kept = [
        Kept(position, treatment, simple_plan(item, name), item)
        for position, (item, name, treatment) in enumerate(
            zip(found, names, treatments, strict=True)
        )
        if treatment in ("as is", "calendar parts")
    ]
    categories, encoder = _categories(found, names, treatments)
    plans, encoders = _plan_categories(categories, y, settings)
    for at, (plan, written) in plans.items():
        kept.append(Kept(at, treatments[at], plan, found[at], written))
    kept.sort(key=lambda item: item.position)
    return kept, replace(encoders, ordinal=encoder)


def _categories(
    found: Sequence[Recognised], names: Sequence[str], treatments: Sequence[str]
) -> tuple[list[Category], Any]:
    positions = [
        position
        for position, treatment in enumerate(treatments)
        if treatment not in ("drop", "as is", "calendar parts")
    ]
    if not positions:
        return [], None
    encoder = learn_levels_encoder([found[position] for position in positions])
    return [
        Category(
            position,
            names[position],
            treatments[position],
            found[position].values,
            Levels(levels),
            found[position].n_missing > 0,
        )
        for position, levels in zip(positions, encoder.categories_, strict=True)
    ], encoder


def _plan_categories(
    categories: Sequence[Category], y: Any, settings: Settings
) -> tuple[dict[int, tuple[Plan, Array | None]], Encoders]:
    plans: dict[int, tuple[Plan, Array | None]] = {}
    encoders = Encoders()
    one_hot = [item for item in categories if item.treatment == "one-hot"]
    targets = [item for item in categories if item.treatment == "target encoding"]
    for item in categories:
        if item.treatment in ("codes", "ordinal"):
            keep_missing = item.treatment == "codes" or not settings.impute
            plans[item.position] = lookup_plan(item, np.nan if keep_missing else -1), None
    if one_hot:
        onehot, made = plan_one_hot(one_hot)
        encoders = replace(encoders, onehot=onehot)
        plans |= {item.position: (plan, None) for item, plan in zip(one_hot, made, strict=True)}
    if targets:
        _require_target(y, targets)
        target, tables, parts = plan_targets(targets, y, task=settings.task, seed=settings.seed)
        encoders = replace(encoders, target=target)
        for item, table, part in zip(targets, tables, parts, strict=True):
            plans[item.position] = table, part
    return plans, encoders


def _require_target(y: Any, targets: Sequence[Category]) -> None:
    if y is None:
        names = ", ".join(repr(item.name) for item in targets)
        raise InputError(
            "This TableEncoder estimator requires y to be passed, but the target y is None: "
            f"the target encoding of {names} is learned from it; pass y, or choose another "
            "encoding"
        )


def _write_all(
    kept: Sequence[Kept], n_rows: int, settings: Settings
) -> tuple[TablePlan, Array]:
    stops = np.cumsum([len(item.plan.names) for item in kept]).tolist()
    starts = [0, *stops[:-1]]
    names = [name for item in kept for name in item.plan.names]
    steps = _steps(kept, starts, settings)
    marks = [f"{kept[at].plan.name}_missing" for at in _marked(kept, settings)]
    plan = TablePlan(
        positions=tuple(item.position for item in kept),
        plans=tuple(item.plan for item in kept),
        starts=tuple(starts),
        names=_unique([*names, *marks]),
        codes=tuple(
            start for item, start in zip(kept, starts, strict=True) if item.treatment == "codes"
        ),
        dtype="float64" if any(item.found.wide for item in kept) else "float32",
        finish=Finish(steps),
        frame=settings.frame,
    )
    out = plan.empty(n_rows)
    for item, start, stop in zip(kept, starts, stops, strict=True):
        item.write(out[:, start:stop])
    return replace(plan, finish=learn_finish(out, steps)), out


def _marked(kept: Sequence[Kept], settings: Settings) -> list[int]:
    if not settings.impute:
        return []
    return [at for at, item in enumerate(kept) if item.imputable and item.found.n_missing]


def _steps(kept: Sequence[Kept], starts: Sequence[int], settings: Settings) -> Steps:
    spans = [
        range(start, start + len(item.plan.names))
        for item, start in zip(kept, starts, strict=True)
    ]
    filled = [span for item, span in zip(kept, spans, strict=True) if item.imputable]
    scaled = [span for item, span in zip(kept, spans, strict=True) if item.plan.scaled]
    return Steps(
        filled=tuple(at for span in filled for at in span) if settings.impute else (),
        marked=tuple(starts[at] for at in _marked(kept, settings)),
        scaled=tuple(at for span in scaled for at in span) if settings.scale else (),
        first_mark=sum(map(len, spans)),
    )


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Make names that stand twice (a column `sex_M` beside a level M of `sex`) unique."""
    taken: set[str] = set()
    names_out: list[str] = []
    for name in names:
        candidate, number = name, 2
        while candidate in taken:
            candidate, number = f"{name}_{number}", number + 1
        taken.add(candidate)
        names_out.append(candidate)
    return tuple(names_out)


def _decide(
    item: Recognised, name: str, treatment: str, kept: Kept | None, settings: Settings
) -> ColumnDecision:
    if kept is None:
        detail = "every row has a level of its own" if item.kind == "category" else ""
        return decision(item, name, "drop", detail)
    steps = [treatment]
    if settings.impute and kept.imputable and item.n_missing:
        steps.append("impute")
    if settings.scale and kept.plan.scaled:
        steps.append("scale")
    if len(steps) > 1 and treatment == "as is":
        del steps[0]
    details = {
        "calendar parts": ", ".join(item.parts),
        "one-hot": f"{len(kept.plan.names)} columns",
    }
    return decision(item, name, " + ".join(steps), details.get(treatment, ""))
