"""From what the columns are to what the output is: which treatment each column gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from sktrainer.encoding.columns import ColumnDecision
from sktrainer.encoding.levels import Levels
from sktrainer.encoding.plans import Dates, LevelValues, Numbers, OneHot, Plan
from sktrainer.encoding.recognise import Recognised
from sktrainer.encoding.targets import encoding_tables, fit_target_encoder
from sktrainer.types import Array, Task

Encoding: TypeAlias = Literal[
    "native", "native+target", "onehot", "onehot+target", "ordinal", "target"
]

#: Most columns that one category column becomes where every one is one-hot encoded.
MAX_ONE_HOT = 100

_CODES, _ONE_HOT, _ORDINAL, _TARGET = "codes", "one-hot", "ordinal", "target encoding"
#: What columns of few levels get, and what those of many.
TREATMENTS: dict[str, tuple[str, str]] = {
    "native": (_CODES, _CODES),
    "native+target": (_CODES, _TARGET),
    "onehot": (_ONE_HOT, _ONE_HOT),
    "onehot+target": (_ONE_HOT, _TARGET),
    "ordinal": (_ORDINAL, _ORDINAL),
    "target": (_TARGET, _TARGET),
}


@dataclass(frozen=True)
class Category:
    """A category column that is kept: its position in the table, and its treatment."""

    position: int
    name: str
    treatment: str
    codes: Array
    levels: Levels
    has_missing: bool

    @property
    def n_levels(self) -> int:
        """Levels, a missing one counted."""
        return len(self.levels.levels) + self.has_missing

    def complete_codes(self) -> Array:
        """Return the codes with missing cells as the last level."""
        if not self.has_missing:
            return self.codes
        return np.where(self.codes < 0, self.n_levels - 1, self.codes)


def treatment_of(found: Recognised, encoding: str, max_levels: int) -> str:
    """Return what is done with a column; "drop" where it can tell a model nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from sktrainer.encoding.recognise import recognise
    >>> found = recognise(np.array(["a", "b", "a"], dtype=object), "letter")
    >>> treatment_of(found, "native+target", 30), treatment_of(found, "native+target", 1)
    ('codes', 'target encoding')
    """
    if found.kind in ("constant", "empty"):
        return "drop"
    if found.kind == "datetime":
        return "calendar parts"
    if found.kind != "category":
        return "as is"
    n_levels = len(found.levels)
    if n_levels > max_levels and n_levels == len(found.values) - found.n_missing:
        return "drop"
    few, many = TREATMENTS[encoding]
    return many if n_levels > max_levels else few


def learn_levels_encoder(categories: Sequence[Recognised]) -> OrdinalEncoder:
    """Return an OrdinalEncoder that holds the levels of the category columns."""
    encoder = OrdinalEncoder(
        categories=[np.array(found.levels, dtype=object) for found in categories],
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        dtype=np.float32,
    )
    # The levels have been found already: one row that has the first of each will do.
    return encoder.fit(np.array([[found.levels[0] for found in categories]], dtype=object))


def lookup_plan(category: Category, missing_value: float) -> LevelValues:
    """Return the plan of a column whose levels become their codes."""
    n_levels = len(category.levels.levels)
    table = np.append(np.arange(n_levels), missing_value).astype(np.float32)
    scaled = category.treatment == _ORDINAL
    return LevelValues((category.name,), category.levels, table[:, np.newaxis], scaled)


def plan_one_hot(categories: Sequence[Category]) -> tuple[OneHotEncoder, list[OneHot]]:
    """Fit a OneHotEncoder on the codes, and return the plan of each column.

    A column of two levels and no missing cell becomes one output column.
    """
    codes = np.column_stack([category.complete_codes() for category in categories])
    sizes = [category.n_levels for category in categories]
    encoder = OneHotEncoder(
        categories=[np.arange(size) for size in sizes],
        drop="if_binary",
        handle_unknown="ignore",
        max_categories=MAX_ONE_HOT,
    ).fit(codes)
    probes = np.minimum(np.arange(max(sizes))[:, np.newaxis], np.array(sizes) - 1)
    encoded = encoder.transform(probes).tocsc()
    widths = _one_hot_widths(encoder, sizes)
    starts = np.concatenate([[0], np.cumsum(widths)])
    plans = []
    for position, category in enumerate(categories):
        part = encoded[:, starts[position] : starts[position + 1]].tocsr()[: sizes[position]]
        plans.append(_one_hot_plan(category, part.toarray()))
    return encoder, plans


def _one_hot_widths(encoder: OneHotEncoder, sizes: Sequence[int]) -> list[int]:
    infrequent = encoder.infrequent_categories_
    widths = []
    for size, rare in zip(sizes, infrequent, strict=True):
        width = size if rare is None else size - len(rare) + 1
        widths.append(1 if width == 2 else width)
    return widths


def _one_hot_plan(category: Category, encoded: Array) -> OneHot:
    slots = np.where(encoded.any(axis=1), encoded.argmax(axis=1), -1)
    labels = [*category.levels.levels.tolist(), *(["missing"] if category.has_missing else [])]
    members = [
        [label for label, slot in zip(labels, slots, strict=True) if slot == column]
        for column in range(encoded.shape[1])
    ]
    names = tuple(
        f"{category.name}_{held[0] if len(held) == 1 else 'infrequent'}" for held in members
    )
    if not category.has_missing:
        slots = np.append(slots, -1)
    return OneHot(names, category.levels, slots)


def plan_targets(
    categories: Sequence[Category], y: Any, *, task: Task, seed: Any
) -> tuple[TargetEncoder, list[LevelValues], list[Array]]:
    """Fit a TargetEncoder; return each column's plan and its cross-fitted training values."""
    sizes = [category.n_levels for category in categories]
    codes = np.column_stack([category.complete_codes() for category in categories])
    encoder, encoded = fit_target_encoder(codes, sizes, y, task=task, seed=seed)
    missing = [category.has_missing for category in categories]
    plans = []
    for category, table in zip(categories, encoding_tables(encoder, missing), strict=True):
        plans.append(
            LevelValues(_target_names(category, encoder), category.levels, table, True)
        )
    width = plans[0].table.shape[1]
    parts = [encoded[:, at : at + width] for at in range(0, encoded.shape[1], width)]
    return encoder, plans, parts


def _target_names(category: Category, encoder: TargetEncoder) -> tuple[str, ...]:
    if encoder.target_type_ != "multiclass":
        return (category.name,)
    return tuple(f"{category.name}_{label}" for label in encoder.classes_)


def simple_plan(found: Recognised, name: str) -> Plan:
    """Return the plan of a column of numbers or dates."""
    if found.form is not None:
        return Dates(name, found.form, found.parts)
    return Numbers(name, scaled=found.kind != "boolean")


def decision(found: Recognised, name: str, treatment: str, detail: str = "") -> ColumnDecision:
    """Put down what was decided on a column."""
    levels = len(found.levels) if found.base == "category" else None
    notes = "; ".join(note for note in (found.detail, detail) if note)
    return ColumnDecision(name, found.kind, treatment, levels, found.n_missing, notes)
