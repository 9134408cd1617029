"""What differs between XGBoost and the other boosting libraries."""

from __future__ import annotations

from typing import Any

import xgboost

from tests.backends.boosters import fit, make_classifier, make_rows


class CountRounds(xgboost.callback.TrainingCallback):  # type: ignore[name-defined]
    """User-defined callback that counts rounds."""

    def __init__(self) -> None:
        self.n_rounds = 0

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self.n_rounds += 1
        return False


def test_user_defined_xgboost_callbacks_run_and_are_restored() -> None:
    X, y, _ = make_rows()
    own = CountRounds()
    model = make_classifier("xgboost", callbacks=[own])
    outcome = fit(model, X, y)
    assert own.n_rounds == outcome.n_iter
    assert outcome.model.get_params()["callbacks"] == [own]


def test_xgboost_booster_is_cut_to_its_best_iteration() -> None:
    X, y, _ = make_rows()
    outcome = fit(make_classifier("xgboost"), X, y)
    assert outcome.model.best_iteration + 1 == outcome.best_iteration
    assert outcome.model.get_booster().num_boosted_rounds() == outcome.best_iteration


def test_xgboost_random_forest_is_a_single_fit() -> None:
    X, y, _ = make_rows()
    outcome = fit(xgboost.XGBRFClassifier(n_estimators=5), X, y)
    assert (outcome.stop_reason, outcome.n_iter) == ("single_fit", None)
    assert outcome.model.score(X, y) > 0.6
