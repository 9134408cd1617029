"""Columns of a table from which the output columns of fitted steps are derived."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from sklearn.base import OneToOneFeatureMixin

from sktrainer.preprocessing.model_input import ModelInput
from sktrainer.preprocessing.table_encoder import TableEncoder

#: For each output column, the positions of the input columns that it may depend on.
Origins: TypeAlias = list[frozenset[int]]


def column_origins(
    steps: Iterable[Any], names: Sequence[str], *, guess: bool = False
) -> Origins | None:
    """Return the origins of the columns after the last step; None if they are unknown.

    Steps of scikit-learn are followed by their column names. A column with another name, such
    as a product of two columns, may depend on all columns of its step. With `guess`, a missing
    indicator has the origin of its column instead of none, and a FunctionTransformer that keeps
    the number of columns is taken for a function of single columns.

    Examples
    --------
    >>> from sklearn.compose import make_column_transformer
    >>> from sklearn.preprocessing import OneHotEncoder
    >>> X = pd.DataFrame({"age": [31, 45], "sex": ["m", "f"]})
    >>> encode = make_column_transformer((OneHotEncoder(), ["sex"]), remainder="passthrough")
    >>> [sorted(each) for each in column_origins([encode.fit(X)], ["age", "sex"])]
    [[1], [1], [0]]
    """
    origins, current = [frozenset([position]) for position in range(len(names))], list(names)
    for step in steps:
        inside = _origins_of_step(step, current, guess)
        if inside is None:
            return None
        origins = [frozenset[int]().union(*(origins[at] for at in each)) for each in inside]
        current = output_names(step, current) or [f"x{at}" for at in range(len(inside))]
    return origins


def _origins_of_step(step: Any, names: Sequence[str], guess: bool) -> Origins | None:
    same = [frozenset([position]) for position in range(len(names))]
    identity = isinstance(step, OneToOneFeatureMixin | ModelInput)
    if identity or isinstance(step, str) or getattr(step, "func", step) is None:
        return same  # the last is a FunctionTransformer, as which "passthrough" is fitted
    if isinstance(step, TableEncoder):
        sources = (*step.sources_.values, *step.sources_.missing_indicators)
        return [frozenset([source]) for source in sources]
    if hasattr(step, "output_indices_"):
        return _origins_of_column_transformer(step, names, guess)
    if hasattr(step, "steps"):
        return column_origins([inner for _, inner in step.steps], names, guess=guess)
    names = [str(name) for name in getattr(step, "feature_names_in_", names)]
    out = output_names(step, names)
    return None if out is None else [_origin_by_name(name, names, guess) for name in out]


def _origins_of_column_transformer(step: Any, names: Sequence[str], guess: bool) -> Origins:
    width = max(part.stop for part in step.output_indices_.values())
    origins: Origins = [frozenset()] * width
    for name, inner, columns in step.transformers_:
        part, at = step.output_indices_[name], _positions(columns, names)
        if isinstance(inner, str) and inner == "drop":
            continue
        inside, width = _origins_of_step(inner, [names[i] for i in at], guess), len(at)
        if guess and hasattr(inner, "func") and width == part.stop - part.start:
            inside = [frozenset([position]) for position in range(width)]
        if inside is None or len(inside) != part.stop - part.start:
            inside = [frozenset(range(width))] * (part.stop - part.start)
        origins[part] = [frozenset(at[each] for each in origin) for origin in inside]
    return origins


def _positions(columns: Any, names: Sequence[str]) -> list[int]:
    """Return the positions of columns that a ColumnTransformer selects."""
    index = pd.Index(names)
    if isinstance(columns, slice) and isinstance(columns.start or columns.stop, str):
        return list(range(len(names)))[index.slice_indexer(columns.start, columns.stop)]
    listed = np.arange(len(names))[columns] if isinstance(columns, slice) else columns
    array = np.atleast_1d(np.asarray(listed, dtype=object if isinstance(listed, str) else None))
    if array.dtype.kind == "b":
        return np.flatnonzero(array).tolist()
    if array.dtype.kind in "iu":
        return [int(at) % len(names) for at in array]
    return index.get_indexer(pd.Index([str(name) for name in array])).tolist()


def _origin_by_name(name: str, names: Sequence[str], guess: bool) -> frozenset[int]:
    if name in names:
        return frozenset([list(names).index(name)])
    if name.startswith("missingindicator_"):
        column = name.removeprefix("missingindicator_")
        return _origin_by_name(column, names, guess) if guess else frozenset()
    derived = [column for column in names if name.startswith(f"{column}_")]
    if derived:
        return frozenset([list(names).index(max(derived, key=len))])
    return frozenset(range(len(names)))


def output_names(step: Any, names: Sequence[Any] | None) -> list[str] | None:
    """Return the names of the output columns of a step, or None if it does not provide them."""
    # A step that was fitted on an array accepts any names, others accept only their own.
    for known in (names, None):
        try:
            return [str(name) for name in step.get_feature_names_out(known)]
        except (AttributeError, ValueError, TypeError, NotImplementedError):
            continue
    return None
