"""Refits on training and validation rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from sktrainer import ManagedTrainer
from sktrainer.testing import bit_identical, mixed_table

X, Y = mixed_table(300, "classification")
BOOSTING = HistGradientBoostingClassifier(max_iter=15)


def test_refit_uses_training_and_validation_rows_for_the_best_rounds():
    options = {"random_state": 0, "n_iter_no_change": 3, "validation_size": 0.1}
    first = ManagedTrainer(BOOSTING, **options).fit(X, Y)
    again = ManagedTrainer(BOOSTING, **options, refit=True).fit(X, Y)
    assert again.model_.n_iter_ == first.best_iteration_ == again.best_iteration_
    assert again.report_.fitting["refit_rounds"] == first.best_iteration_
    assert not bit_identical(first.predict_proba(X), again.predict_proba(X))
    assert again.scores_.loc["validation"].equals(first.scores_.loc["validation"])


def test_refit_adds_user_validation_rows():
    X_r, y_r = mixed_table(300, "regression")
    X_val, y_val = mixed_table(60, "regression", seed=4)
    model = HistGradientBoostingRegressor(max_iter=30, random_state=0)
    trainer = ManagedTrainer(model, refit=True, random_state=0, n_iter_no_change=5)
    trainer.fit(X_r, y_r, X_val=X_val, y_val=y_val)
    joined = ManagedTrainer(
        HistGradientBoostingRegressor(max_iter=trainer.best_iteration_, random_state=0),
        early_stopping=False,
        random_state=0,
    ).fit(
        pd.concat([X_r, X_val], ignore_index=True), pd.concat([y_r, y_val], ignore_index=True)
    )
    assert bit_identical(trainer.predict(X_r), joined.predict(X_r))


def test_refit_with_cv_trains_on_all_but_test_rows():
    trainer = ManagedTrainer(
        BOOSTING, cv=3, refit=True, test_size=0.2, random_state=0, n_iter_no_change=3
    ).fit(X, Y)
    rounds = trainer.report_.folds["best_iteration"]
    assert len(trainer.split_.validation) == 0
    assert len(trainer.split_.train) == 240
    assert trainer.model_.n_iter_ == round(float(np.median(rounds)))
