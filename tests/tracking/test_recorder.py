from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.linear_model import Ridge

from sktrainer import Callback, CallbackError, ManagedTrainer, TrackingWarning
from sktrainer.callbacks.base import IterationEvent
from sktrainer.tracking import JsonlTracker
from sktrainer.tracking.recorder import RunRecorder
from tests.tables import two_class_table
from tests.tracking.servers import MemoryTracker

X, Y = two_class_table()
EVENT = IterationEvent(None, 1, 9, {"validation": {"loss": 0.5}}, "loss", 1, 0.5, 3, 0.1)


def model(rounds: int = 5) -> LGBMClassifier:
    return LGBMClassifier(n_estimators=rounds, min_child_samples=2)


def run_of(trainer: ManagedTrainer) -> dict:
    return json.loads((trainer.run_path_ / "run.json").read_text())


class FailsAt(Callback):
    def on_iteration(self, event):
        if event.iteration == 3:
            raise ValueError("customer 4711 is unknown")


def test_failed_fit_is_recorded_without_its_message(tmp_path):
    trainer = ManagedTrainer(
        model(), validation_size=10, trackers=[JsonlTracker(tmp_path)], callbacks=[FailsAt()]
    )
    with pytest.raises(CallbackError):
        trainer.fit(X, Y)
    (path,) = tmp_path.iterdir()
    text = (path / "run.json").read_text()
    assert json.loads(text)["status"] == "failed"
    assert json.loads(text)["error"] == "CallbackError"
    assert "4711" not in text


def test_full_disk_is_one_warning(tmp_path):
    warnings: list[str] = []
    recorder = RunRecorder(JsonlTracker(tmp_path), [], warnings.append)
    recorder.start({"name": "Ridge", "params": {}, "tags": {}}, parent=None)
    assert recorder.run is not None
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, recorder.run._descriptor)
    os.close(full)
    for iteration in (1, 2, 3):
        recorder.on_iteration(replace(EVENT, iteration=iteration))
    recorder.finish(lambda folder, complete: None)
    assert len(warnings) == 1
    assert "is incomplete: [Errno 28]" in warnings[0]


def test_retries_are_numbered(tmp_path):
    recorder = RunRecorder(JsonlTracker(tmp_path), [], pytest.fail)
    path = recorder.start({"name": "Ridge", "params": {}, "tags": {}}, parent=None)
    for iteration in (1, 2, 1, 2):
        recorder.on_iteration(replace(EVENT, iteration=iteration))
    recorder.finish(lambda folder, complete: None)
    table = pd.read_json(path / "metrics.jsonl", lines=True)
    assert table["attempt"].tolist() == [1, 1, 2, 2]


def test_numbers_that_json_lacks_are_recorded(tmp_path):
    recorder = RunRecorder(JsonlTracker(tmp_path), [], pytest.fail)
    path = recorder.start({"name": "Ridge", "params": {}, "tags": {}}, parent=None)
    values = {"loss": float("nan"), "rmse": float("inf")}
    recorder.on_iteration(replace(EVENT, metrics={"train": values}))
    recorder.finish(lambda folder, complete: None)
    table = pd.read_json(path / "metrics.jsonl", lines=True)
    assert np.isnan(table.loc[0, "train/loss"])
    assert table.loc[0, "train/rmse"] > 1e308


@pytest.mark.filterwarnings("ignore::sktrainer.exceptions.SmallDataWarning")
def test_nothing_secret_is_recorded(tmp_path, monkeypatch):
    monkeypatch.setenv("API_TOKEN", "hunter2hunter2")
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"amount": rng.normal(size=80), "name": [f"secret-name-{i}" for i in range(80)]}
    )
    y = rng.normal(size=80)

    trainer = ManagedTrainer(
        Ridge(),
        test_size=20,
        audit=False,
        random_state=0,
        trackers=[JsonlTracker(tmp_path, artifacts=True)],
    ).fit(table, y)
    # The report shows the smallest and the largest value of the target.
    numbers = [repr(float(value)) for value in (*table["amount"], *np.sort(y)[1:-1])]
    for path in trainer.run_path_.rglob("*"):
        if path.is_file() and path.suffix != ".skt":  # the encoder knows its categories
            text = path.read_text("utf-8")
            assert "hunter2" not in text
            assert "secret-name" not in text, path.name
            assert not [number for number in numbers if number in text], path.name


def test_a_fit_without_trackers_forgets_the_last_run(tmp_path):
    trainer = ManagedTrainer(model(), trackers=[JsonlTracker(tmp_path)]).fit(X, Y)
    assert trainer.run_path_.parent == tmp_path
    trainer.set_params(trackers=()).fit(X, Y)
    assert not hasattr(trainer, "run_path_")


def test_saved_trainer_has_no_trackers(tmp_path):
    trainer = ManagedTrainer(model(), trackers=[JsonlTracker(tmp_path / "runs")]).fit(X, Y)
    loaded = ManagedTrainer.load(trainer.save(tmp_path / "model.skt"))
    assert loaded.trackers == ()
    assert not hasattr(loaded, "run_path_")


def test_tracker_that_is_down_is_one_warning(tmp_path):
    tracker = MemoryTracker()
    tracker.is_down = True
    trainer = ManagedTrainer(model(), cv=2, trackers=[tracker, JsonlTracker(tmp_path)])
    with pytest.warns(TrackingWarning, match="'memory' has not received .* no route") as caught:
        trainer.fit(X, Y)
    assert len([w for w in caught if w.category is TrackingWarning]) == 1
    assert run_of(trainer)["status"] == "finished"


def test_slow_tracker_does_not_delay_the_fit(tmp_path):
    tracker = MemoryTracker(timeout=0.0)
    tracker.may_answer.clear()  # blocks in its first call, until the fit has ended
    trainer = ManagedTrainer(model(), trackers=[tracker, JsonlTracker(tmp_path)])
    with pytest.warns(TrackingWarning, match="it is slow, and sending continues"):
        trainer.fit(X, Y)
    assert tracker.calls == []
    assert run_of(trainer)["status"] == "finished"
    tracker.may_answer.set()
