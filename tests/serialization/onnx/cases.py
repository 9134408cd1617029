"""Table with all kinds of columns, and a small model per library."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge

FAMILIES = ("sklearn", "forest", "linear", "xgboost", "lightgbm", "catboost")


def model_of(family, task):
    classifier = task == "classification"
    if family == "xgboost":
        xgboost = pytest.importorskip("xgboost")
        kind = xgboost.XGBClassifier if classifier else xgboost.XGBRegressor
        return kind(n_estimators=20)
    if family == "lightgbm":
        lightgbm = pytest.importorskip("lightgbm")
        kind = lightgbm.LGBMClassifier if classifier else lightgbm.LGBMRegressor
        return kind(n_estimators=20, verbose=-1)
    if family == "catboost":
        catboost = pytest.importorskip("catboost")
        kind = catboost.CatBoostClassifier if classifier else catboost.CatBoostRegressor
        return kind(n_estimators=20, verbose=0)
    kinds = {
        "sklearn": (HistGradientBoostingClassifier, HistGradientBoostingRegressor),
        "forest": (RandomForestClassifier, RandomForestRegressor),
        "linear": (LogisticRegression, Ridge),
    }
    kind = kinds[family][not classifier]
    return kind(**{"sklearn": {"max_iter": 20}, "forest": {"n_estimators": 10}}.get(family, {}))


def table(n_rows=400, seed=0):
    """Return numeric, boolean and string columns with few and many levels, some missing."""
    rng = np.random.default_rng(seed)
    few = np.array(["red", "green", "blue", None], dtype=object)[rng.integers(0, 4, n_rows)]
    many = np.array([f"town {i}" for i in range(40)], dtype=object)
    X = pd.DataFrame(
        {
            "size": rng.normal(3.0, 1.0, n_rows),
            "count of rooms": rng.integers(1, 9, n_rows),
            "new": rng.random(n_rows) < 0.5,
            "color": few,
            "town": many[rng.integers(0, 40, n_rows)],
            "nothing": 1,
        }
    )
    X.loc[rng.random(n_rows) < 0.2, "size"] = np.nan
    signal = (
        X["size"].fillna(3.0) + (X["color"] == "red") * 2 + X["new"] + 0.2 * X["town"].str.len()
    )
    return X, (signal + rng.normal(0, 0.3, n_rows)).to_numpy()
