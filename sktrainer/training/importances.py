"""Feature importances of a fitted model, by feature name and by column of X."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.preprocessing.column_origins import column_origins, output_names
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


def column_importances(pipeline: Any, model: Any, names: Sequence[str] | None) -> Array:
    """Return one nonnegative importance per column of X, of shape (n_columns,).

    Coefficients count with their absolute values. The importances of all features that are
    derived from a column are added. The last step of the pipeline is not used. `names` are the
    columns of X, and None if X is not a table.

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
    >>> column_importances(model, model[-1], ["a", "b"]).round(3)
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
    if names is None:
        raise AttributeError(f"the importances of {name} do not belong to columns of X")
    steps, sources = [], column_origins((), names)
    for step_name, step in pipeline.steps[:-1]:
        if hasattr(step, "transform"):
            steps.append(step)
            sources = column_origins(steps, names, guess=True)
        if sources is None or any(len(each) != 1 for each in sources):
            raise AttributeError(
                f"the features of step {step_name!r} ({type(step).__name__}) are not each "
                f"derived from one column. Use the importances of {name}: model_"
            )
    if sources is None or len(sources) != len(weights):
        raise AttributeError(f"the importances of {name} do not belong to columns of X")
    columns = [column for each in sources for column in each]
    return np.bincount(columns, weights=np.abs(weights), minlength=len(names))


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
            names = output_names(step, names)
    return names
