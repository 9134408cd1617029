from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sktrainer.data.audit.dates_at_random import find
from tests.data.audit.rows import N_ROWS, classes, found, numbers

X = numbers()
RNG = np.random.default_rng(0)
HOURS = pd.date_range("2024-01-01", periods=N_ROWS, freq="h")
LEVEL = np.cumsum(RNG.normal(size=N_ROWS))
SHUFFLED = RNG.permutation(N_ROWS)


@pytest.mark.parametrize("dates", [HOURS, HOURS.strftime("%d/%m/%Y %H:%M"), HOURS.astype(str)])
@pytest.mark.parametrize("y", [LEVEL, np.where(np.median(LEVEL) < LEVEL, "high", "low")])
def test_dated_rows_with_a_slow_target_are_a_warning(dates, y):
    finding = found(find, X.assign(when=dates), y, order=SHUFFLED)
    assert finding is not None
    assert (finding.severity, finding.columns) == ("warning", ("when",))
    assert "time_column='when'" in finding.fix


def test_dates_without_influence_are_a_note():
    finding = found(find, X.assign(when=HOURS), classes(X), order=SHUFFLED)
    assert finding is not None
    assert finding.severity == "note"


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "time", "time_column": "when"},
        {"kind": "group", "order": SHUFFLED},
        {"kind": "random"},  # in the order of the dates, as with shuffle=False
    ],
)
def test_other_splits_are_accepted(given):
    assert found(find, X.assign(when=HOURS), LEVEL, **given) is None
