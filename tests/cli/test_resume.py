"""The command `resume`: a killed run continues to the same model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sktrainer import load
from tests.cli.running import fail, succeed
from tests.cli.tables import write_loans
from tests.source_rules import ROOT

TRAIN = (
    *("train", "loans.csv", "--target", "default", "--drop", "row", "--model", "hgb"),
    *("--set", "max_iter=150", "--set", "max_leaf_nodes=4", "--early-stopping", "false"),
    *("--seed", "1", "--verbose", "0"),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    write_loans(tmp_path / "loans.csv", 2_000)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_killed_run_is_resumed_to_the_same_model(folder: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sktrainer",
        *TRAIN,
        "--checkpoint",
        "runs/a",
        "--out",
        "a.skt",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not [*folder.glob("runs/a/final/*.zip")] and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (folder / "a.skt").exists()
    succeed("resume", "runs/a")
    succeed(*TRAIN, "--checkpoint", "runs/b", "--out", "b.skt")
    X = pd.read_csv("loans.csv")[["a", "b"]]
    assert np.array_equal(load("a.skt").predict_proba(X), load("b.skt").predict_proba(X))


def test_finished_run_is_loaded(folder: Path) -> None:
    short = (*TRAIN, "--set", "max_iter=5", "--checkpoint", "runs/a", "--out", "a.skt")
    succeed(*short)
    first = Path("a.skt").stat().st_mtime_ns
    output = succeed("resume", "runs/a")
    assert "a.skt" in output
    assert Path("a.skt").stat().st_mtime_ns > first


def test_folder_without_a_run_is_refused(folder: Path) -> None:
    message = "the folder 'runs/b' does not exist. Pass the folder of --checkpoint"
    assert message in fail("resume", "runs/b", code=2)
    (folder / "empty").mkdir()
    assert "'empty' has no config.yaml" in fail("resume", "empty", code=2)
    assert "is a file" in fail("resume", "loans.csv", code=2)
