"""Contract checks of columns and values, with preprocessors that break them."""

from __future__ import annotations

import pandas as pd
import pytest
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeRegressor

from sktrainer.data.schema import ColumnContract
from sktrainer.testing import Case
from sktrainer.testing.input_checks import (
    check_converted_values_predict_alike,
    check_values_of_another_type_raise,
)


def coerce(X):
    """Turn everything that is not a number into 0, without an error."""
    return X[["signal", "day"]].apply(pd.to_numeric, errors="coerce").fillna(0.0)


CASE = Case(
    DecisionTreeRegressor(), "regression", {"preprocessor": FunctionTransformer(coerce)}
)


@pytest.mark.parametrize(
    "check", [check_values_of_another_type_raise, check_converted_values_predict_alike]
)
def test_preprocessor_that_drops_values_is_detected(check, monkeypatch):
    monkeypatch.setattr(ColumnContract, "kind_problems", lambda self, X: [])
    with pytest.raises(AssertionError):
        check(CASE)


def test_values_of_another_type_do_not_reach_a_preprocessor():
    check_values_of_another_type_raise(CASE)
