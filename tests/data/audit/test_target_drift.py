from __future__ import annotations

import numpy as np
import pytest

from sktrainer.data.audit.target_drift import find
from tests.data.audit.rows import N_ROWS, N_TRAIN, classes, found, numbers

X = numbers()
LABELS = classes(X)
AMOUNTS = np.random.default_rng(0).normal(size=N_ROWS)
IS_TEST = np.arange(N_ROWS) >= N_TRAIN


@pytest.mark.parametrize("y", [np.where(IS_TEST, "yes", LABELS), AMOUNTS + 2.0 * IS_TEST])
@pytest.mark.parametrize(("kind", "severity"), [("random", "warning"), ("group", "note")])
def test_target_with_another_distribution_is_found(y, kind, severity):
    groups = np.arange(N_ROWS) if kind == "group" else None
    finding = found(find, X, y, kind=kind, groups=groups)
    assert finding is not None
    assert finding.severity == severity
    assert float(finding.detail.split()[-1]) > 0.4


@pytest.mark.parametrize("y", [LABELS, AMOUNTS])
def test_random_rows_are_accepted(y):
    assert found(find, X, y) is None
