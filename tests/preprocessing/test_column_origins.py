"""Output columns of fitted steps are traced to the columns of the table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    PolynomialFeatures,
    StandardScaler,
)

from sktrainer.preprocessing.column_origins import column_origins

X = pd.DataFrame(
    {"a": [0.0, 1, np.nan], "c": list("uvw"), "a_b": [3.0, 5, 4], "d": [1.0, 2, 0]}
)
NUMBERS = X[["a_b", "d"]]
ENCODED = make_column_transformer(
    (OneHotEncoder(), ["c"]), (make_pipeline(SimpleImputer(), StandardScaler()), [0, 2])
)


@pytest.mark.parametrize(
    ("steps", "table", "expected"),
    [
        ([], X, [[0], [1], [2], [3]]),
        ([ENCODED], X, [[1], [1], [1], [0], [2]]),
        ([ENCODED, StandardScaler()], X, [[1], [1], [1], [0], [2]]),
        ([ColumnTransformer([("k", "passthrough", slice("c", "d"))])], X, [[1], [2], [3]]),
        ([ColumnTransformer([("p", PCA(1), [False, False, True, True])])], X, [[2, 3]]),
        ([SelectKBest(k=1)], NUMBERS, [[1]]),
        ([SimpleImputer(add_indicator=True)], X[["a", "d"]], [[0], [1], []]),
        ([PCA(1)], NUMBERS, [[0, 1]]),
        ([FunctionTransformer(np.log1p)], NUMBERS, None),
    ],
)
def test_origin_of_every_column(steps, table, expected):
    rows = table
    for step in steps:
        rows = step.fit_transform(rows, [0, 1, 0])
    origins = column_origins(steps, list(table.columns))
    assert expected == (None if origins is None else [sorted(each) for each in origins])


TABLE = pd.DataFrame({"a": [1.0, 2, np.nan, 4], "a_b": list("xyxz"), "c": [0.0, 1, 2, 3]})
FILLED = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (make_column_transformer((FILLED, ["c", "a"]), (OneHotEncoder(), ["a_b"])), "200111"),
        (make_column_transformer((OneHotEncoder(), ["a_b"]), remainder="passthrough"), "11102"),
        (make_column_transformer(("drop", ["a"]), (FunctionTransformer(), ["c"])), "2"),
        (make_column_transformer((FunctionTransformer(np.log1p), ["c", "a"])), "20"),
        (make_column_transformer((PCA(1), ["c"])), "2"),
        (make_column_transformer((PolynomialFeatures(2), ["c"])), "222"),
        (make_column_transformer((SelectKBest(k="all"), ["c"])), "2"),
    ],
)
def test_guess_follows_indicators_and_functions(step, expected):
    step.fit(TABLE, [0, 1, 0, 1])
    origins = column_origins([step], list(TABLE.columns), guess=True)
    assert origins == [frozenset([int(position)]) for position in expected]
