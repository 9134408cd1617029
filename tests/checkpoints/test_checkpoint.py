"""Checkpoints, except for killed processes (see test_checkpoint_kills.py)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktrainer import (
    Checkpoint,
    CheckpointError,
    CheckpointMismatchError,
    CheckpointWarning,
    ManagedTrainer,
    ParameterError,
    TrainingInterrupted,
)
from sktrainer.checkpoints.schedule import resolve_schedule
from sktrainer.checkpoints.state_files import StateFiles
from sktrainer.testing import bit_identical, mixed_table, model_outputs
from tests.checkpoints.runs import (
    fit_until_signal,
    fit_with_small_files,
    hold,
    outcome,
    table,
    trainer_of,
)
from tests.children import in_child

X, y = mixed_table(300, "classification")
PROBE = mixed_table(50, "classification", seed=9)[0]


def trainer(folder, model=None, *, every=5, keep=2, **parameters):
    model = HistGradientBoostingClassifier(max_iter=20) if model is None else model
    given = {"random_state": 0, "checkpoint": Checkpoint(folder, every=every, keep=keep)}
    return ManagedTrainer(model, **{**given, **parameters})


def states(folder):
    return sorted(Path(folder).rglob("*.zip"))


class CountsFits(LogisticRegression):
    """Classifier that counts its fits."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        type(self).n_fits += 1
        return super().fit(X, y, sample_weight)


@pytest.fixture(autouse=True)
def _reset_fit_count():
    CountsFits.n_fits = 0


# ---------------------------------------------------------------- saving and resuming


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


@pytest.mark.parametrize(
    "model",
    [
        HistGradientBoostingClassifier(max_iter=20),
        RandomForestClassifier(20),
        MLPClassifier((4,), max_iter=20),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_checkpoint_does_not_change_models_without_segments(model, tmp_path):
    plain = trainer(tmp_path, model, checkpoint=None).fit(X, y)
    kept = trainer(tmp_path, model).fit(X, y)
    assert bit_identical(model_outputs(plain, PROBE), model_outputs(kept, PROBE))


def test_only_the_newest_states_are_kept(tmp_path):
    trainer(tmp_path, keep=3).fit(X, y)
    assert len(states(tmp_path)) == 3


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


def test_unpicklable_model_is_fitted_with_a_warning(tmp_path):
    class Local(LogisticRegression):
        """Classifier that other processes cannot import."""

    with pytest.warns(CheckpointWarning, match="cannot be saved"):
        fitted = trainer(tmp_path, Local()).fit(X, y)
    assert fitted.predict(PROBE).shape == (len(PROBE),)
    assert states(tmp_path) == []


# ---------------------------------------------------------------- incompatible runs


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"n_iter_no_change": 7}, "n_iter_no_change: was 50, is now 7"),
        (
            {"model": HistGradientBoostingClassifier(max_iter=21)},
            "estimator__max_iter: was 20, is now 21",
        ),
        ({"model": RandomForestClassifier()}, "estimator: was sklearn"),
        ({"random_state": 1}, "random_state: was 0, is now 1"),
        ({"every": 6}, "every: was 5, is now 6"),
        ({"scoring": "accuracy"}, "scoring: was null, is now accuracy"),
    ],
)
def test_changed_parameter_raises_and_is_named(change, named, tmp_path):
    trainer(tmp_path).fit(X, y)
    with pytest.raises(CheckpointMismatchError) as caught:
        trainer(tmp_path, **change).fit(X, y)
    assert named in str(caught.value)
    assert "to start over" in str(caught.value)


def test_only_changed_pipeline_parameters_are_named(tmp_path):
    def pipeline(C, with_mean):
        scale = StandardScaler(with_mean=with_mean)
        return make_pipeline(scale, LogisticRegression(C=C, n_jobs=None))

    numbers = X[["signal", "count"]]
    trainer(tmp_path, pipeline(1.0, True)).fit(numbers, y)
    with pytest.raises(CheckpointMismatchError) as caught:
        trainer(tmp_path, pipeline(2.0, False)).fit(numbers, y)
    named = [line for line in str(caught.value).splitlines() if line.startswith("  - ")]
    assert named == [
        "  - estimator__logisticregression__C: was 1.0, is now 2.0",
        "  - estimator__standardscaler__with_mean: was true, is now false",
    ]


def test_partial_files_of_other_runs_are_kept(tmp_path):
    part = tmp_path / "fits" / "0123" / "final" / ".00000005-abc.zip.0123.part"
    part.parent.mkdir(parents=True)
    part.write_text("half")
    trainer(tmp_path).fit(X, y)
    assert part.exists()


def test_changed_data_raises_and_is_named(tmp_path):
    trainer(tmp_path).fit(X, y)
    other = X.copy()
    other.loc[3, "signal"] += 1e-9
    with pytest.raises(CheckpointMismatchError, match="X differs"):
        trainer(tmp_path).fit(other, y)
    with pytest.raises(CheckpointMismatchError, match="y differs"):
        trainer(tmp_path).fit(X, np.roll(y, 1))
    with pytest.raises(CheckpointMismatchError, match="sample_weight differs"):
        trainer(tmp_path).fit(X, y, sample_weight=np.ones(len(y)))


def test_changed_library_version_raises_and_is_named(tmp_path):
    trainer(tmp_path).fit(X, y)
    run = json.loads((tmp_path / "run.json").read_text())
    run["versions"]["sklearn"] = "0.1"
    (tmp_path / "run.json").write_text(json.dumps(run))
    with pytest.raises(CheckpointMismatchError, match="the version of sklearn: was 0.1"):
        trainer(tmp_path).fit(X, y)


@pytest.mark.parametrize("change", [{"n_jobs": 2}, {"verbose": 0}, {"keep": 5}])
def test_parameters_without_effect_on_the_model_may_change(change, tmp_path):
    first = trainer(tmp_path).fit(X, y)
    again = trainer(tmp_path, **change).fit(X, y)
    assert bit_identical(model_outputs(first, PROBE), model_outputs(again, PROBE))


class UnseededKFold(KFold):
    """Splitter with other folds in each call, like `KFold(shuffle=True)` without a seed."""

    def split(self, X, y=None, groups=None):
        yield from KFold(3, shuffle=True, random_state=next(self.draws)).split(X, y)

    draws = iter(range(100))


def test_splitter_without_random_state_raises(tmp_path):
    trainer(tmp_path, cv=UnseededKFold(3)).fit(X, y)
    with pytest.raises(CheckpointMismatchError, match="set random_state on the splitter"):
        trainer(tmp_path, cv=UnseededKFold(3)).fit(X, y)


@pytest.mark.parametrize(
    ("checkpoint", "named"),
    [
        (5, "checkpoint must be None, a folder"),
        (Checkpoint("a", every=0), "every of Checkpoint('a') must be None or an integer"),
        (Checkpoint("a", seconds=-1), "seconds of Checkpoint('a') must be"),
        (Checkpoint("a", keep=0), "keep of Checkpoint('a') must be"),
        (Checkpoint(""), "folder of Checkpoint('') must be a path"),
    ],
)
def test_invalid_checkpoint_parameters_raise(checkpoint, named, tmp_path):
    with pytest.raises(ParameterError) as caught:
        trainer(tmp_path, checkpoint=checkpoint).fit(X, y)
    assert named in str(caught.value)


def test_folder_that_is_a_file_raises(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot be used"):
        trainer(tmp_path / "file").fit(X, y)


def test_booster_without_possible_splits_finishes(tmp_path):
    constant = np.ones((100, 2))
    model = LGBMClassifier(n_estimators=30)
    plain = trainer(tmp_path, model, checkpoint=None).fit(constant, y[:100])
    kept = trainer(tmp_path, model).fit(constant, y[:100])
    assert (kept.n_iter_, kept.best_iteration_) == (plain.n_iter_, plain.best_iteration_)
    assert bit_identical(plain.predict_proba(constant), kept.predict_proba(constant))


# ---------------------------------------------------------------- schedule


def test_default_schedule_depends_on_segments():
    plain = Checkpoint("a")
    assert (
        resolve_schedule(plain, in_segments=True).every,
        resolve_schedule(plain, in_segments=True).seconds,
    ) == (50, None)
    assert resolve_schedule(plain, in_segments=False).seconds == 30.0
    assert resolve_schedule(Checkpoint("a", every=9), in_segments=False).every == 9
    assert resolve_schedule(Checkpoint("a", seconds=5), in_segments=True).every == 50


def test_minimum_time_between_checkpoints_is_respected(tmp_path):
    rare = Checkpoint(tmp_path / "rare", every=2, seconds=1_000)
    trainer(tmp_path, checkpoint=rare).fit(X, y)
    assert len(states(tmp_path / "rare")) == 1  # only the finished fit


# ---------------------------------------------------------------- damaged files


def damage(path, damage_type):
    content = bytearray(path.read_bytes())
    if damage_type == "truncated":
        content = content[: len(content) // 2]
    elif damage_type == "flipped":
        content[len(content) // 2] ^= 1
    else:
        content = b""
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("damage_type", ["truncated", "flipped", "emptied"])
def test_damaged_checkpoint_falls_back_to_the_previous_one(damage_type, tmp_path):
    model = LGBMClassifier(n_estimators=20, subsample=0.7, subsample_freq=1)
    whole = trainer(tmp_path, model, keep=3).fit(X, y)
    before, newest = states(tmp_path)[-2:]
    damage(newest, damage_type)
    with pytest.warns(CheckpointWarning, match="checksum does not match"):
        resumed = trainer(tmp_path, model, keep=3).fit(X, y)
    assert bit_identical(model_outputs(whole, PROBE), model_outputs(resumed, PROBE))
    (note,) = [n for n in resumed.report_.to_dict()["notes"] if "the final fit" in n]
    assert f"round {int(before.name[:8])} " in note


def test_verify_does_not_use_the_checkpoint(tmp_path):
    model = LGBMClassifier(n_estimators=20, subsample=0.7, subsample_freq=1)
    fitted = trainer(tmp_path, model).fit(X, y)
    verified = fitted.verify(X, y)
    assert verified.predictions == ""
    assert not (tmp_path / "fits").exists()


def test_fit_starts_over_if_all_checkpoints_are_damaged(tmp_path):
    whole = trainer(tmp_path).fit(X, y)
    for path in states(tmp_path):
        damage(path, "flipped")
    with pytest.warns(CheckpointWarning):
        again = trainer(tmp_path).fit(X, y)
    assert bit_identical(model_outputs(whole, PROBE), model_outputs(again, PROBE))


def test_damaged_run_description_keeps_the_states(tmp_path):
    whole = trainer(tmp_path, CountsFits()).fit(X, y)
    (tmp_path / "run.json").write_text("{")
    again = trainer(tmp_path, CountsFits()).fit(X, y)
    assert CountsFits.n_fits == 1
    assert bit_identical(model_outputs(whole, PROBE), model_outputs(again, PROBE))
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(CheckpointMismatchError):
        trainer(tmp_path, CountsFits(C=2.0)).fit(X, y)


def test_partial_files_of_a_killed_process_are_deleted(tmp_path):
    (tmp_path / "final").mkdir()
    part = tmp_path / "final" / ".00000005-abc.zip.0123.part"
    part.write_text("half")
    trainer(tmp_path).fit(X, y)
    assert not part.exists()


# ---------------------------------------------------------------- shared folders


def test_lock_rejects_second_process_and_is_released_by_kill(tmp_path):
    held = tmp_path / "held"
    child = in_child(hold, tmp_path / "run", held)
    while not held.exists():
        time.sleep(0.01)
    with pytest.raises(CheckpointError, match=f"another fit \\(process {child.pid}\\)"):
        trainer(tmp_path / "run").fit(X, y)
    child.kill()
    child.join()
    assert trainer(tmp_path / "run").fit(X, y).n_iter_ == 20


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


# ---------------------------------------------------------------- signals and full disks


@pytest.mark.skipif(os.name == "nt", reason="these signals do not exist on Windows")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("name", ["MLP", "XGBoost"])
def test_signal_saves_a_checkpoint_and_stops_the_fit(name, number, tmp_path):
    folder, answer = tmp_path / "run", tmp_path / "answer.json"
    in_child(fit_until_signal, name, folder, number, answer).join()
    message, handlers_are_back = json.loads(answer.read_text())
    assert message.startswith("TrainingInterrupted: training was stopped by")
    assert "the last checkpoint is at iteration" in message
    assert "call fit again" in message
    assert handlers_are_back
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        resumed = trainer_of(name, folder).fit(*table())
        whole = trainer_of(name, tmp_path / "whole").fit(*table())
    assert any("resumed at" in note for note in resumed.report_.to_dict()["notes"])
    assert outcome(resumed) == outcome(whole)


class InterruptedAtTheEnd(StateFiles):
    """State files that simulate Ctrl-C after the last state is written."""

    def write(self, number, members):
        super().write(number, members)
        if number == 20:
            os.kill(os.getpid(), signal.SIGINT)


def test_signal_after_the_last_iteration_is_not_lost(tmp_path, monkeypatch):
    monkeypatch.setattr("sktrainer.checkpoints.run.StateFiles", InterruptedAtTheEnd)
    model = LGBMClassifier(n_estimators=20)
    # Shells start background processes with SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(TrainingInterrupted, match="Ctrl-C"):
            trainer(tmp_path, model).fit(X, y)
    finally:
        signal.signal(signal.SIGINT, before)
    monkeypatch.undo()
    again = trainer(tmp_path, model).fit(X, y)
    assert any("was finished" in note for note in again.report_.to_dict()["notes"])


class RecordsHandler(LogisticRegression):
    """Classifier that records the SIGINT handler during its fit."""

    seen = None

    def fit(self, X, y, sample_weight=None):
        type(self).seen = signal.getsignal(signal.SIGINT)
        return super().fit(X, y, sample_weight)


def test_user_defined_signal_handlers_are_kept(tmp_path):
    def mine(*_):
        """Do nothing."""

    before = signal.signal(signal.SIGINT, mine)
    try:
        trainer(tmp_path, RecordsHandler()).fit(X, y)
    finally:
        signal.signal(signal.SIGINT, before)
    assert RecordsHandler.seen is mine


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file size limit")
@pytest.mark.parametrize("name", ["XGBoost", "RandomForest", "folds"])
def test_full_disk_raises_a_checkpoint_error(name, tmp_path):
    folder, answer = tmp_path / "run", tmp_path / "answer.txt"
    limit = 60_000 if name != "RandomForest" else 400_000
    in_child(fit_with_small_files, name, folder, limit, answer).join()
    message = answer.read_text()
    assert message.startswith("CheckpointError: ")
    assert "the disk is full" in message
    assert "call fit again" in message
    for path in states(folder):
        assert path.stat().st_size < limit
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        resumed = trainer_of(name, folder).fit(*table())
        whole = trainer_of(name, tmp_path / "whole").fit(*table())
    assert outcome(resumed) == outcome(whole)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file size limit")
def test_full_disk_raises_before_training(tmp_path):
    folder, answer = tmp_path / "run", tmp_path / "answer.txt"
    in_child(fit_with_small_files, "MLP", folder, 100, answer).join()
    message = answer.read_text()
    assert message.startswith(
        f"CheckpointError: the checkpoint in '{folder}' could not be written"
    )
    assert "the disk is full" in message
    assert [path.name for path in folder.iterdir()] == ["lock"]


@pytest.fixture
def small_disk(tmp_path):
    """Mount point of a 60 kB disk, and a function that enlarges it."""
    if os.name == "nt" or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a disk requires root")
    disk = tmp_path / "disk"
    disk.mkdir()
    size = ["mount", "-t", "tmpfs", "-o", "size=60k", "tmpfs", disk]
    if subprocess.run(size, check=False, capture_output=True).returncode:
        pytest.skip("mounting a tmpfs failed")
    yield disk, lambda: subprocess.run(["mount", "-o", "remount,size=50m", disk], check=True)
    subprocess.run(["umount", disk], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["LightGBM", "CatBoost", "skorch"])
@pytest.mark.filterwarnings("ignore::sktrainer.CheckpointWarning")
def test_disk_that_fills_up_raises_a_checkpoint_error(name, small_disk, tmp_path):
    disk, enlarge = small_disk
    trainer = trainer_of(name, disk / "run")
    with pytest.raises(CheckpointError, match=r"the disk is full(?s:.)*Free disk space"):
        trainer.fit(*table())
    enlarge()
    resumed = trainer_of(name, disk / "run").fit(*table())
    whole = trainer_of(name, tmp_path / "whole").fit(*table())
    assert outcome(resumed) == outcome(whole)


# ---------------------------------------------------------------- file format


def test_states_are_written_atomically(tmp_path):
    files = StateFiles(tmp_path)
    files.write(1, {"a": b"1"})

    class Breaks(dict):
        def items(self):
            yield "a", b"2"
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        files.write(2, Breaks(a=b"2"))
    assert files.newest() == (1, {"a": b"1"})
    assert len(list(tmp_path.iterdir())) == 1


def test_history_seconds_increase_after_resuming(tmp_path):
    model = MLPClassifier((4,), max_iter=30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer(tmp_path, model).fit(X, y)
        states(tmp_path)[-1].unlink()
        resumed = trainer(tmp_path, model).fit(X, y)
    seconds = resumed.history_["seconds"]
    assert isinstance(resumed.history_, pd.DataFrame)
    assert (seconds.diff().dropna() >= 0).all()
