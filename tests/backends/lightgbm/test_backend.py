"""What differs between LightGBM and the other boosting libraries."""

from __future__ import annotations

from tests.backends.boosters import fit, make_classifier, make_rows


def test_lightgbm_best_iteration_is_set_on_the_model() -> None:
    X, y, _ = make_rows()
    outcome = fit(make_classifier("lightgbm"), X, y)
    assert outcome.model.best_iteration_ == outcome.best_iteration
