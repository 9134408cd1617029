from __future__ import annotations

import numpy as np
import pytest

from sktrainer.data.audit.feature_drift import find
from tests.data.audit.rows import N_ROWS, N_TRAIN, classes, found, numbers

X = numbers()
LABELS = classes(X)
RNG = np.random.default_rng(0)
IS_TEST = np.arange(N_ROWS) >= N_TRAIN
DRAWN = RNG.random(N_ROWS)


@pytest.mark.parametrize(
    "column",
    [
        np.where(IS_TEST, 0.5 * DRAWN, DRAWN),
        np.where(IS_TEST | (DRAWN < 0.3), "a", "b"),
        np.where(IS_TEST & (DRAWN < 0.5), np.nan, DRAWN),
        np.where(IS_TEST, 0.9, 0.2) > DRAWN,
    ],
    ids=["numbers", "categories", "missing", "flags"],
)
def test_column_with_another_distribution_is_found(column):
    finding = found(find, X.assign(column=column), LABELS)
    assert finding is not None
    assert (finding.severity, finding.columns) == ("warning", ("column",))


def test_split_by_time_is_a_note():
    table = X.assign(column=np.where(IS_TEST, 0.5 * DRAWN, DRAWN))
    finding = found(find, table, LABELS, kind="time")
    assert finding is not None
    assert finding.severity == "note"
    assert float(finding.detail[-4:]) == pytest.approx(0.5, abs=0.1)


def test_random_rows_are_accepted():
    town = [f"town {code}" for code in RNG.integers(0, 30, N_ROWS)]
    assert found(find, X.assign(town=town, flag=DRAWN < 0.5), LABELS) is None
