"""The command `inspect`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.cli.running import fail, read_json, succeed


@pytest.fixture
def table(tmp_path, monkeypatch) -> pd.DataFrame:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    n_rows = 400
    value = rng.normal(size=n_rows)
    frame = pd.DataFrame(
        {
            "value": value,
            "city": rng.choice(["Rome", "Oslo", None], n_rows),
            "day": pd.date_range("2024-01-01", periods=n_rows).strftime("%Y-%m-%d"),
            "zip": [f"{n:05}" for n in rng.integers(0, 999, n_rows)],
            "paid": np.where(value + rng.normal(size=n_rows) > 1.7, "yes", "no"),
        }
    )
    frame["copy"] = (frame["paid"] == "yes") * 1
    frame.to_csv("t.csv", index=False)
    return frame


def test_columns_target_and_split_are_shown(table):
    found = read_json("inspect", "t.csv", "--target", "paid")
    assert (found["task"], found["n_rows"], found["is_imbalanced"]) == (
        "classification",
        400,
        True,
    )
    kinds = {column["name"]: column["kind"] for column in found["columns"]}
    assert kinds == {
        "value": "numeric",
        "city": "category",
        "day": "datetime",
        "zip": "category",
        "copy": "numeric",
    }
    missing = {column["name"]: column["n_missing"] for column in found["columns"]}
    assert missing["city"] == int(table["city"].isna().sum())
    assert found["split"] == {"kind": "stratified", "rows": {"train": 320, "test": 80}}


def test_findings_have_codes_and_give_advice(table):
    found = read_json("inspect", "t.csv", "--target", "paid")
    codes = {finding["code"]: finding["columns"] for finding in found["findings"]}
    assert codes["SKT101"] == ["copy"]
    advice = " ".join(found["advice"])
    assert "--drop copy" in advice
    assert "--time-column day" in advice
    assert "80 test rows give uncertain scores" in advice
    text = succeed("inspect", "t.csv", "--target", "paid")
    assert "SKT101 target-in-columns" in text
    assert "Target 'paid': no: " in text


def test_time_column_decides_the_split(table):
    found = read_json("inspect", "t.csv", "--target", "paid", "--time-column", "day")
    assert found["split"]["kind"] == "time"
    assert "--time-column" not in " ".join(found["advice"])


def test_numbers_are_a_regression_target(table):
    found = read_json("inspect", "t.csv", "--target", "value")
    assert found["task"] == "regression"
    assert found["target"].startswith("mean ")
    found = read_json("inspect", "t.csv", "--target", "copy", "--task", "regression")
    assert found["task"] == "regression"


def test_unusable_column_is_shown(table):
    frame = table.drop(columns="copy")
    frame.loc[3, "value"] = np.inf
    frame.to_csv("inf.csv", index=False)
    error = fail("inspect", "inf.csv", "--target", "paid")
    assert "value" in error


def test_all_unknown_columns_are_reported(table):
    error = fail("inspect", "t.csv", "--target", "payd", "--time-column", "dya")
    assert error.splitlines() == [
        "error: --target: 'payd' is not a column of t.csv. Did you mean 'paid'?",
        "error: --time-column: 'dya' is not a column of t.csv. Did you mean 'day'?",
    ]
