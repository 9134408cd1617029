"""Training losses of scikit-learn models, computed from predictions.

Tables map the values of the `loss` and `criterion` parameters to functions. All other models
with probabilities use the log loss.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy.special import xlogy

from sktrainer.data.predictions import CachedPredictor
from sktrainer.types import Array, Rows, Task

NativeLoss = Callable[[CachedPredictor], float]
RowLoss = Callable[[Array, Array], Array]

# Functions of the margin: the decision value, negated if the row is not of the class.
_MARGIN_LOSSES: dict[str, Callable[[Array], Array]] = {
    "hinge": lambda margin: np.maximum(0.0, 1.0 - margin),
    "perceptron": lambda margin: np.maximum(0.0, -margin),
    "squared_hinge": lambda margin: np.maximum(0.0, 1.0 - margin) ** 2,
    "modified_huber": lambda margin: np.where(
        margin >= -1, np.maximum(0.0, 1.0 - margin) ** 2, -4.0 * margin
    ),
    "exponential": lambda margin: np.exp(-margin),
}

# Functions of target and prediction, without parameters of the model. Half the Poisson and
# gamma deviances, as in scikit-learn's losses.
_ROW_LOSSES: dict[str, RowLoss] = {
    "squared_error": lambda y, p: (y - p) ** 2,
    "friedman_mse": lambda y, p: (y - p) ** 2,
    "absolute_error": lambda y, p: np.abs(y - p),
    "poisson": lambda y, p: xlogy(y, y) - xlogy(y, p) - y + p,
    "gamma": lambda y, p: np.log(p / y) + y / p - 1.0,
}


def _row_loss(model: Any, name: str, train_y: Array) -> RowLoss | None:
    """Return the regression loss with this name, or None if the name is unknown."""
    if name == "quantile":
        level = float(model.quantile if hasattr(model, "quantile") else model.alpha)
        return lambda y, p: np.maximum(level * (y - p), (level - 1.0) * (y - p))
    if name == "huber":
        delta = _huber_delta(model, train_y)
        return lambda y, p: np.where(
            np.abs(y - p) <= delta,
            0.5 * (y - p) ** 2,
            delta * (np.abs(y - p) - 0.5 * delta),
        )
    if name in ("epsilon_insensitive", "squared_epsilon_insensitive"):
        epsilon, power = model.epsilon, 2 if name.startswith("squared") else 1
        return lambda y, p: np.maximum(0.0, np.abs(y - p) - epsilon) ** power
    return _ROW_LOSSES.get(name)


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

    `rows` are the rows to predict, `train_y` the training targets, and `classes` the sorted
    class labels (None for regression). A smaller value is better.

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
        row_loss = _row_loss(model, str(name), train_y) or _ROW_LOSSES["squared_error"]
        return partial(_error, row_loss, np.asarray(rows.y, dtype=float), rows.sample_weight)
    assert classes is not None
    return _class_loss(model, str(name), train_y, rows, classes)


def _class_loss(
    model: Any, name: str, train_y: Array, rows: Rows, classes: Array
) -> NativeLoss:
    codes, weights = np.searchsorted(classes, rows.y), rows.sample_weight
    if name in _MARGIN_LOSSES:
        return partial(_margin, _MARGIN_LOSSES[name], codes, weights)
    has_decision = hasattr(model, "decision_function")
    row_loss = _row_loss(model, name, train_y) if has_decision else None
    if row_loss is not None:
        # SGDClassifier accepts regression losses, with the targets -1 and +1.
        return partial(_margin, lambda m: row_loss(np.ones_like(m), m), codes, weights)
    if hasattr(model, "predict_proba"):
        return partial(_log_loss, codes, weights)
    if has_decision:
        return partial(_margin, _MARGIN_LOSSES["hinge"], codes, weights)
    return lambda predicted: _mean((predicted.predict() != rows.y).astype(float), weights)


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


def _mean(losses: Array, weights: Array | None) -> float:
    return float(np.average(losses, weights=weights))
