from __future__ import annotations

import numpy as np
import pandas as pd

from sktrainer.data.audit.time_overlap import find
from tests.data.audit.rows import N_ROWS, classes, found, numbers

HOURS = pd.date_range("2024-01-01", periods=N_ROWS, freq="h")
X = numbers().assign(when=HOURS)
LABELS = classes(X)
SHUFFLED = np.random.default_rng(0).permutation(N_ROWS)


def test_rows_that_are_not_in_time_order_are_a_warning():
    finding = found(find, X.iloc[SHUFFLED], LABELS[SHUFFLED], kind="time")
    assert finding is not None
    assert (finding.severity, finding.columns) == ("warning", ("when",))
    assert "time_column='when'" in finding.fix


def test_splitter_that_mixes_times_is_a_warning():
    given = {"time_column": "when", "kind": "splitter"}
    finding = found(find, X, LABELS, order=SHUFFLED, **given)
    assert finding is not None
    later = (HOURS[SHUFFLED[:300]] > HOURS[SHUFFLED[300:]].min()).sum()
    assert finding.detail == f"{later} training rows are later than the first test row"


def test_split_by_time_is_accepted():
    assert found(find, X, LABELS, time_column="when", kind="time") is None
    assert found(find, X, LABELS, kind="time") is None
