from __future__ import annotations

import numpy as np
import pytest

from sktrainer.data.audit.constant_column import find
from tests.data.audit.rows import N_ROWS, classes, found, numbers

X = numbers()


@pytest.mark.parametrize("value", [3, "web", None, np.nan, True])
def test_column_with_one_value_is_a_note(value):
    finding = found(find, X.assign(source=value), classes(X))
    assert finding is not None
    assert (finding.severity, finding.columns) == ("note", ("source",))


@pytest.mark.parametrize("other", [4, None])
def test_one_other_value_is_accepted(other):
    column = [3] * (N_ROWS - 1) + [other]
    order = np.arange(N_ROWS)[::-1]
    assert found(find, X.assign(column=column), classes(X), order=order) is None


def test_other_value_outside_of_the_sample_is_found():
    rng = np.random.default_rng(0)
    table = numbers().iloc[np.zeros(30_000, dtype=int)].reset_index(drop=True)
    table["rare"] = 0.0
    y = rng.integers(0, 2, len(table))
    order = np.arange(len(table))
    finding = found(find, table, y, order=order)
    assert finding is not None
    assert finding.columns == ("a", "b", "c", "rare")
