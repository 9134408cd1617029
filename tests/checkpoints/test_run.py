"""Checkpointed runs: resuming, and folders that are shared or damaged."""

from __future__ import annotations

import json
import shutil

import pytest
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import GridSearchCV

from sktrainer import (
    CheckpointError,
    CheckpointMismatchError,
)
from sktrainer.callbacks.early_stopping import EvalMetric, Monitor
from sktrainer.checkpoints.fit import FORMAT
from sktrainer.checkpoints.identity import RunIdentity
from sktrainer.checkpoints.run import FitDirectory, open_run_directory
from sktrainer.checkpoints.schedule import Checkpoint, resolve_schedule
from sktrainer.checkpoints.signals import SignalHandler
from sktrainer.checkpoints.state_files import StateFiles
from sktrainer.testing import bit_identical, model_outputs
from tests.checkpoints.fits import PROBE, CountsFits, X, trainer, y


@pytest.fixture(autouse=True)
def _reset_fit_count():
    CountsFits.n_fits = 0


def test_finished_run_is_loaded_and_not_trained_again(tmp_path):
    first = trainer(tmp_path, CountsFits()).fit(X, y)
    again = trainer(tmp_path, CountsFits()).fit(X, y)
    assert CountsFits.n_fits == 1
    assert bit_identical(model_outputs(first, PROBE), model_outputs(again, PROBE))
    assert any("was finished" in note for note in again.report_.to_dict()["notes"])


def test_finished_folds_are_not_trained_again(tmp_path):
    first = trainer(tmp_path, CountsFits(), cv=3).fit(X, y)
    shutil.rmtree(tmp_path / "final")
    shutil.rmtree(tmp_path / "folds" / "3")
    again = trainer(tmp_path, CountsFits(), cv=3).fit(X, y)
    assert CountsFits.n_fits == 4 + 2
    for name in ("split0_test_accuracy", "mean_test_log_loss"):
        assert bit_identical(first.cv_results_[name], again.cv_results_[name])


def test_without_a_checkpoint_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trainer(tmp_path, checkpoint=None).fit(X, y)
    assert list(tmp_path.iterdir()) == []


def test_run_description_is_plain_json(tmp_path):
    trainer(tmp_path).fit(X, y)
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["parameters"]["estimator__max_iter"] == 20
    assert run["seed"] == 0
    assert set(run["data"]) == {"X", "y"}
    assert "sklearn" in run["versions"]


def test_resumed_fit_reuses_the_drawn_seed(tmp_path):
    model = SGDClassifier(loss="log_loss")
    first = trainer(tmp_path, model, random_state=None).fit(X, y)
    shutil.rmtree(tmp_path / "final")
    again = trainer(tmp_path, model, random_state=None).fit(X, y)
    assert bit_identical(model_outputs(first, PROBE), model_outputs(again, PROBE))


def test_resuming_is_printed_with_the_iteration(tmp_path, capsys):
    trainer(tmp_path, verbose=1).fit(X, y)
    trainer(tmp_path, verbose=1).fit(X, y)
    message = capsys.readouterr().out
    assert f"Checkpoint '{tmp_path}': started" in message
    assert f"Checkpoint '{tmp_path}': resumed (final at iteration 20)" in message


def test_partial_files_of_other_runs_are_kept(tmp_path):
    part = tmp_path / "fits" / "0123" / "final" / ".00000005-abc.zip.0123.part"
    part.parent.mkdir(parents=True)
    part.write_text("half")
    trainer(tmp_path).fit(X, y)
    assert part.exists()


def test_folder_that_is_a_file_raises(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot be used"):
        trainer(tmp_path / "file").fit(X, y)


def test_verify_does_not_use_the_checkpoint(tmp_path):
    model = LGBMClassifier(n_estimators=20, subsample=0.7, subsample_freq=1)
    fitted = trainer(tmp_path, model).fit(X, y)
    verified = fitted.verify(X, y)
    assert verified.predictions == ""
    assert not (tmp_path / "fits").exists()


def test_damaged_run_description_keeps_the_states(tmp_path):
    whole = trainer(tmp_path, CountsFits()).fit(X, y)
    (tmp_path / "run.json").write_text("{")
    again = trainer(tmp_path, CountsFits()).fit(X, y)
    assert CountsFits.n_fits == 1
    assert bit_identical(model_outputs(whole, PROBE), model_outputs(again, PROBE))
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(CheckpointMismatchError):
        trainer(tmp_path, CountsFits(C=2.0)).fit(X, y)


@pytest.mark.parametrize("random_state", [0, None])
def test_changed_seed_in_the_run_description_raises(tmp_path, random_state):
    first = trainer(tmp_path, random_state=random_state).fit(X, y)
    path = tmp_path / "run.json"
    run = json.loads(path.read_text())
    path.write_text(json.dumps({**run, "seed": run["seed"] + 1}))
    with pytest.raises(CheckpointMismatchError, match=r"run\.json' was changed after it was"):
        trainer(tmp_path, random_state=random_state).fit(X, y)
    path.write_text(json.dumps(run))
    again = trainer(tmp_path, random_state=random_state).fit(X, y)
    assert bit_identical(model_outputs(first, PROBE), model_outputs(again, PROBE))


def test_partial_files_of_a_killed_process_are_deleted(tmp_path):
    (tmp_path / "final").mkdir()
    part = tmp_path / "final" / ".00000005-abc.zip.0123.part"
    part.write_text("half")
    trainer(tmp_path).fit(X, y)
    assert not part.exists()


def test_search_candidates_and_folds_use_separate_folders(tmp_path):
    grid = {"estimator__C": [0.1, 1.0]}
    search = GridSearchCV(trainer(tmp_path, CountsFits()), grid, cv=3, error_score="raise")
    first = search.fit(X, y)
    assert CountsFits.n_fits == 2 * 3 + 1
    assert len(list((tmp_path / "fits").iterdir())) == 2 * 3 + 1
    again = clone(search).fit(X, y)
    assert CountsFits.n_fits == 2 * 3 + 1
    for name in ("mean_test_score", "split2_test_score"):
        assert bit_identical(first.cv_results_[name], again.cv_results_[name])
    assert bit_identical(first.predict_proba(PROBE), again.predict_proba(PROBE))


def test_clone_and_original_use_separate_folders(tmp_path):
    original = trainer(tmp_path)
    copy = clone(original).set_params(estimator__max_iter=10)
    assert original.fit(X, y).n_iter_ == 20
    assert copy.fit(X, y).n_iter_ == 10
    assert copy.get_params()["checkpoint"] == original.get_params()["checkpoint"]


IDENTITY = RunIdentity(data={}, parameters={}, versions={})


def open_folder(folder):
    checkpoint = Checkpoint(folder)
    schedule = resolve_schedule(checkpoint, segmented_training=True)
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
    schedule = resolve_schedule(Checkpoint(tmp_path), segmented_training=True)
    directory = FitDirectory(tmp_path, schedule, "owner", SignalHandler(str(tmp_path)))
    directory.save_result({"score": 1.0})
    assert directory.load_result() == {"score": 1.0}
    content = json.dumps({"owner": "owner", "result": {}}).encode()
    StateFiles(tmp_path / "result", keep=1).write(2, {"result.json": content})
    with pytest.raises(CheckpointError, match="has format None"):
        directory.load_result()
