from __future__ import annotations

import numpy as np

from sktrainer.data.audit.quantities_are_labels import find
from tests.data.audit.rows import N_ROWS, found, numbers

X = numbers()
CODES = np.arange(N_ROWS) % 2.0


def test_regression_on_two_values_is_a_warning():
    finding = found(find, X, 5.0 * CODES)
    assert finding is not None
    assert finding.severity == "warning"
    assert "only the values 0 and 5" in finding.found
    assert finding.fix == "Use a classifier"


def test_three_values_and_labels_are_accepted():
    assert found(find, X, np.arange(N_ROWS) % 3.0) is None
    assert found(find, X, CODES.astype(str)) is None
