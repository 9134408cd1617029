"""Tests of the checkpoint folder of a run."""

from __future__ import annotations

import json

import pytest

from sktrainer.callbacks.early_stopping import EvalMetric, Monitor
from sktrainer.checkpoints.fit import FORMAT
from sktrainer.checkpoints.identity import RunIdentity
from sktrainer.checkpoints.run import FitDirectory, open_run_directory
from sktrainer.checkpoints.schedule import Checkpoint, resolve_schedule
from sktrainer.checkpoints.signals import SignalHandler
from sktrainer.checkpoints.state_files import StateFiles
from sktrainer.exceptions import CheckpointError

IDENTITY = RunIdentity(data={}, parameters={}, versions={})


def open_folder(folder):
    checkpoint = Checkpoint(folder)
    schedule = resolve_schedule(checkpoint, in_segments=True)
    return open_run_directory(checkpoint, schedule, IDENTITY, seed=0)


@pytest.mark.parametrize(
    ("done", "states", "progress"),
    [
        ([], [], ""),
        (["folds/0"], ["folds/1"], "1 fold done, fold 1 at iteration 50"),
        (["folds/0", "folds/1"], ["final"], "2 folds done, final at iteration 50"),
        (["final"], ["refit"], "final done, refit at iteration 50"),
        (["folds/0", "final", "refit"], [], "1 fold done, final done, refit done"),
    ],
)
def test_progress_counts_only_folds_as_folds(done, states, progress, tmp_path):
    for name in done:
        StateFiles(tmp_path / name / "result").write(1, {"result.json": b"{}"})
    for name in states:
        StateFiles(tmp_path / name).write(50, {"model": b""})
    with open_folder(tmp_path) as run:
        assert run.progress == progress


def test_state_of_another_format_is_refused(tmp_path):
    with open_folder(tmp_path) as run:
        directory = run.fit_directory("final")
    meta = {"format": FORMAT + 1, "owner": directory.owner}
    StateFiles(directory.folder).write(50, {"checkpoint.json": json.dumps(meta).encode()})
    with pytest.raises(CheckpointError, match=r"has format 2, .* reads format 1; resume with"):
        directory.checkpoint(Monitor(EvalMetric()))
    assert StateFiles(directory.folder).numbers() == [50]


def test_result_of_another_format_is_refused(tmp_path):
    schedule = resolve_schedule(Checkpoint(tmp_path), in_segments=True)
    directory = FitDirectory(tmp_path, schedule, "owner", SignalHandler(str(tmp_path)))
    directory.save_result({"score": 1.0})
    assert directory.load_result() == {"score": 1.0}
    content = json.dumps({"owner": "owner", "result": {}}).encode()
    StateFiles(tmp_path / "result", keep=1).write(2, {"result.json": content})
    with pytest.raises(CheckpointError, match="has format None"):
        directory.load_result()
