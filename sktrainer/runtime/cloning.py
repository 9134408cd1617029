"""Cloning of estimators, including those that `sklearn.base.clone` rejects."""

from __future__ import annotations

import copy
from typing import Any

from sklearn.base import clone

__all__ = ["clone_estimator"]


def clone_estimator(estimator: Any) -> Any:
    """Return an unfitted copy with the same parameters.

    `sklearn.base.clone` rejects an estimator whose constructor changes a parameter. For
    example, CatBoost changes a list passed as `cat_features`. In this case, copy the
    parameters and call the class with them, as `clone` does, without its final check. The
    argument can also be a list or tuple of estimators.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> clone_estimator(Ridge(alpha=2.0))
    Ridge(alpha=2.0)
    """
    try:
        return clone(estimator, safe=False)
    except RuntimeError:
        return _rebuild(estimator)


def _rebuild(estimator: Any) -> Any:
    """Clone an estimator if `clone` rejects it or one of its sub-estimators."""
    if isinstance(estimator, (list, tuple)):
        return type(estimator)(_rebuild_value(value) for value in estimator)
    parameters = estimator.get_params(deep=False)
    return type(estimator)(**{k: _rebuild_value(v) for k, v in parameters.items()})


def _rebuild_value(value: Any) -> Any:
    if isinstance(value, (list, tuple)) and any(_holds_estimator(v) for v in value):
        return type(value)(_rebuild_value(v) for v in value)
    if _holds_estimator(value):
        return clone_estimator(value)
    return copy.deepcopy(value)


def _holds_estimator(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_holds_estimator(v) for v in value)
    return hasattr(value, "get_params") and not isinstance(value, type)
