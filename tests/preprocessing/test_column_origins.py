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
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

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
