from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from sktrainer.data.audit.duplicate_rows import find
from tests.data.audit.rows import N_TRAIN, classes, found, numbers

X = numbers().assign(town=["north", "south", "east", "west"] * 100)
X.iloc[::9, 1] = np.nan
LABELS = classes(X)


def with_copies(n_copies):
    """Return a table whose first test rows are copies of training rows."""
    rows = np.arange(len(X))
    rows[N_TRAIN : N_TRAIN + n_copies] = np.arange(n_copies)
    return X.iloc[rows].reset_index(drop=True), LABELS[rows]


@pytest.mark.parametrize("convert", [lambda table: table, pl.from_pandas])
@pytest.mark.parametrize(("n_copies", "severity"), [(20, "warning"), (2, "note")])
def test_copies_of_training_rows_are_counted(n_copies, severity, convert):
    table, y = with_copies(n_copies)
    finding = found(find, convert(table), y)
    assert finding is not None
    assert finding.severity == severity
    assert finding.detail == f"{n_copies} of 100 test rows"


def test_validation_rows_of_the_user_are_compared():
    given = {"X_val": X.iloc[:50], "y_val": LABELS[:50]}
    finding = found(find, X, LABELS, **given)
    assert finding is not None
    assert finding.detail == "50 of 50 validation rows"


def test_rows_that_differ_in_the_target_are_no_copies():
    table, y = with_copies(20)
    y[N_TRAIN:] = np.where(y[N_TRAIN:] == "yes", "no", "yes")
    assert found(find, table, y) is None


def test_rows_that_are_equal_by_chance_are_ignored():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.integers(0, 3, (400, 4)).astype(str), columns=list("abcd"))
    assert table.iloc[N_TRAIN:].merge(table.iloc[:N_TRAIN]).shape[0] > 100
    assert found(find, table, LABELS) is None
