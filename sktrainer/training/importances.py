"""Feature importances of a fitted model, by feature name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.types import Array

_MOST = 30


@dataclass(frozen=True)
class Importances:
    """Largest feature importances of a model.

    Attributes
    ----------
    values : Series or None
        Importances indexed by feature name. None if the model has no importances or all
        of them are zero.
    kind : str or None
        Attribute of the model that the values come from.
    problem : str or None
        Error message if reading the importances failed.
    """

    values: pd.Series | None = None
    kind: str | None = None
    problem: str | None = None


def feature_importances(
    pipeline: Any, columns: Sequence[Any] | None = None, *, limit: int = _MOST
) -> Importances:
    """Return the feature importances of the last step of a pipeline.

    They are its `feature_importances_` if it has them, otherwise its `coef_`: signed if
    there is one coefficient per feature, otherwise the mean absolute value over the
    classes or outputs.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted pipeline.
    columns : sequence of str or None, default=None
        Names of the columns that the first step was fitted on.
    limit : int, default=30
        Number of features to keep, largest absolute value first.

    Returns
    -------
    Importances

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
