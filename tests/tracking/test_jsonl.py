from __future__ import annotations

import json
import signal
import subprocess
import sys

import pandas as pd
import pytest
from lightgbm import LGBMClassifier

from sktrainer import Callback, FileFormatError, InputError, ManagedTrainer
from sktrainer.exceptions import FileWriteError
from sktrainer.tracking import JsonlTracker
from sktrainer.tracking.jsonl import LocalRun, end_if_dead, read_metrics, read_run
from tests.stubs import NeverFitted
from tests.tables import two_class_table

X, Y = two_class_table()


class ReadsMetrics(Callback):
    """Callback that reads the newest run in a folder while it is written."""

    def __init__(self, folder):
        self.folder = folder
        self.tables = []

    def on_iteration(self, event):
        if event.iteration > 1:
            (run,) = self.folder.iterdir()
            self.tables.append(pd.read_json(run / "metrics.jsonl", lines=True))


def test_metrics_can_be_read_while_the_fit_runs(tmp_path):
    reader = ReadsMetrics(tmp_path)
    model = LGBMClassifier(n_estimators=4, min_child_samples=2)
    trainer = ManagedTrainer(
        model, validation_size=10, trackers=[JsonlTracker(tmp_path)], callbacks=[reader]
    ).fit(X, Y)
    assert [len(table) for table in reader.tables] == [1, 2, 3]
    table = pd.read_json(trainer.run_path_ / "metrics.jsonl", lines=True)
    assert table["iteration"].tolist() == [1, 2, 3, 4]
    assert table["validation/loss"].tolist() == pytest.approx(
        trainer.evals_result_["validation"]["loss"]
    )


@pytest.mark.filterwarnings("ignore::sktrainer.exceptions.SmallDataWarning")
def test_run_is_described_by_json(tmp_path):
    trainer = ManagedTrainer(
        LGBMClassifier(n_estimators=3, min_child_samples=2),
        cv=2,
        test_size=10,
        validation_size=6,
        random_state=3,
        trackers=[JsonlTracker(tmp_path)],
    ).fit(X, Y)
    run = json.loads((trainer.run_path_ / "run.json").read_text())
    assert run["status"] == "finished"
    assert run["params"]["estimator__n_estimators"] == "3"
    assert run["tags"]["sktrainer.seed"] == "3"
    assert run["tags"]["sktrainer.fingerprint"] == trainer.fingerprint_["digest"]
    assert [fold["fold"] for fold in run["folds"]] == [1, 2]
    assert run["scores"]["test"]["accuracy"] == trainer.scores_.loc["test", "accuracy"]
    files = sorted(path.name for path in (trainer.run_path_ / "artifacts").iterdir())
    assert files == ["config.yaml", "report.json", "reproduce.py"]


def test_unwritable_folder_is_refused_before_training(tmp_path):
    (tmp_path / "runs").write_text("not a folder")
    trainer = ManagedTrainer(NeverFitted(), trackers=[JsonlTracker(tmp_path / "runs")])
    with pytest.raises(FileWriteError, match="is a file, not a folder"):
        trainer.fit(X, Y)


def test_killed_process_leaves_an_interrupted_run(tmp_path):
    code = (
        "import os, pathlib; from sktrainer.tracking.jsonl import LocalRun; "
        f"run = LocalRun(pathlib.Path({str(tmp_path)!r}), {{}}); "
        f"run.append({{'iteration': 1}}); os.kill(os.getpid(), {signal.SIGTERM:d})"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    (path,) = tmp_path.iterdir()
    assert read_run(path)["status"] == "running"
    assert end_if_dead(path)["status"] == "interrupted"
    assert read_run(path)["end"] is not None


def test_run_of_a_live_process_stays_running(tmp_path):
    run = LocalRun(tmp_path, {})
    assert end_if_dead(run.path)["status"] == "running"
    run.end("finished")
    assert end_if_dead(run.path)["status"] == "finished"


def test_line_that_is_being_written_is_left_for_later(tmp_path):
    run = LocalRun(tmp_path, {})
    row = {"time": 1.0, "fold": 2, "attempt": 2, "iteration": 1, "seconds": 0.1, "loss": None}
    run.append(row)
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"time": 2')
    ((end, fold, metrics),) = read_metrics(run.path, 0, 1000)
    assert (fold, metrics.step, list(metrics.metrics)) == (2, 1, ["attempt_2/loss"])
    assert list(read_metrics(run.path, end, 1000)) == []
    run.close()


def test_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="it has no run.json"):
        read_run(tmp_path)
    (tmp_path / "run.json").write_text('{"format_version": 99}')
    with pytest.raises(FileFormatError, match="format 99, expected 1"):
        read_run(tmp_path)
