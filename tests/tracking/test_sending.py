from __future__ import annotations

import json

import pytest
from lightgbm import LGBMClassifier
from sklearn.model_selection import GridSearchCV

from sktrainer import ManagedTrainer
from sktrainer.tracking import JsonlTracker
from sktrainer.tracking.sending import RunSender
from tests.tables import two_class_table
from tests.tracking.servers import MemoryTracker

X, Y = two_class_table()


def trainer_with(*trackers: object) -> ManagedTrainer:
    model = LGBMClassifier(n_estimators=4, min_child_samples=2)
    return ManagedTrainer(model, validation_size=6, trackers=list(trackers), random_state=0)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Run with two folds, recorded without another tracker."""
    folder = JsonlTracker(tmp_path_factory.mktemp("runs"), artifacts=True)
    return trainer_with(folder).set_params(cv=2).fit(X, Y).run_path_


@pytest.fixture
def run(recorded):
    """The run, of which no tracker has received anything."""
    yield recorded
    for path in recorded.glob("*.sent.json"):
        path.unlink()


def check_complete(tracker: MemoryTracker, run: str) -> None:
    """Check that everything was received exactly once."""
    folds = [f"{run}-fold-{number}" for number in (1, 2)]
    assert set(tracker.runs) == {run, *folds}
    for name in (run, *folds):
        assert tracker.steps(name) == [1, 2, 3, 4]
        assert tracker.runs[name]["status"] == "finished"
        assert [row.step for row in tracker.runs[name]["rows"]].count(0) == 1  # final scores
    assert tracker.runs[folds[0]]["info"].parent == run
    assert tracker.runs[run]["params"]["random_state"] == "0"
    files = ["config.yaml", "model.skt", "report.html", "report.json", "reproduce.py"]
    assert tracker.runs[run]["files"] == files


def test_complete_run_is_sent(run):
    tracker = MemoryTracker()
    assert RunSender(run, tracker, "memory").send()
    check_complete(tracker, run.name)


def test_second_sender_sends_nothing(run):
    RunSender(run, MemoryTracker(), "memory").send()
    second = MemoryTracker()
    assert RunSender(run, second, "memory").send()
    assert second.calls == []


def test_each_failed_call_is_repeated(run):
    complete = MemoryTracker()
    RunSender(run, complete, "memory").send()
    for number in range(1, len(complete.calls) + 1):
        (run / "memory.sent.json").unlink(missing_ok=True)
        tracker = MemoryTracker()
        tracker.fails_at = {number}
        with pytest.raises(ConnectionError):
            RunSender(run, tracker, "memory").send()
        assert RunSender(run, tracker, "memory").send()  # as another process
        check_complete(tracker, run.name)


def test_sender_gives_up_after_the_end_of_the_fit(run):
    tracker = MemoryTracker()
    tracker.is_down = True
    sender = RunSender(run, tracker, "memory")
    while not sender.step():
        pass
    state = json.loads((run / "memory.sent.json").read_text())
    assert state["gave_up"]
    assert "no route to https://***@host" in state["error"]


def test_fits_of_a_search_have_one_parent(tmp_path):
    tracker = MemoryTracker()
    trainer = trainer_with(tracker, JsonlTracker(tmp_path))
    GridSearchCV(trainer, {"estimator__num_leaves": [3, 5]}, cv=2).fit(X, Y)
    trainer_with(tracker, JsonlTracker(tmp_path)).fit(X, Y)
    for path in tmp_path.iterdir():  # searches do not wait for their trackers
        sender = RunSender(path, tracker, "memory")
        while path.is_dir() and not sender.send():
            pass
    parents = [run["info"].parent for run in tracker.runs.values()]
    (parent,) = {each for each in parents if each is not None}
    assert parents.count(parent) == 5  # 2 candidates x 2 folds, and the refit
    assert tracker.runs[parent]["info"].name == "LGBMClassifier search"
    leaves = [run["params"]["estimator__num_leaves"] for run in children(tracker, parent)]
    assert sorted({*leaves}) == ["3", "5"]
    assert min(leaves.count("3"), leaves.count("5")) == 2


def children(tracker: MemoryTracker, parent: str) -> list[dict]:
    return [run for run in tracker.runs.values() if run["info"].parent == parent]
