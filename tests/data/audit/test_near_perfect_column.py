from __future__ import annotations

import numpy as np
import pytest

from sktrainer.data.audit.near_perfect_column import find
from tests.data.audit.rows import N_ROWS, classes, found, numbers

X = numbers()
LABELS = classes(X)
RNG = np.random.default_rng(2)
SIGN = np.where(LABELS == "yes", 1.0, -1.0)
AMOUNTS = X["a"].to_numpy() + RNG.normal(size=N_ROWS)


@pytest.mark.parametrize(
    ("column", "y"),
    [
        (SIGN * RNG.uniform(0.1, 1.0, N_ROWS), LABELS),
        ([f"{label} {i % 4}" for i, label in enumerate(LABELS)], LABELS),
        (AMOUNTS + RNG.normal(0, 0.05, N_ROWS), AMOUNTS),
        (np.abs(AMOUNTS) * 3, np.abs(AMOUNTS) + RNG.normal(0, 0.02, N_ROWS)),
    ],
    ids=["score", "codes", "noisy copy", "multiple"],
)
def test_column_that_predicts_the_target_alone_is_a_warning(column, y):
    finding = found(find, X.assign(later=column), y)
    assert finding is not None
    assert (finding.severity, finding.columns) == ("warning", ("later",))
    assert finding.detail.startswith("share of the target's variance explained by one column: ")
    assert float(finding.detail[-5:]) > 0.97


def test_strong_but_honest_columns_are_accepted():
    assert found(find, X.assign(strong=AMOUNTS + RNG.normal(0, 0.4, N_ROWS)), AMOUNTS) is None
    flipped = np.where(RNG.random(N_ROWS) < 0.05, -SIGN, SIGN)
    assert found(find, X.assign(strong=flipped), LABELS) is None


def test_columns_that_identify_rows_are_accepted():
    patient = np.arange(N_ROWS) // 10
    table = X.assign(age=AMOUNTS[::-1][patient], patient=[f"P{p}" for p in patient])
    given = {"groups": patient, "kind": "group"}
    assert found(find, table, AMOUNTS[patient], **given) is None
    classes_of_patients = np.where(AMOUNTS[patient] > 0, "yes", "no")
    assert found(find, table, classes_of_patients, **given) is None
    names = X.assign(name=[f"name {i // 2}" for i in range(N_ROWS)])
    assert found(find, names, np.repeat(AMOUNTS[:200], 2)) is None


def test_time_column_of_a_slow_target_is_accepted():
    y = np.arange(N_ROWS) + RNG.normal(size=N_ROWS)
    table = X.assign(second=np.arange(N_ROWS))
    assert found(find, table, y) is not None
    assert found(find, table, y, time_column="second", kind="time") is None
