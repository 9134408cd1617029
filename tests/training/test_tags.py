from __future__ import annotations

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from sktrainer import ManagedTrainer, ParameterError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = X[:, 0] + RNG.normal(size=60)


@pytest.mark.parametrize(
    ("model", "grid"),
    [
        (Ridge(alpha="large"), {"estimator__alpha": [1.0]}),
        (
            LGBMRegressor(n_estimators="many", verbosity=-1),
            {"estimator__n_estimators": [5]},
        ),
    ],
)
def test_search_replaces_a_wrong_parameter(model, grid):
    trainer = ManagedTrainer(model, random_state=0)
    assert trainer.__sklearn_tags__().estimator_type == "regressor"
    assert np.isfinite(GridSearchCV(trainer, grid, cv=2).fit(X, Y).best_score_)
    with pytest.raises(ParameterError, match="large|many"):
        trainer.fit(X, Y)
