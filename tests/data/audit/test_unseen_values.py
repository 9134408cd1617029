from __future__ import annotations

import numpy as np
import pytest

from sktrainer.data.audit.unseen_values import find
from tests.data.audit.rows import N_ROWS, N_TRAIN, classes, found, numbers

X = numbers()
LABELS = classes(X)
RNG = np.random.default_rng(0)
IS_TEST = np.arange(N_ROWS) >= N_TRAIN
TOWN = RNG.choice(["north", "south"], N_ROWS)


@pytest.mark.parametrize(
    "column",
    [np.where(IS_TEST, "east", TOWN), np.arange(N_ROWS), RNG.normal(size=N_ROWS) - 9 * IS_TEST],
    ids=["category", "growing", "shifted"],
)
@pytest.mark.parametrize(("kind", "severity"), [("random", "warning"), ("time", "note")])
def test_new_values_in_test_rows_are_found(column, kind, severity):
    finding = found(find, X.assign(column=column), LABELS, kind=kind)
    assert finding is not None
    assert (finding.severity, finding.columns) == (severity, ("column",))


def test_new_values_in_validation_rows_of_the_user_are_found():
    table = X.assign(town=TOWN)
    own = {"X_val": table.assign(town="east"), "y_val": LABELS}
    finding = found(find, table, LABELS, **own)
    assert finding is not None
    assert finding.columns == ("town",)


def test_rare_categories_of_random_rows_are_accepted():
    names = [f"name {code}" for code in RNG.integers(0, 500, N_ROWS)]
    assert found(find, X.assign(name=names), LABELS) is None
    assert found(find, X.assign(key=[f"key {i}" for i in range(N_ROWS)]), LABELS) is None
