"""Feature importances of a fitted model, by feature name and by column of X."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.preprocessing.table_encoder import TableEncoder
from sktrainer.types import Array

_MOST = 30


@dataclass(frozen=True)
class Importances:
    """Largest feature importances of a model.

    `values` is indexed by feature name, and None if the model has no importances or all of them
    are zero. `kind` is the attribute of the model that they come from, and `problem` the error
    message if reading them failed.
    """

    values: pd.Series | None = None
    kind: str | None = None
    problem: str | None = None


def feature_importances(
    pipeline: Any, columns: Sequence[Any] | None = None, *, limit: int = _MOST
) -> Importances:
    """Return the feature importances of the last step of a pipeline.

    They are its `feature_importances_` if it has them, otherwise its `coef_`: signed if there
    is one coefficient per feature, otherwise the mean absolute value over the classes or
    outputs. The first step was fitted on `columns`. The `limit` features with the largest
    absolute values are kept.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> model = make_pipeline(Ridge(alpha=0.0)).fit([[1, 0], [0, 1], [1, 1]], [1, -2, -1])
    >>> found = feature_importances(model, ["a", "b"])
    >>> found.kind, found.values.round(3).to_dict()
    ('coef_', {'b': -2.0, 'a': 1.0})
    """
    try:
        weights, kind = _weights(pipeline.steps[-1][1])
    except Exception as error:
        # A property of the wrapped model can run any code. The model is already trained, so
        # an error here is only noted in the report.
        return Importances(
            problem=f"no feature importances: {type(error).__name__}: {str(error)[:200]}"
        )
    if weights is None or not weights.any():
        return Importances()
    largest = np.argsort(-np.abs(weights), kind="stable")[:limit]
    names = _feature_names(pipeline, columns)
    if names is None or len(names) != len(weights):
        index = [f"x{position}" for position in largest]
    else:
        index = [str(names[position]) for position in largest]
    return Importances(pd.Series(weights[largest], index=index), kind)


def column_importances(pipeline: Any, model: Any, n_columns: int | None) -> Array:
    """Return one nonnegative importance per column of X, of shape (n_columns,).

    Coefficients count with their absolute values. The importances of all features that are
    derived from a column are added. The last step of the pipeline is not used. `n_columns` is
    None if X is not a table.

    Raises
    ------
    AttributeError
        If the model has neither importances nor coefficients, or if a feature is not derived
        from exactly one column.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.pipeline import make_pipeline
    >>> model = make_pipeline(Ridge(alpha=0.0)).fit([[1, 0], [0, 1], [1, 1]], [1, -2, -1])
    >>> column_importances(model, model[-1], 2).round(3)
    array([1., 2.])
    """
    try:
        weights, _ = _weights(model)
    except Exception as error:  # a property of the model can run any code
        raise AttributeError(f"feature_importances_ cannot be read: {error}") from error
    name = type(model).__name__
    if weights is None:
        raise AttributeError(
            f"{name} has no feature_importances_ or coef_. Use "
            "sklearn.inspection.permutation_importance(trainer, X, y)"
        )
    sources = None if n_columns is None else np.arange(n_columns)
    for step_name, step in pipeline.steps[:-1]:
        if sources is None:
            break
        if step != "passthrough" and hasattr(step, "transform"):
            found = feature_sources(step, len(sources))
            if found is None:
                raise AttributeError(
                    f"the features of step {step_name!r} ({type(step).__name__}) are not each "
                    f"derived from one column. Use the importances of {name}: model_"
                )
            sources = sources[found]
    if sources is None or len(sources) != len(weights):
        raise AttributeError(f"the importances of {name} do not belong to columns of X")
    return np.bincount(sources, weights=np.abs(weights), minlength=n_columns or 0)


def feature_sources(step: Any, n_inputs: int) -> Array | None:
    """Return the input column of each output feature of a fitted transformer.

    None if a feature depends on several columns or it is not known on which.

    Examples
    --------
    >>> from sklearn.preprocessing import OneHotEncoder
    >>> feature_sources(OneHotEncoder().fit([["a", "x"], ["b", "x"]]), 2)
    array([0, 0, 1])
    """
    if isinstance(step, TableEncoder):
        return np.array([*step.sources_.values, *step.sources_.missing_indicators], dtype=int)
    if hasattr(step, "get_support"):
        return np.flatnonzero(step.get_support())
    if hasattr(step, "steps"):
        sources: Array | None = np.arange(n_inputs)
        for _, inner in step.steps:
            if inner != "passthrough" and sources is not None:
                found = feature_sources(inner, len(sources))
                sources = None if found is None else sources[found]
        return sources
    if hasattr(step, "output_indices_") and hasattr(step, "_transformer_to_input_indices"):
        return _column_transformer_sources(step)
    names = getattr(step, "feature_names_in_", None)
    names = [f"x{i}" for i in range(n_inputs)] if names is None else list(map(str, names))
    try:
        out = list(map(str, step.get_feature_names_out()))
    except (AttributeError, ValueError, TypeError, NotImplementedError):
        return None
    if out == names:
        return np.arange(n_inputs)
    if hasattr(step, "categories_") and hasattr(step, "_n_features_outs"):  # one-hot columns
        return np.repeat(np.arange(n_inputs), step._n_features_outs)
    # Derived names start with the name of their column, such as "a_0" and "a_1".
    starts = [[i for i, name in enumerate(names) if _is_derived(each, name)] for each in out]
    known = all(len(candidates) == 1 for candidates in starts)
    return np.array([candidates[0] for candidates in starts]) if known else None


def _is_derived(feature: str, column: str) -> bool:
    rest = feature.removeprefix("missingindicator_").removeprefix(column)
    return rest == "" or (rest != feature and rest.startswith("_"))


def _column_transformer_sources(step: Any) -> Array | None:
    """Return the sources of a ColumnTransformer, which has one block per transformer."""
    sources = np.full(max(block.stop for block in step.output_indices_.values()), -1)
    for name, inner, _ in step.transformers_:
        block = step.output_indices_[name]
        if inner == "drop" or block.start == block.stop:
            continue
        columns = np.asarray(step._transformer_to_input_indices[name])
        if isinstance(inner, str) or type(inner).__name__ == "FunctionTransformer":
            found = (
                np.arange(len(columns)) if block.stop - block.start == len(columns) else None
            )
        else:
            found = feature_sources(inner, len(columns))
        if found is None or len(found) != block.stop - block.start:
            return None
        sources[block] = columns[found]
    return sources if (sources >= 0).all() else None


def _weights(model: Any) -> tuple[Array | None, str | None]:
    """Return one weight per feature and its source, or None if the model has none."""
    weights = _numbers(getattr(model, "feature_importances_", None))
    if weights is not None and weights.ndim == 1:
        kind = getattr(model, "importance_type", None)
        detail = f" ({kind})" if isinstance(kind, str) else ""
        return weights, f"feature_importances_{detail}"
    weights = _numbers(getattr(model, "coef_", None))
    if weights is None or weights.ndim not in (1, 2):
        return None, None
    if weights.ndim == 1 or len(weights) == 1:
        return weights.reshape(-1), "coef_"
    return np.abs(weights).mean(axis=0), "mean absolute coef_"


def _numbers(weights: object) -> Array | None:
    if weights is None:
        return None
    dense = weights.toarray() if hasattr(weights, "toarray") else weights
    return np.asarray(dense, dtype=np.float64)


def _feature_names(pipeline: Any, columns: Sequence[Any] | None) -> Sequence[Any] | None:
    """Return the names of the model's input features, or None if they are unknown."""
    names = columns
    for _, step in pipeline.steps[:-1]:
        if step != "passthrough" and hasattr(step, "transform"):
            names = _names_after(step, names)
    return names


def _names_after(step: Any, names: Sequence[Any] | None) -> Sequence[Any] | None:
    """Return the output feature names of a step, or None if it does not provide them."""
    # A step that was fitted under other names raises for `names` but knows its own.
    for known in (names, None):
        try:
            out: Sequence[Any] = step.get_feature_names_out(known)
        except (AttributeError, ValueError, TypeError, NotImplementedError):
            continue
        return out
    return None
