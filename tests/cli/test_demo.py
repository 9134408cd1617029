"""The command `demo`."""

from __future__ import annotations

import shlex

from sktrainer import load
from tests.cli.running import read_json, succeed


def test_demo_saves_files_and_shows_commands_that_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    output = succeed("demo", "--out", "d")
    commands = [
        line.split(maxsplit=1)[1] for line in output.splitlines() if "  sktrainer" in line
    ]
    assert [command.split()[0] for command in commands] == ["inspect", "predict", "report"]
    for command in commands:
        succeed(*shlex.split(command))
    assert (tmp_path / "d/report.html").exists()
    assert (tmp_path / "d/predictions.csv").exists()


def test_json_has_scores_and_files(tmp_path):
    document = read_json("demo", "--out", tmp_path)
    assert document["scores"]["test"]["roc_auc"] > 0.95
    assert load(document["model"]).report_.data["target"] == "hypothyroid"
