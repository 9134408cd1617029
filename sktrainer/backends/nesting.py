"""Iteration over the estimators nested in a meta-estimator (voting, stacking, bagging)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["iter_nested_models", "iter_sub_estimators"]


def iter_sub_estimators(model: Any) -> Iterator[Any]:
    """Yield the estimators among a model's parameters, single or as (name, estimator) pairs.

    Examples
    --------
    >>> from sklearn.ensemble import BaggingClassifier
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> list(held_by(BaggingClassifier(DecisionTreeClassifier())))
    [DecisionTreeClassifier()]
    """
    if not hasattr(model, "get_params"):
        return
    for value in model.get_params(deep=False).values():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            part = item[1] if isinstance(item, tuple) and len(item) == 2 else item
            if hasattr(part, "fit") and hasattr(part, "get_params"):
                yield part


def iter_nested_models(
    model: Any, *, enter: Callable[[Any], bool] = lambda part: True
) -> Iterator[Any]:
    """Yield all nested estimators of a model, recursively.

    Parameters
    ----------
    model : estimator
    enter : callable
        Called with a nested estimator; returns whether to descend into it. By default the
        iteration descends into all of them.

    Examples
    --------
    >>> from sklearn.ensemble import BaggingClassifier, VotingClassifier
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> vote = VotingClassifier([("bag", BaggingClassifier(DecisionTreeClassifier()))])
    >>> [type(part).__name__ for part in models_inside(vote)]
    ['BaggingClassifier', 'DecisionTreeClassifier']
    """
    for part in iter_sub_estimators(model):
        if isinstance(part, type):
            continue
        yield part
        if enter(part):
            yield from iter_nested_models(part, enter=enter)
