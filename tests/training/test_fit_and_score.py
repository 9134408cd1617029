"""Tests of the stages that one split of the rows runs through."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from sktrainer import ManagedTrainer

RNG = np.random.default_rng(0)
X = pd.DataFrame({"whole": RNG.integers(0, 9, 200), "real": RNG.normal(size=200)})
X["text"] = np.where(X["whole"] % 2, "odd", "even")
Y = (X["real"] + X["whole"] / 5 > 1).to_numpy()


@pytest.mark.parametrize("above", [pd.DataFrame, pl.from_pandas])
@pytest.mark.parametrize("below", [pd.DataFrame, pl.from_pandas])
def test_refit_joins_validation_rows_of_another_frame_library_and_dtype(above, below):
    model = HistGradientBoostingClassifier(max_iter=30)
    later = X[150:].astype({"whole": float})
    trainer = ManagedTrainer(model, refit=True, random_state=0)
    trainer.fit(above(X[:150]), Y[:150], X_val=below(later), y_val=Y[150:])
    alike = ManagedTrainer(model, refit=True, random_state=0)
    alike.fit(X[:150], Y[:150], X_val=X[150:], y_val=Y[150:])
    expected = alike.predict_proba(X)
    np.testing.assert_array_equal(trainer.predict_proba(above(X)), expected)
