from __future__ import annotations

import numpy as np

from sktrainer.data.audit.labels_are_quantities import find
from tests.data.audit.rows import N_ROWS, found, numbers

X = numbers()
AMOUNTS = np.arange(N_ROWS) % 150


def test_hundreds_of_numeric_labels_are_a_warning():
    finding = found(find, X, AMOUNTS)
    assert finding is not None
    assert finding.severity == "warning"
    assert "150 numeric classes" in finding.found
    assert "regressor" in finding.fix


def test_strings_and_few_labels_are_accepted():
    assert found(find, X, AMOUNTS.astype(str)) is None
    assert found(find, X, AMOUNTS % 50) is None
