from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from lightgbm import LGBMClassifier

from sktrainer import ManagedTrainer
from sktrainer.tracking import JsonlTracker, WandbTracker
from tests.tables import two_class_table

pytestmark = pytest.mark.slow
X, Y = two_class_table()


def fit_with(tracker: WandbTracker, folder) -> ManagedTrainer:
    return ManagedTrainer(
        LGBMClassifier(n_estimators=6, min_child_samples=2),
        validation_size=6,
        cv=2,
        random_state=0,
        trackers=[tracker, JsonlTracker(folder / "runs")],
    ).fit(X, Y)


def test_offline_runs_of_wandb_contain_metrics_and_nothing_private(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("API_TOKEN", "hunter2hunter2")
    trainer = fit_with(WandbTracker("prices", timeout=120), tmp_path)
    state = json.loads((trainer.run_path_ / "wandb.sent.json").read_text())
    assert state["ended"]
    folders = sorted((tmp_path / "wandb").glob("offline-run-*"))
    run = trainer.run_path_.name
    names = [folder.name.split("-", 3)[-1] for folder in folders]
    assert sorted(names) == [run, f"{run}-fold-1", f"{run}-fold-2"]
    content = b"".join(file.read_bytes() for file in folders[0].glob("*.wandb"))
    assert b"validation/loss" in content
    everything = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"hunter2" not in everything


def test_trackio_stores_metrics_in_sqlite(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    tracker = WandbTracker("prices", module="trackio", timeout=120)
    trainer = fit_with(tracker, tmp_path)
    (database,) = (tmp_path / "trackio").glob("prices*.db")
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute("SELECT run_name, step, metrics FROM metrics").fetchall()
    rows = [(name, step, bytes(metrics).decode()) for name, step, metrics in found]
    run = trainer.run_path_.name
    steps = [step for name, step, text in rows if name == run and "validation/loss" in text]
    assert sorted(steps) == [1, 2, 3, 4, 5, 6]
    assert {name for name, *_ in rows} == {run, f"{run}-fold-1", f"{run}-fold-2"}
    assert any("scores/validation/accuracy" in text for *_, text in rows)
