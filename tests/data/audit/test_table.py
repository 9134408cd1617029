from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sktrainer.data.audit.audit import audit_rows
from sktrainer.data.audit.table import MAX_ROWS, AuditTable
from sktrainer.types import FitData
from tests.data.audit.rows import N_ROWS, N_TRAIN, audited, classes, numbers

X = numbers()
LABELS = classes(X)
RNG = np.random.default_rng(0)


def test_skill_is_the_share_of_explained_variance():
    y = X["a"].to_numpy() + RNG.normal(size=N_ROWS)
    table = audited(X.assign(same=y, square=y**2, level=np.where(y > 0, "high", "low")), y)
    a, b, c, same, square, level = table.skills
    assert same == pytest.approx(1.0, abs=0.001)
    assert a == pytest.approx(0.5, abs=0.15)
    assert [b, c] == pytest.approx([0.0, 0.0], abs=0.2)
    assert square < 0.2  # the sign is unknown
    assert level == pytest.approx(0.75, abs=0.05)  # of the ranks


def test_rows_sorted_by_the_target_have_no_skill():
    y = np.sort(LABELS)
    table = audited(X.assign(flag=RNG.random(N_ROWS) < 0.5), y)
    assert np.abs(table.skills).max() < 0.25


def test_categories_of_held_out_rows_have_the_codes_of_training_rows():
    town = ["a", "b", None, "a"] * 75 + ["b", "new", None, "a"] * 25
    table = audited(X.assign(town=town), LABELS)
    column = table.columns[3]
    assert column.levels == ("a", "b")
    assert np.unique(column.train, return_counts=True)[1].tolist() == [150, 75, 75]
    codes, counts = np.unique(column.held, return_counts=True)
    assert codes[:3].tolist() == [0.0, 1.0, 2.0]
    assert counts.tolist() == [25, 25, 25, 25]


def test_large_tables_are_sampled():
    X = RNG.normal(size=(3 * MAX_ROWS, 2))
    y = X[:, 0] + 1.0
    rows = np.arange(len(X))
    table = AuditTable(FitData(X, y, "regression"), rows[::2], rows[1::2], "test")
    assert table.values.shape == (2, MAX_ROWS)
    assert np.isin(table.values[0], X[::2, 0]).all()
    assert np.isin(table.held_values[0], X[1::2, 0]).all()


@pytest.mark.parametrize(
    "rows",
    [
        RNG.normal(size=(N_ROWS, 4, 4)),
        {"words": np.zeros((N_ROWS, 3))},
        ["some text"] * N_ROWS,
    ],
    ids=["images", "inputs", "texts".removesuffix("s")],
)
def test_rows_that_are_no_table_have_no_columns(rows):
    data = FitData(rows, np.arange(N_ROWS) % 2, "classification", np.array([0, 1]))
    table = AuditTable(data, np.arange(N_TRAIN), np.arange(N_TRAIN, N_ROWS), "test")
    assert table.names == []
    assert audit_rows(table) == ()


def test_values_that_only_a_custom_step_can_read_are_left_out():
    odd = pd.DataFrame({"tags": [["a"]] * N_ROWS, "a": X["a"]})
    data = FitData(odd, np.arange(N_ROWS) % 2, "classification", np.array([0, 1]))
    table = AuditTable(data, np.arange(N_TRAIN), np.arange(N_TRAIN, N_ROWS), "test")
    assert table.kinds.tolist() == ["empty", "numeric"]
