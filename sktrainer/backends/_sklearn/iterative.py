"""Which scikit-learn models go in iterations, and how each is led through them."""

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
    """How one family of models goes in iterations."""

    @property
    def iteration(self) -> str:
        """What an iteration is called."""

    @property
    def count(self) -> str:
        """The parameter that holds the number of iterations."""

    @property
    def stops_by_default(self) -> bool:
        """Whether more iterations overfit."""

    @property
    def in_segments(self) -> bool:
        """Whether it goes in segments where there is a checkpoint."""

    @property
    def exact_is_plain(self) -> bool:
        """Whether `fit_exactly` gives what the model's own `fit` gives, and resumes."""

    def fit_watched(self, request: FitRequest, watch: Watch) -> ModelFit:
        """Fit until the monitor says stop; leave the model at its best iteration."""

    def fit_exactly(self, request: FitRequest, n_iter: int) -> None:
        """Fit so many iterations, to the bits of a watched fit cut there."""


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
    """Return how this model, with the parameters it has, goes in iterations; None: not.

    Linear models with `max_iter` and `warm_start` are not among them: started anew after
    each iteration, their solvers (L-BFGS, say) go another way than in one call of `fit`.

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
    """Return the names of the model's classes that are scikit-learn's, the nearest first.

    Examples
    --------
    >>> from sklearn.linear_model import Perceptron
    >>> sklearn_names(Perceptron())[:2]
    ['Perceptron', 'BaseSGDClassifier']
    """
    return [
        cls.__name__ for cls in type(model).__mro__ if cls.__module__.split(".")[0] == "sklearn"
    ]
