"""Checks of `partial_fit` do not apply to models without it."""

from __future__ import annotations

import pytest
from sklearn.linear_model import Ridge

from sktrainer import testing

CHECKS = [c for c in testing.contract_checks() if c.__module__.endswith("partial_fit_checks")]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_check_does_not_apply_without_partial_fit(check):
    with pytest.raises(testing.CheckNotApplicable, match="the model has no partial_fit"):
        check(testing.Case(Ridge(), "regression"))
