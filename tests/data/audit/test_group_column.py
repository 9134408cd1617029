from __future__ import annotations

import numpy as np
import pytest

from sktrainer.data.audit.group_column import find, is_identifier_name
from tests.data.audit.rows import N_ROWS, classes, found, numbers

X = numbers()
RNG = np.random.default_rng(0)
PATIENT = RNG.integers(0, 60, N_ROWS)
EFFECT = 3 * RNG.normal(size=60)[PATIENT]
Y = X["a"].to_numpy() + EFFECT + RNG.normal(size=N_ROWS)


@pytest.mark.parametrize("codes", [PATIENT, [f"P{code}" for code in PATIENT]])
def test_repeated_identifier_with_similar_targets_is_a_warning(codes):
    finding = found(find, X.assign(patient_id=codes), Y)
    assert finding is not None
    assert (finding.severity, finding.columns) == ("warning", ("patient_id",))
    assert "groups=X['patient_id']" in finding.fix


def test_group_is_recognized_by_columns_that_are_constant_in_it():
    age = RNG.normal(50, 10, 60).round(1)[PATIENT]
    finding = found(find, X.assign(code=[f"P{code}" for code in PATIENT], age=age), Y)
    assert finding is not None
    assert finding.columns == ("code",)


def test_groups_that_are_kept_together_are_accepted():
    patient = np.arange(N_ROWS) // 4  # the first 75 patients are training rows
    y = X["a"].to_numpy() + 3 * RNG.normal(size=100)[patient]
    table = X.assign(patient_id=patient)
    assert found(find, table, y, kind="group", groups=patient) is None
    shuffled = RNG.permutation(N_ROWS)
    assert found(find, table, y, groups=patient, order=shuffled) is not None


def test_identifier_without_influence_is_accepted():
    assert found(find, X.assign(patient_id=PATIENT), classes(X)) is None


def test_category_without_signs_of_a_group_is_accepted():
    assert found(find, X.assign(town=[f"town {code}" for code in PATIENT]), Y) is None


@pytest.mark.parametrize("name", ["id", "ID", "user_id", "CustomerID", "subject#", "Patient"])
def test_names_of_identifiers_are_recognized(name):
    assert is_identifier_name(name)


@pytest.mark.parametrize("name", ["width", "paid", "idle", "humidity", "grid", "age"])
def test_other_names_are_no_identifiers(name):
    assert not is_identifier_name(name)
