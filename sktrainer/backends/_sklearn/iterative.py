"""Iterative training strategy for each family of scikit-learn models."""

from __future__ import annotations

from typing import Any, Protocol

from sktrainer.backends._base import FitRequest
from sktrainer.backends._sklearn.boosting import (
    AdaBoost,
    GradientBoosting,
    HistGradientBoosting,
)
from sktrainer.backends._sklearn.epochs import Epochs, goes_in_epochs
from sktrainer.backends._sklearn.growing import Bagging, Forest, GrownAtOnce
from sktrainer.backends._sklearn.watching import Watch
from sktrainer.types import ModelFit

__all__ = ["Way", "sklearn_names", "way_of"]


class Way(Protocol):
    """Iterative training strategy for one family of models."""

    @property
    def iteration(self) -> str:
        """Name of an iteration."""

    @property
    def count(self) -> str:
        """Name of the parameter that sets the number of iterations."""

    @property
    def stops_by_default(self) -> bool:
        """Whether more iterations overfit."""

    @property
    def in_segments(self) -> bool:
        """Whether the model is trained in segments if there is a checkpoint."""

    @property
    def exact_is_plain(self) -> bool:
        """Whether `fit_exactly` gives the same model as the model's `fit` and can resume."""

    def fit_watched(self, request: FitRequest, watch: Watch) -> ModelFit:
        """Fit until the monitor stops and keep the best iteration."""

    def fit_exactly(self, request: FitRequest, n_iter: int) -> None:
        """Fit `n_iter` iterations, bit-identical to a monitored fit cut at `n_iter`."""


_WAYS: dict[str, Way] = {
    "HistGradientBoostingClassifier": HistGradientBoosting(),
    "HistGradientBoostingRegressor": HistGradientBoosting(),
    "GradientBoostingClassifier": GradientBoosting(),
    "GradientBoostingRegressor": GradientBoosting(),
    "AdaBoostClassifier": AdaBoost(),
    "AdaBoostRegressor": AdaBoost(),
    "RandomForestClassifier": Forest(),
    "RandomForestRegressor": Forest(),
    "ExtraTreesClassifier": Forest(),
    "ExtraTreesRegressor": Forest(),
    "BaggingClassifier": Bagging(),
    "BaggingRegressor": Bagging(),
    "MLPClassifier": Epochs(stops_by_default=True),
    "MLPRegressor": Epochs(stops_by_default=True),
}
_EPOCHS = Epochs(stops_by_default=False)
_GROWN = GrownAtOnce()


def way_of(model: Any) -> Way | None:
    """Return the training strategy for this model, or None if it cannot be monitored.

    Linear models with `max_iter` and `warm_start` are excluded: if their solvers (such as
    L-BFGS) restart after each iteration, the result differs from a single call of `fit`.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression, SGDClassifier
    >>> way_of(LogisticRegression()) is None
    True
    >>> way_of(SGDClassifier()).iteration
    'epoch'
    """
    way = next((_WAYS[name] for name in sklearn_names(model) if name in _WAYS), None)
    if isinstance(way, Epochs) or way is None:
        if goes_in_epochs(model):
            return way or _EPOCHS
        parameters = model.get_params(deep=False) if hasattr(model, "get_params") else {}
        return _GROWN if {"warm_start", "n_estimators"} <= set(parameters) else None
    return way


def sklearn_names(model: Any) -> list[str]:
    """Return the names of the scikit-learn classes in the model's MRO, in MRO order.

    Examples
    --------
    >>> from sklearn.linear_model import Perceptron
    >>> sklearn_names(Perceptron())[:2]
    ['Perceptron', 'BaseSGDClassifier']
    """
    return [
        cls.__name__ for cls in type(model).__mro__ if cls.__module__.split(".")[0] == "sklearn"
    ]
