"""Cloning of estimators, including those that `sklearn.base.clone` rejects."""

from __future__ import annotations

import copy
from typing import Any

from sklearn.base import clone


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
        if isinstance(estimator, (list, tuple)):
            return type(estimator)(_copy_value(value) for value in estimator)
        parameters = estimator.get_params(deep=False)
        return type(estimator)(**{k: _copy_value(v) for k, v in parameters.items()})


def _copy_value(value: object) -> Any:
    if isinstance(value, (list, tuple)) and any(_holds_estimator(v) for v in value):
        return type(value)(_copy_value(v) for v in value)
    return clone_estimator(value) if _holds_estimator(value) else copy.deepcopy(value)


def _holds_estimator(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_holds_estimator(v) for v in value)
    return hasattr(value, "get_params") and not isinstance(value, type)
