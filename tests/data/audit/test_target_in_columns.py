from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from sktrainer.data.audit.target_in_columns import find
from tests.data.audit.rows import N_ROWS, classes, found, numbers

X = numbers()
LABELS = classes(X)
AMOUNTS = np.exp(X["a"] + np.random.default_rng(1).normal(size=N_ROWS)).to_numpy()


@pytest.mark.parametrize(
    ("column", "y", "severity"),
    [
        (LABELS, LABELS, "error"),
        (np.where(LABELS == "yes", 3, 8), LABELS, "error"),
        (LABELS == "yes", LABELS, "error"),
        (np.where(np.arange(N_ROWS) % 5, LABELS, None), LABELS, "warning"),
        (AMOUNTS, AMOUNTS, "error"),
        (AMOUNTS.astype(np.float32), AMOUNTS, "error"),
        (-np.log(AMOUNTS), AMOUNTS, "warning"),
        ((100 * AMOUNTS).astype(np.float32), AMOUNTS, "warning"),
        (np.where(np.arange(N_ROWS) % 5, AMOUNTS, np.nan), AMOUNTS, "error"),
        ([f"price {value:.1f}" for value in AMOUNTS], AMOUNTS.round(1), "error"),
    ],
    ids="same codes flag labels-with-gaps amount float32 log cents gaps strings".split(),
)
def test_target_is_found_among_the_columns(column, y, severity):
    finding = found(find, X.assign(answer=column), y)
    assert finding is not None
    assert (finding.severity, finding.columns) == (severity, ("answer",))
    assert "X.drop(columns=['answer'])" in finding.fix


@pytest.mark.parametrize("table", [pl.from_pandas, np.asarray, sparse.csr_array])
def test_target_is_found_in_every_kind_of_table(table):
    y = (LABELS == "yes").astype(int)
    finding = found(find, table(X.assign(answer=y.astype(float))), y)
    assert finding is not None
    assert finding.columns == (("answer",) if table is pl.from_pandas else ("x3",))


@pytest.mark.parametrize(
    "column",
    [
        np.where(np.arange(N_ROWS) == 3, np.where(LABELS == "yes", "no", "yes"), LABELS),
        AMOUNTS,
        [f"{label} {i % 2}" for i, label in enumerate(LABELS)],
    ],
    ids=["one row differs", "informative", "finer"],
)
def test_informative_column_is_not_a_recoding(column):
    assert found(find, X.assign(column=column), LABELS) is None


def test_columns_of_repeated_rows_are_not_the_target():
    repeated, y = X.iloc[np.arange(N_ROWS) // 4], np.repeat(AMOUNTS[:100], 4)
    assert found(find, repeated.assign(row=np.arange(N_ROWS)), y) is None


def test_columns_of_a_patient_are_not_the_target_of_the_patient():
    patient = np.arange(N_ROWS) // 10
    table = X.assign(age=AMOUNTS[::-1][patient], patient=[f"P{p}" for p in patient])
    assert found(find, table, AMOUNTS[patient], groups=patient, kind="group") is None


def test_small_table_is_only_warned_about():
    finding = found(find, X[:49].assign(answer=LABELS[:49]), LABELS[:49])
    assert finding is not None
    assert finding.severity == "warning"


def test_few_rows_prove_nothing():
    X, y = numbers().iloc[:10], np.array([0.0, 1.0] * 5)
    assert found(find, X.assign(answer=y), y, order=range(10)) is None
