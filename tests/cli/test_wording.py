"""Messages on the command line name options in place of Python arguments."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sktrainer.cli._wording import one_line
from tests.cli.running import invoke, succeed


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pass time_column='day'", "pass --time-column day"),
        ("pass time_column='sale date'", "pass --time-column 'sale date'"),
        (
            "Use split='random', 'stratified' or handle_imbalance=None",
            "Use --split 'random', 'stratified' or --imbalance none",
        ),
        ("Use shuffle=True, not shuffle=False", "Use --shuffle, not --no-shuffle"),
        ("early_stopping=True needs cv=5.", "--early-stopping true needs --cv 5."),
        ("validation_size=1e-3 is too small", "--validation-size 1e-3 is too small"),
        ("Set estimator__learning_rate=0.05", "Set --set learning_rate=0.05"),
        ("Set n_estimators=5 of the model", "Set n_estimators=5 of the model"),
        ("use cv=LeaveOneOut() instead", "use cv=LeaveOneOut() instead"),
        (
            "pass groups=X['patient'] to fit and drop the column",
            "pass --group-column patient",
        ),
    ],
)
def test_arguments_become_options(text, shown):
    assert one_line(text) == shown


def test_warnings_of_a_training_name_options(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=300), "b": rng.normal(size=300)})
    table["target"] = (table["a"] > 0).astype(int)
    table["copy"] = table["target"].map({0: "no", 1: "yes"})
    table.to_csv("t.csv", index=False)
    options = ("t.csv", "--target", "target", "--model", "linear")
    result = invoke("train", *options)
    assert result.exit_code == 2
    assert "Drop it with --drop copy, or, if it is known before" in result.stderr
    assert "audit: {ignore: [SKT101]} in the file of --config" in result.stderr
    for verbose in ("0", "1"):
        printed = invoke(
            "train", *options, "--drop", "copy", "--verbose", verbose, "--out", "-"
        )
        assert "--drop a" in " ".join((printed.stdout + printed.stderr).split())
    assert "--drop copy" in succeed("inspect", *options[:3])
