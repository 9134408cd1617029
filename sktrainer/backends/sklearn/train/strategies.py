"""Iterative training strategy for each family of scikit-learn models."""

from __future__ import annotations

from typing import Any, Protocol

from sktrainer.backends.base import FitRequest
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
from sktrainer.backends.sklearn.train.validation import ValidationScorer
from sktrainer.types import ModelFit

__all__ = ["IterationStrategy", "iteration_strategy", "sklearn_class_names"]


class IterationStrategy(Protocol):
    """Iterative training strategy for one family of models."""

    @property
    def iteration(self) -> str:
        """Name of an iteration."""

    @property
    def count_parameter(self) -> str:
        """Name of the parameter that sets the number of iterations."""

    @property
    def stops_by_default(self) -> bool:
        """Whether more iterations overfit."""

    @property
    def in_segments(self) -> bool:
        """Whether the model is trained in segments if there is a checkpoint."""

    @property
    def equals_plain_fit(self) -> bool:
        """Whether `fit_n_iterations` equals the model's `fit` and can resume."""

    def fit_with_monitor(self, request: FitRequest, watch: ValidationScorer) -> ModelFit:
        """Fit until the monitor stops and keep the best iteration."""

    def fit_n_iterations(self, request: FitRequest, n_iter: int) -> None:
        """Fit `n_iter` iterations, bit-identical to a monitored fit cut at `n_iter`."""


_STRATEGIES: dict[str, IterationStrategy] = {
    "HistGradientBoostingClassifier": HistGradientBoostingStrategy(),
    "HistGradientBoostingRegressor": HistGradientBoostingStrategy(),
    "GradientBoostingClassifier": GradientBoostingStrategy(),
    "GradientBoostingRegressor": GradientBoostingStrategy(),
    "AdaBoostClassifier": AdaBoostStrategy(),
    "AdaBoostRegressor": AdaBoostStrategy(),
    "RandomForestClassifier": ForestStrategy(),
    "RandomForestRegressor": ForestStrategy(),
    "ExtraTreesClassifier": ForestStrategy(),
    "ExtraTreesRegressor": ForestStrategy(),
    "BaggingClassifier": BaggingStrategy(),
    "BaggingRegressor": BaggingStrategy(),
    "MLPClassifier": EpochStrategy(stops_by_default=True),
    "MLPRegressor": EpochStrategy(stops_by_default=True),
}


_EPOCH_STRATEGY = EpochStrategy(stops_by_default=False)


_WARM_START_STRATEGY = WarmStartStrategy()


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
    way = next(
        (_STRATEGIES[name] for name in sklearn_class_names(model) if name in _STRATEGIES), None
    )
    if isinstance(way, EpochStrategy) or way is None:
        if is_epoch_model(model):
            return way or _EPOCH_STRATEGY
        parameters = model.get_params(deep=False) if hasattr(model, "get_params") else {}
        return (
            _WARM_START_STRATEGY if {"warm_start", "n_estimators"} <= set(parameters) else None
        )
    return way


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
