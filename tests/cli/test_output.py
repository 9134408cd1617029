"""Tests of printed tables and JSON."""

from __future__ import annotations

import json
import re
import sys

import numpy as np
import pandas as pd
import rich.style  # noqa: F401, because it draws a random number when it is imported

from sktrainer.cli._output import print_json, print_table


def test_json_has_only_plain_values(capsys):
    frame = pd.DataFrame({"n": [1, 2], "when": [pd.Timestamp("2024-01-02"), pd.NaT]})
    print_json(
        {"frame": frame, "score": np.float32(0.5), "bad": np.inf, "codes": np.array([1])}
    )
    assert json.loads(capsys.readouterr().out) == {
        "frame": [{"n": 1, "when": "2024-01-02 00:00:00"}, {"n": 2, "when": None}],
        "score": 0.5,
        "bad": None,
        "codes": [1],
    }


def test_piped_table_is_aligned_text(capsys):
    print_table(["set", "auc", "rows"], [["test", 0.91234, 10], ["train", None, 1000]])
    assert capsys.readouterr().out == (
        "set       auc  rows\ntest   0.9123    10\ntrain          1000\n"
    )


def test_words_are_not_broken_in_a_narrow_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "60")
    names = ["hist_gradient_boosting_classifier", "HistGradientBoostingClassifier"]
    print_table(["name", "estimator", "tags"], [[*names, ""], ["forest", names[1], "best"]])
    assert capsys.readouterr().out == (
        f"name       {names[0]}\nestimator  {names[1]}\n\n"
        f"name       forest\nestimator  {names[1]}\ntags       best\n"
    )


def test_table_in_a_narrow_terminal_is_wrapped(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("NO_COLOR", "1")
    print_table(["name", "text"], [["[red]", "word " * 30]], title="Columns")
    printed = capsys.readouterr().out
    lines = re.sub(r"\x1b\[\d?m", "", printed).splitlines()  # bold is not a color
    assert lines[0].strip() == "Columns"
    assert max(map(len, lines)) <= 60
    assert sum(line.count("word") for line in lines) == 30
    assert any("[red]" in line for line in lines)
    assert "\x1b" not in "".join(lines)
