"""XGBoost parameters: defaults and changes for one fit."""

from __future__ import annotations

import re
import warnings
from contextlib import suppress
from typing import Any

import numpy as np

from sktrainer.backends._boosting.parameters import as_rounds, resolve_n_threads
from sktrainer.backends.base import FitRequest
from sktrainer.exceptions import suggest_name

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
    return DEFAULT_ROUNDS if model.n_estimators is None else as_rounds(model.n_estimators)


def is_random_forest(model: Any) -> bool:
    """Return whether the model is a random forest, trained in one round."""
    return any(base.__name__.startswith("XGBRF") for base in type(model).__mro__)


def is_truncatable(model: Any) -> bool:
    """Return whether rounds can be removed from the trained booster."""
    # DART rescales earlier trees in later rounds, and gblinear has no trees.
    return model.booster not in ("dart", "gblinear")


def unused_parameters(model: Any) -> dict[str, str]:
    """Return the additional parameters that XGBoost does not use, with the name that was meant.

    XGBoost has no list of its parameters. It reports the unused ones when it trains, here on
    two rows.

    Examples
    --------
    >>> from xgboost import XGBClassifier
    >>> unused_parameters(XGBClassifier(max_dept=3, eta=0.1))
    {'max_dept': ". Did you mean 'max_depth'?"}
    >>> unused_parameters(XGBClassifier(objective="reg:quantileerror", quantile_alpha=0.1))
    {}
    """
    given = getattr(model, "kwargs", None)
    if not given:
        return {}
    import xgboost

    params = {"booster": model.booster or "gbtree", **given, "verbosity": 1, "nthread": 1}
    if isinstance(model.objective, str):  # some parameters belong to one objective
        params["objective"] = model.objective
        if model.objective.startswith("multi:"):
            params["num_class"] = 2
    rows = xgboost.DMatrix(np.zeros((2, 1)), label=[0, 1])
    # If a value is invalid, the fit raises the error of XGBoost.
    with warnings.catch_warnings(record=True) as caught, suppress(xgboost.core.XGBoostError):
        warnings.simplefilter("always")
        xgboost.train(params, rows, num_boost_round=1)
    messages = [str(each.message) for each in caught if "not used" in str(each.message)]
    unused = {name for text in messages for name in re.findall(r'"(\w+)"', text)} & given.keys()
    known = sorted(set(model.get_params()) - given.keys())
    return {name: suggest_name(name, known) for name in sorted(unused)}
