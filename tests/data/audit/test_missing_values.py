from __future__ import annotations

import numpy as np
import pytest

from sktrainer.data.audit.missing_values import find
from tests.data.audit.rows import N_ROWS, classes, found, numbers

X = numbers()
LABELS = classes(X)
RNG = np.random.default_rng(0)
IS_YES = LABELS == "yes"


@pytest.mark.parametrize("value", [1.5, "closed"])
def test_column_that_is_filled_for_one_class_is_a_warning(value):
    column = np.where(IS_YES ^ (RNG.random(N_ROWS) < 0.05), value, None)
    finding = found(find, X.assign(closed=column), LABELS)
    assert finding is not None
    assert (finding.severity, finding.columns) == ("warning", ("closed",))
    indicator = np.array([value is None for value in column[:300]])
    r2 = np.corrcoef(indicator, IS_YES[:300])[0, 1] ** 2
    assert finding.detail.endswith(f": {r2:.2f}")


def test_missing_values_explain_a_regression_target():
    column = np.where(IS_YES, X["b"], np.nan)
    finding = found(find, X.assign(later=column), 5.0 * IS_YES + RNG.normal(size=N_ROWS))
    assert finding is not None
    assert finding.columns == ("later",)


def test_gaps_that_only_depend_on_the_value_are_accepted():
    assert found(find, X.assign(a=X["a"].mask(X["a"] > 0.5)), LABELS) is None
    assert found(find, X.mask(RNG.random(X.shape) < 0.3), LABELS) is None
