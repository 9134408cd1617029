from __future__ import annotations

import numpy as np
import pytest

from sktrainer.data.audit.unparsed_numbers import find, looks_numeric
from tests.data.audit.rows import N_ROWS, classes, found, numbers

X = numbers()
AMOUNTS = np.random.default_rng(0).uniform(1, 5000, N_ROWS)


@pytest.mark.parametrize(
    ("form", "severity"),
    [("{:.2f} €", "note"), ("{:.1f}%", "note"), ("CHF {:.2f}", "warning")],
)
def test_numbers_in_another_notation_are_found(form, severity):
    finding = found(find, X.assign(price=[form.format(a) for a in AMOUNTS]), classes(X))
    assert finding is not None
    assert (finding.severity, finding.columns) == (severity, ("price",))


def test_note_shows_how_the_numbers_were_read():
    prices = [f"{amount:.2f} €".replace(".", ",") for amount in AMOUNTS]
    finding = found(find, X.assign(price=prices), classes(X))
    assert finding is not None
    assert finding.detail == (
        "column 'price' was read as numbers with a decimal comma and the unit €"
    )


@pytest.mark.parametrize(
    "form", ["{},50", "-{},5", "1.2{:02d},00", "$1,0{:02d}", "{},5 %", "EUR {}.75", "1'0{:02d}"]
)
def test_notations_of_numbers_are_recognized(form):
    assert looks_numeric(tuple(form.format(number) for number in range(10, 40)))


@pytest.mark.parametrize("form", ["0{}", "town {}", "{}:30", "10.0.0.{}", "v{}.1", "{}-{}"])
def test_other_strings_are_accepted(form):
    assert not looks_numeric(tuple(form.format(number, number) for number in range(10, 40)))
