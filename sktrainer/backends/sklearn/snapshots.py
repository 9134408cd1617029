"""Models as they were after an iteration, for callbacks that predict."""

from __future__ import annotations

import copy
from typing import Any

from sktrainer.backends.sklearn.parameters import truncate

# Methods of HistGradientBoosting that are wrapped on the instance during the fit.
LOSS_CHECKS = ("_check_early_stopping_loss", "_check_early_stopping_scorer")


def has_iterations(model: Any) -> bool:
    """Return whether a model stores its iterations, so that it can be truncated."""
    return hasattr(model, "_predictors") or hasattr(model, "estimators_")


def first_iterations(model: Any, n_iter: int) -> Any:
    """Return a copy of a boosting model, forest or bagging with its first iterations."""
    copied = copy.copy(model)
    truncate(
        copied,
        n_iter,
        *("_predictors", "estimators_", "estimator_weights_", "estimator_errors_"),
        *("estimators_features_", "samplers_", "pipelines_"),
    )
    if hasattr(copied, "_predictors"):  # HistGradientBoosting
        copied._in_fit = False  # during the fit, it expects binned rows
        for name in LOSS_CHECKS:
            vars(copied).pop(name, None)
    if hasattr(copied, "n_estimators_"):
        copied.n_estimators_ = n_iter
    if hasattr(copied, "estimators_features_"):  # Bagging divides by the parameter
        copied.n_estimators = n_iter
    return copied
