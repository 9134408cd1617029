"""Training losses of scikit-learn models, computed from predictions.

Two tables map the values of the `loss` and `criterion` parameters to functions. All other
models with probabilities use the log loss.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy.special import xlogy

from sktrainer.data.predictions import CachedPredictor
from sktrainer.types import Array, Rows, Task

__all__ = ["ERRORS", "MARGINS", "NativeLoss", "native_loss"]


NativeLoss = Callable[[CachedPredictor], float]


RowLoss = Callable[[Array, Array], Array]


def _modified_huber(margin: Array) -> Array:
    return np.where(margin >= -1, np.maximum(0.0, 1.0 - margin) ** 2, -4.0 * margin)


# Functions of the margin: the decision value, negated if the row is not of the class.
MARGINS: dict[str, Callable[[Array], Array]] = {
    "hinge": lambda margin: np.maximum(0.0, 1.0 - margin),
    "perceptron": lambda margin: np.maximum(0.0, -margin),
    "squared_hinge": lambda margin: np.maximum(0.0, 1.0 - margin) ** 2,
    "modified_huber": _modified_huber,
    "exponential": lambda margin: np.exp(-margin),
}


def _squared(y: Array, prediction: Array) -> Array:
    return (y - prediction) ** 2


def _absolute(y: Array, prediction: Array) -> Array:
    return np.abs(y - prediction)


# Half the Poisson and gamma deviances, as in scikit-learn's losses.
def _poisson(y: Array, prediction: Array) -> Array:
    return xlogy(y, y) - xlogy(y, prediction) - y + prediction


def _gamma(y: Array, prediction: Array) -> Array:
    return np.log(prediction / y) + y / prediction - 1.0


def _quantile(level: float, y: Array, prediction: Array) -> Array:
    return np.maximum(level * (y - prediction), (level - 1.0) * (y - prediction))


def _huber(delta: float, y: Array, prediction: Array) -> Array:
    error = np.abs(y - prediction)
    return np.where(error <= delta, 0.5 * error**2, delta * (error - 0.5 * delta))


def _epsilon_insensitive(epsilon: float, y: Array, prediction: Array) -> Array:
    return np.maximum(0.0, np.abs(y - prediction) - epsilon)


def _squared_epsilon_insensitive(epsilon: float, y: Array, prediction: Array) -> Array:
    return _epsilon_insensitive(epsilon, y, prediction) ** 2


# Each entry builds the loss per row from the model's parameters and the training targets.
ERRORS: dict[str, Callable[[Any, Array], RowLoss]] = {
    "squared_error": lambda model, y: _squared,
    "friedman_mse": lambda model, y: _squared,
    "absolute_error": lambda model, y: _absolute,
    "poisson": lambda model, y: _poisson,
    "gamma": lambda model, y: _gamma,
    "quantile": lambda model, y: partial(_quantile, _quantile_level(model)),
    "huber": lambda model, y: partial(_huber, _huber_delta(model, y)),
    "epsilon_insensitive": lambda model, y: partial(_epsilon_insensitive, model.epsilon),
    "squared_epsilon_insensitive": lambda model, y: partial(
        _squared_epsilon_insensitive, model.epsilon
    ),
}


def _quantile_level(model: Any) -> float:
    return float(model.quantile if hasattr(model, "quantile") else model.alpha)


def _huber_delta(model: Any, y: Array) -> float:
    """Return the threshold of the Huber loss, which is constant during the fit.

    GradientBoosting changes its threshold in each round, so that the losses of two rounds
    are not comparable. Here the threshold is the same quantile of the initial residuals (the
    deviations from the median).
    """
    if hasattr(model, "epsilon"):
        return float(model.epsilon)
    return float(np.quantile(np.abs(y - np.median(y)), model.alpha))


def native_loss(
    model: Any, task: Task, train_y: Array, rows: Rows, classes: Array | None
) -> NativeLoss:
    """Return a function that computes the model's training loss on `rows` (weighted mean).

    Parameters
    ----------
    model : estimator
        Its `loss` (or `criterion`) parameter selects the loss.
    task : {"classification", "regression"}
    train_y : ndarray of shape (n_train,) or (n_train, n_outputs)
    rows : Rows
        The rows to predict; `y` holds labels or numbers.
    classes : ndarray of shape (n_classes,) or None
        Sorted class labels; None for regression.

    Returns
    -------
    callable
        ``loss(predicted) -> float``; smaller is better.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import SGDRegressor
    >>> from sktrainer.data.predictions import CachedPredictor
    >>> from sktrainer.types import Rows
    >>> y = np.array([0.0, 2.0])
    >>> loss = native_loss(SGDRegressor(), "regression", y, Rows(None, y), None)
    >>> loss(CachedPredictor("regression", None, predict=lambda: np.array([0.0, 1.0])))
    0.5
    """
    name = getattr(model, "loss", None)
    if task == "regression":
        name = name or getattr(model, "criterion", None)
        row_loss = ERRORS.get(str(name), ERRORS["squared_error"])(model, train_y)
        return partial(_error, row_loss, np.asarray(rows.y, dtype=float), rows.sample_weight)
    assert classes is not None
    return _class_loss(model, str(name), train_y, rows, classes)


def _class_loss(
    model: Any, name: str, train_y: Array, rows: Rows, classes: Array
) -> NativeLoss:
    codes = np.searchsorted(classes, rows.y)
    if name in MARGINS:
        return partial(_margin, MARGINS[name], codes, rows.sample_weight)
    if name in ERRORS and hasattr(model, "decision_function"):
        # SGDClassifier accepts regression losses, with the targets -1 and +1.
        towards = ERRORS[name](model, train_y)
        return partial(
            _margin, lambda m: towards(np.ones_like(m), m), codes, rows.sample_weight
        )
    if hasattr(model, "predict_proba"):
        return partial(_log_loss, codes, rows.sample_weight)
    if hasattr(model, "decision_function"):
        return partial(_margin, MARGINS["hinge"], codes, rows.sample_weight)
    return partial(_misclassified, rows.y, rows.sample_weight)


def _error(
    row_loss: RowLoss, y: Array, weights: Array | None, predicted: CachedPredictor
) -> float:
    losses = row_loss(y, np.asarray(predicted.predict()).reshape(y.shape))
    return _mean(losses.reshape(len(y), -1).mean(axis=1), weights)


def _log_loss(codes: Array, weights: Array | None, predicted: CachedPredictor) -> float:
    probabilities = predicted.predict_proba()
    of_class = probabilities[np.arange(len(codes)), codes]
    # As in sklearn.metrics.log_loss, clip probabilities of zero and one to machine epsilon.
    smallest = np.finfo(of_class.dtype).eps
    return _mean(-np.log(np.clip(of_class, smallest, 1.0 - smallest)), weights)


def _margin(
    row_loss: Callable[[Array], Array],
    codes: Array,
    weights: Array | None,
    predicted: CachedPredictor,
) -> float:
    """Return the mean margin loss; for several classes, the sum of the one-vs-rest losses."""
    decision = predicted.decision_function()
    if decision.ndim == 1:
        return _mean(row_loss(np.where(codes == 1, decision, -decision)), weights)
    is_class = codes[:, None] == np.arange(decision.shape[1])
    return _mean(row_loss(np.where(is_class, decision, -decision)).sum(axis=1), weights)


def _misclassified(y: Array, weights: Array | None, predicted: CachedPredictor) -> float:
    return _mean((predicted.predict() != y).astype(float), weights)


def _mean(losses: Array, weights: Array | None) -> float:
    return float(np.average(losses, weights=weights))
