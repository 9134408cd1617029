from __future__ import annotations

import pytest
from sklearn.linear_model import LogisticRegression

from sktrainer import InputError, ManagedTrainer, ParameterError, TrackingError, TrackingWarning
from sktrainer.tracking import JsonlTracker, replay
from sktrainer.tracking.jsonl import LocalRun
from tests.tables import two_class_table
from tests.tracking.servers import MemoryTracker

X, Y = two_class_table()


def test_missed_run_is_sent_once(tmp_path):
    tracker = MemoryTracker()
    tracker.is_down = True
    trainer = ManagedTrainer(
        LogisticRegression(), trackers=[JsonlTracker(tmp_path), tracker], random_state=0
    )
    with pytest.warns(TrackingWarning, match="replay"):
        trainer.fit(X, Y)
    tracker.is_down = False
    assert replay(trainer.run_path_, tracker) == trainer.run_path_.name
    assert tracker.runs[trainer.run_path_.name]["status"] == "finished"
    n_calls = len(tracker.calls)
    assert replay(trainer.run_path_, tracker) == trainer.run_path_.name
    assert len(tracker.calls) == n_calls


def test_tracker_that_is_still_down_is_an_error(tmp_path):
    trainer = ManagedTrainer(LogisticRegression(), trackers=[JsonlTracker(tmp_path)])
    trainer.fit(X, Y)
    tracker = MemoryTracker()
    tracker.is_down = True
    with pytest.raises(TrackingError, match="'memory' did not accept the run: .*no route"):
        replay(trainer.run_path_, tracker)


def test_wrong_arguments_are_refused(tmp_path):
    with pytest.raises(InputError, match="is not a run: it has no run.json"):
        replay(tmp_path, MemoryTracker())
    with pytest.raises(ParameterError, match="tracker must be .* Did you mean 'mlflow'"):
        replay(tmp_path, "mlfow")
    with pytest.raises(ParameterError, match="another one than 'jsonl'"):
        replay(tmp_path, "jsonl")


def test_running_fit_is_refused(tmp_path):
    run = LocalRun(tmp_path, {})
    with pytest.raises(InputError, match="is running. Replay it after its end"):
        replay(run.path, MemoryTracker())
    run.close()
