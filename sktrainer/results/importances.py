"""The weights that a fitted model gives its features, under the features' own names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.types import Array

__all__ = ["Importances", "feature_importances"]

_MOST = 30


@dataclass(frozen=True)
class Importances:
    """The largest weights of a model's features.

    Attributes
    ----------
    values : Series or None
        The index names the features; None where the model has no such weights, or none
        but zeros.
    kind : str or None
        The attribute of the model that they are, which its documentation explains.
    problem : str or None
        Why there are none, where the model failed to give them.
    """

    values: pd.Series | None = None
    kind: str | None = None
    problem: str | None = None


def feature_importances(
    pipeline: Any, columns: Sequence[Any] | None = None, *, limit: int = _MOST
) -> Importances:
    """Return the weights that the model at a pipeline's end gives its features.

    Its `feature_importances_`, else its coefficients: with their sign where there is one
    for each feature, else their mean size over the classes or outputs.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted.
    columns : sequence of str or None, default=None
        The names of the columns that the first step was fitted on.
    limit : int, default=30
        The features of the largest weights are kept, so many of them.

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
        # Properties of a foreign model run its own code. The fit is done and good: what
        # fails here costs one section of the report, which says so, and no more.
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
    """Return one weight a feature and where it is from; None where the model has none."""
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
    return np.abs(weights).mean(axis=0), "mean size of coef_"


def _numbers(weights: Any) -> Array | None:
    if weights is None:
        return None
    dense = weights.toarray() if hasattr(weights, "toarray") else weights
    return np.asarray(dense, dtype=np.float64)


def _feature_names(pipeline: Any, columns: Sequence[Any] | None) -> Sequence[Any] | None:
    """Return the names of what the last step before the model gives, None if unknown."""
    names = columns
    for _, step in pipeline.steps[:-1]:
        if step != "passthrough" and hasattr(step, "transform"):
            names = _names_after(step, names)
    return names


def _names_after(step: Any, names: Sequence[Any] | None) -> Sequence[Any] | None:
    """Ask a step, which may know its input by other names, or by none."""
    for known in (names, None):
        try:
            out: Sequence[Any] = step.get_feature_names_out(known)
        except (AttributeError, ValueError, TypeError, NotImplementedError):
            continue
        return out
    return None
