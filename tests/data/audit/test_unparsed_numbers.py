from __future__ import annotations

import numpy as np
import pytest

from sktrainer.data.audit.unparsed_numbers import find, looks_numeric
from tests.data.audit.rows import N_ROWS, classes, found, numbers

X = numbers()
AMOUNTS = np.random.default_rng(0).uniform(1, 5000, N_ROWS)


@pytest.mark.parametrize("form", ["{:.2f} €", "{:.1f}%", "CHF {:.2f}"])
def test_numbers_with_a_unit_are_a_warning(form):
    finding = found(find, X.assign(price=[form.format(a) for a in AMOUNTS]), classes(X))
    assert finding is not None
    assert (finding.severity, finding.columns) == ("warning", ("price",))


@pytest.mark.parametrize(
    "form", ["{},50", "-{},5", "1.2{:02d},00", "$1,0{:02d}", "{},5 %", "EUR {}.75", "1'0{:02d}"]
)
def test_notations_of_numbers_are_recognized(form):
    assert looks_numeric(tuple(form.format(number) for number in range(10, 40)))


@pytest.mark.parametrize("form", ["0{}", "town {}", "{}:30", "10.0.0.{}", "v{}.1", "{}-{}"])
def test_other_strings_are_accepted(form):
    assert not looks_numeric(tuple(form.format(number, number) for number in range(10, 40)))
