"""XGBoost parameters: defaults and changes for one fit."""

from __future__ import annotations

from typing import Any

from sktrainer.backends._boosting.parameters import resolve_n_threads
from sktrainer.backends.base import FitRequest

DEFAULT_ROUNDS = 100


def set_unset_params(request: FitRequest) -> None:
    """Set seed, threads and verbosity where the model leaves them unset."""
    model, params = request.model, request.model.get_params()
    if params.get("random_state") is None and params.get("seed") is None:
        model.random_state = request.seed
    alias = "nthread" if params.get("nthread") is not None else "n_jobs"
    model.set_params(**{alias: resolve_n_threads(params.get(alias), request.n_threads)})
    if request.categorical:
        codes = set(request.categorical)
        n_columns = request.train.X.shape[1]
        model.feature_types = ["c" if i in codes else "q" for i in range(n_columns)]
        model.enable_categorical = True


def n_rounds(model: Any) -> int:
    """Return the number of rounds."""
    return DEFAULT_ROUNDS if model.n_estimators is None else int(model.n_estimators)


def is_random_forest(model: Any) -> bool:
    """Return whether the model is a random forest, trained in one round."""
    return any(base.__name__.startswith("XGBRF") for base in type(model).__mro__)


def is_truncatable(model: Any) -> bool:
    """Return whether rounds can be removed from the trained booster."""
    # DART rescales earlier trees in later rounds, and gblinear has no trees.
    return model.booster not in ("dart", "gblinear")
