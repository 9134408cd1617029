from __future__ import annotations

import numpy as np
import pytest

from sktrainer.data.audit.identifier_column import find
from tests.data.audit.rows import N_ROWS, classes, found, numbers

X = numbers()
RNG = np.random.default_rng(0)
UNIQUE = RNG.permutation(100_000)[:N_ROWS]


@pytest.mark.parametrize(
    "column",
    [
        RNG.permutation(N_ROWS) + 7000,
        np.sort(UNIQUE),
        [f"{value:x}-{value:05d}" for value in UNIQUE],
    ],
    ids=["numbered", "in order", "strings"],
)
def test_value_that_differs_in_every_row_is_a_note(column):
    finding = found(find, X.assign(key=column), classes(X))
    assert finding is not None
    assert (finding.severity, finding.columns) == ("note", ("key",))


@pytest.mark.parametrize(
    "column",
    [UNIQUE, [f"town {code}" for code in UNIQUE % 60], UNIQUE / 7],
    ids=["amounts", "towns", "floats"],
)
def test_quantities_and_repeated_values_are_accepted(column):
    assert found(find, X.assign(column=column), classes(X)) is None
