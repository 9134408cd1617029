"""The checks find models and encoders that break the contract."""

from __future__ import annotations

import sys

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from sktrainer import testing
from sktrainer.testing import fit_checks


def test_leak_check_fails_for_a_leaking_encoder():
    case = testing.Case(
        LogisticRegression(), "classification", {"preprocessor": _LeakingEncoder()}
    )
    with pytest.raises(AssertionError, match="noise in the test rows"):
        fit_checks.check_test_rows_do_not_affect_fit(case)


class _LeakingEncoder:
    """Transformer that leaks the mean of the whole table, as a global variable could."""

    whole_table_mean = 0.0

    def get_params(self, deep=True):
        return {}

    def fit(self, X, y=None):
        frame = next(frame for frame in _tables_in_calling_frames() if len(frame) > len(X))
        self.mean_ = float(frame["signal"].mean())
        return self

    def transform(self, X):
        return X[["signal"]].to_numpy() - self.mean_

    def fit_transform(self, X, y=None):
        return self.fit(X).transform(X)


def _tables_in_calling_frames():
    """Yield the data frames in the local variables of all calling functions."""
    frame = sys._getframe(1)
    while frame is not None:
        for value in list(frame.f_locals.values()):
            if isinstance(value, pd.DataFrame):
                yield value
        frame = frame.f_back


def test_check_of_classes_does_not_apply_to_regression():
    with pytest.raises(testing.CheckNotApplicable, match="regression has no classes"):
        fit_checks.check_missing_class_keeps_probability_column(
            testing.Case(Ridge(), "regression")
        )
