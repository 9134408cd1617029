"""Encoding of category columns with the encoders of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from sktrainer.data.columns import object_array, preview_names
from sktrainer.data.levels import Levels
from sktrainer.exceptions import InputError
from sktrainer.preprocessing.base import EncoderOptions, FittedEncoders
from sktrainer.preprocessing.column_transforms import (
    ColumnTransform,
    LevelTransform,
    OneHotTransform,
)
from sktrainer.preprocessing.target_encoding import (
    count_targets,
    encoding_tables,
    fit_target_encoder,
)
from sktrainer.preprocessing.treatments import PlannedColumn
from sktrainer.types import Array

#: Maximum number of one-hot columns per input column.
MAX_ONE_HOT = 100


@dataclass(frozen=True)
class CategoryColumn:
    """A category column and its levels."""

    column: PlannedColumn
    levels: Levels

    @property
    def n_levels(self) -> int:
        """Number of levels, including the missing level if there is one."""
        return len(self.levels.levels) + self.column.has_missing

    def complete_codes(self) -> Array:
        """Return the codes of the training values, with missing values as the last level."""
        codes = self.column.inferred.values
        return np.where(codes < 0, self.n_levels - 1, codes)


@dataclass(frozen=True)
class FittedColumn:
    """Learned encoding of a column.

    `train_output` is the output for the training rows if it differs from the output of
    `plan`, as with cross-fitted target encoding.
    """

    plan: ColumnTransform
    train_output: Array | None = None


def fit_categories(
    columns: Sequence[PlannedColumn], y: Any, options: EncoderOptions
) -> tuple[dict[int, FittedColumn], FittedEncoders]:
    """Learn the encodings of the category columns, keyed by column position.

    Raises
    ------
    InputError
        y is None or has several columns, but a column requires target encoding.
    """
    one_hot: list[CategoryColumn] = []
    targets: list[CategoryColumn] = []
    fitted: dict[int, FittedColumn] = {}
    for column in columns:
        category = CategoryColumn(column, Levels(object_array(column.inferred.levels)))
        if column.treatment == "one-hot":
            one_hot.append(category)
        elif column.treatment == "target encoding":
            targets.append(category)
        else:
            fitted[column.position] = FittedColumn(_fit_codes(category, options))
    encoders = FittedEncoders()
    if one_hot:
        onehot, plans = _fit_one_hot(one_hot)
        encoders = replace(encoders, onehot=onehot)
        for category, plan in zip(one_hot, plans, strict=True):
            fitted[category.column.position] = FittedColumn(plan)
    if targets:
        target, target_columns = _fit_target_encoding(targets, y, options)
        encoders = replace(encoders, target=target)
        for category, fitted_column in zip(targets, target_columns, strict=True):
            fitted[category.column.position] = fitted_column
    return fitted, encoders


def ordinal_encoder(columns: Sequence[Levels]) -> OrdinalEncoder:
    """Return an OrdinalEncoder for these levels that encodes unknown levels as NaN."""
    encoder = OrdinalEncoder(
        categories=[column.levels for column in columns],
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        dtype=np.float32,
    )
    # fit needs data, but the categories are given: a row with the first levels suffices.
    return encoder.fit(np.array([[column.levels[0] for column in columns]], dtype=object))


def _fit_codes(category: CategoryColumn, options: EncoderOptions) -> LevelTransform:
    n_levels = len(category.levels.levels)
    ordinal = category.column.treatment == "ordinal"
    missing = -1.0 if ordinal and options.impute else np.nan
    table = np.append(np.arange(n_levels), missing).astype(np.float32)
    name = category.column.name
    return LevelTransform((name,), category.levels, table[:, np.newaxis], scaled=ordinal)


def _fit_one_hot(
    categories: Sequence[CategoryColumn],
) -> tuple[OneHotEncoder, list[OneHotTransform]]:
    sizes = [category.n_levels for category in categories]
    encoder = OneHotEncoder(
        categories=[np.arange(size) for size in sizes],
        drop="if_binary",
        handle_unknown="ignore",
        max_categories=MAX_ONE_HOT,
    ).set_output(transform="default")
    encoder.fit(np.column_stack([category.complete_codes() for category in categories]))
    # Encode every code once (row i has code i in each column) to read off which output
    # column each code maps to after `drop` and `max_categories`.
    probes = np.minimum(np.arange(max(sizes))[:, np.newaxis], np.array(sizes) - 1)
    encoded = encoder.transform(probes).toarray()
    plans, start = [], 0
    for category, rare in zip(categories, encoder.infrequent_categories_, strict=True):
        n_kept = category.n_levels - (0 if rare is None else len(rare) - 1)
        width = 1 if n_kept == 2 else n_kept  # drop="if_binary"
        part = encoded[: category.n_levels, start : start + width]
        plans.append(_one_hot_transform(category, part))
        start += width
    return encoder, plans


def _one_hot_transform(category: CategoryColumn, encoded: Array) -> OneHotTransform:
    slots = np.where(encoded.any(axis=1), encoded.argmax(axis=1), -1)
    labels = category.levels.levels.tolist()
    if category.column.has_missing:
        labels.append("missing")
    else:
        slots = np.append(slots, -1)
    labels_of: list[list[str]] = [[] for _ in range(encoded.shape[1])]
    for label, slot in zip(labels, slots, strict=False):
        if slot >= 0:
            labels_of[slot].append(label)
    suffixes = [group[0] if len(group) == 1 else "infrequent" for group in labels_of]
    names = tuple(f"{category.column.name}_{suffix}" for suffix in suffixes)
    return OneHotTransform(names, category.levels, slots)


def _fit_target_encoding(
    categories: Sequence[CategoryColumn], y: Any, options: EncoderOptions
) -> tuple[TargetEncoder, list[FittedColumn]]:
    if y is None:
        columns = preview_names(category.column.name for category in categories)
        raise InputError(
            "This TableEncoder estimator requires y to be passed, but the target y is "
            f"None: the target encoding of {columns} is learned from it; pass y, or choose "
            "another encoding"
        )
    if count_targets(y) > 1:
        columns = preview_names(category.column.name for category in categories)
        raise InputError(
            f"the target encoding of {columns} needs one target column, got y with "
            f"{count_targets(y):,}; use categorical_encoding='onehot' or 'ordinal'"
        )
    sizes = [category.n_levels for category in categories]
    codes = np.column_stack([category.complete_codes() for category in categories])
    encoder, encoded = fit_target_encoder(codes, sizes, y, task=options.task, seed=options.seed)
    tables = encoding_tables(encoder, [category.column.has_missing for category in categories])
    fitted = []
    for position, (category, table) in enumerate(zip(categories, tables, strict=True)):
        names: tuple[str, ...] = (category.column.name,)
        if encoder.target_type_ == "multiclass":
            known = options.class_names
            labels = encoder.classes_ if known is None else [known[c] for c in encoder.classes_]
            names = tuple(f"{category.column.name}_{label}" for label in labels)
        plan = LevelTransform(names, category.levels, table, scaled=True)
        start = position * table.shape[1]
        fitted.append(FittedColumn(plan, encoded[:, start : start + table.shape[1]]))
    return encoder, fitted
