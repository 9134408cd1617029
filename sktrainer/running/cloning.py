"""Clones of estimators, also of those that scikit-learn's `clone` refuses."""

from __future__ import annotations

import copy
from typing import Any

from sklearn.base import clone

__all__ = ["clone_estimator"]


def clone_estimator(estimator: Any) -> Any:
    """Return an unfitted copy with the same parameters.

    scikit-learn's `clone` refuses an estimator whose constructor changes a parameter,
    as CatBoost's does with a list of `cat_features`. For such a one the parameters are
    copied and the class is called with them, which is what `clone` would have done.

    Parameters
    ----------
    estimator : estimator, or list or tuple of estimators
        Left untouched.

    Returns
    -------
    estimator
        What holds no estimator is deep-copied.

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
    """Clone by hand: the estimator itself, or the one among its parameters, is refused."""
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
