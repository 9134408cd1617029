"""Iterative training strategy for each family of scikit-learn models."""

from __future__ import annotations

from typing import Any

from sktrainer.backends.sklearn.train.base import IterationStrategy
from sktrainer.backends.sklearn.train.boosting import (
    AdaBoostStrategy,
    GradientBoostingStrategy,
    HistGradientBoostingStrategy,
)
from sktrainer.backends.sklearn.train.epochs import EpochStrategy, is_epoch_model
from sktrainer.backends.sklearn.train.forests import (
    BaggingStrategy,
    ForestStrategy,
    WarmStartStrategy,
)

_STRATEGIES: dict[str, IterationStrategy] = {
    f"{family}{kind}": strategy
    for kind in ("Classifier", "Regressor")
    for family, strategy in {
        "HistGradientBoosting": HistGradientBoostingStrategy(),
        "GradientBoosting": GradientBoostingStrategy(),
        "AdaBoost": AdaBoostStrategy(),
        "RandomForest": ForestStrategy(),
        "ExtraTrees": ForestStrategy(),
        "Bagging": BaggingStrategy(),
        "MLP": EpochStrategy(stops_by_default=True),
    }.items()
}


def iteration_strategy(model: Any) -> IterationStrategy | None:
    """Return the training strategy for this model, or None if it cannot be monitored.

    Linear models with `max_iter` and `warm_start` are excluded: if their solvers (such as
    L-BFGS) restart after each iteration, the result differs from a single call of `fit`.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression, SGDClassifier
    >>> iteration_strategy(LogisticRegression()) is None
    True
    >>> iteration_strategy(SGDClassifier()).iteration
    'epoch'
    """
    names = sklearn_class_names(model)
    strategy = next((_STRATEGIES[name] for name in names if name in _STRATEGIES), None)
    if strategy is not None and not isinstance(strategy, EpochStrategy):
        return strategy
    if is_epoch_model(model):
        return strategy or EpochStrategy(stops_by_default=False)
    parameters = model.get_params(deep=False) if hasattr(model, "get_params") else {}
    return WarmStartStrategy() if {"warm_start", "n_estimators"} <= set(parameters) else None


def sklearn_class_names(model: Any) -> list[str]:
    """Return the names of the scikit-learn classes in the model's MRO, in MRO order.

    Examples
    --------
    >>> from sklearn.linear_model import Perceptron
    >>> sklearn_class_names(Perceptron())[:2]
    ['Perceptron', 'BaseSGDClassifier']
    """
    return [
        cls.__name__ for cls in type(model).__mro__ if cls.__module__.split(".")[0] == "sklearn"
    ]
