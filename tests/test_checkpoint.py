"""What a checkpoint folder promises besides surviving a kill (test_checkpoint_kills.py)."""

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
from sktrainer.running.checkpoint import rhythm_of
from sktrainer.running.checkpoints.states import StateFiles
from sktrainer.testing import answers, mixed_table, same_bits
from tests.checkpoint_runs import (
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
    """A model that tells how often it was fitted."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        type(self).n_fits += 1
        return super().fit(X, y, sample_weight)


@pytest.fixture(autouse=True)
def _no_fits_yet():
    CountsFits.n_fits = 0


# ---------------------------------------------------------------- what is kept


def test_a_finished_run_is_loaded_and_not_trained_again(tmp_path):
    first = trainer(tmp_path, CountsFits()).fit(X, y)
    again = trainer(tmp_path, CountsFits()).fit(X, y)
    assert CountsFits.n_fits == 1
    assert same_bits(answers(first, PROBE), answers(again, PROBE))
    assert any("was finished" in note for note in again.report_.to_dict()["notes"])


def test_finished_folds_are_not_trained_again(tmp_path):
    first = trainer(tmp_path, CountsFits(), cv=3).fit(X, y)
    shutil.rmtree(tmp_path / "final")
    shutil.rmtree(tmp_path / "folds" / "3")
    again = trainer(tmp_path, CountsFits(), cv=3).fit(X, y)
    assert CountsFits.n_fits == 4 + 2
    for name in ("split0_test_accuracy", "mean_test_log_loss"):
        assert same_bits(first.cv_results_[name], again.cv_results_[name])


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
def test_a_checkpoint_changes_no_bit_of_what_is_not_sampled_by_rounds(model, tmp_path):
    plain = trainer(tmp_path, model, checkpoint=None).fit(X, y)
    kept = trainer(tmp_path, model).fit(X, y)
    assert same_bits(answers(plain, PROBE), answers(kept, PROBE))


def test_only_the_newest_states_stay(tmp_path):
    trainer(tmp_path, keep=3).fit(X, y)
    assert len(states(tmp_path)) == 3


def test_the_folder_is_readable_without_the_library(tmp_path):
    trainer(tmp_path).fit(X, y)
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["parameters"]["estimator__max_iter"] == 20
    assert run["seed"] == 0
    assert set(run["data"]) == {"X", "y"}
    assert "sklearn" in run["versions"]


def test_a_fit_without_a_seed_goes_on_with_the_seed_it_began_with(tmp_path):
    model = SGDClassifier(loss="log_loss")
    first = trainer(tmp_path, model, random_state=None).fit(X, y)
    shutil.rmtree(tmp_path / "final")
    again = trainer(tmp_path, model, random_state=None).fit(X, y)
    assert same_bits(answers(first, PROBE), answers(again, PROBE))


def test_the_caller_sees_where_a_fit_went_on(tmp_path, capsys):
    trainer(tmp_path, verbose=1).fit(X, y)
    trainer(tmp_path, verbose=1).fit(X, y)
    said = capsys.readouterr().out
    assert f"Checkpoint '{tmp_path}': started" in said
    assert f"Checkpoint '{tmp_path}': resumed (final at 20)" in said


def test_a_model_that_no_file_can_hold_is_fitted_all_the_same(tmp_path):
    class Local(LogisticRegression):
        """Of a class that no other process can import."""

    with pytest.warns(CheckpointWarning, match="cannot be kept"):
        fitted = trainer(tmp_path, Local()).fit(X, y)
    assert fitted.predict(PROBE).shape == (len(PROBE),)
    assert states(tmp_path) == []


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"n_iter_no_change": 7}, "n_iter_no_change: was 50, is 7"),
        (
            {"model": HistGradientBoostingClassifier(max_iter=21)},
            "estimator__max_iter: was 20, is 21",
        ),
        ({"model": RandomForestClassifier()}, "estimator: was sklearn"),
        ({"random_state": 1}, "random_state: was 0, is 1"),
        ({"every": 6}, "every: was 5, is 6"),
        ({"scoring": "accuracy"}, "scoring: was null, is accuracy"),
    ],
)
def test_other_parameters_are_refused_by_name(change, named, tmp_path):
    trainer(tmp_path).fit(X, y)
    with pytest.raises(CheckpointMismatchError) as refusal:
        trainer(tmp_path, **change).fit(X, y)
    assert named in str(refusal.value)
    assert "to start afresh" in str(refusal.value)


def test_what_differs_in_a_pipeline_is_named_alone(tmp_path):
    def pipeline(C, with_mean):
        scale = StandardScaler(with_mean=with_mean)
        return make_pipeline(scale, LogisticRegression(C=C, n_jobs=None))

    numbers = X[["signal", "count"]]
    trainer(tmp_path, pipeline(1.0, True)).fit(numbers, y)
    with pytest.raises(CheckpointMismatchError) as refusal:
        trainer(tmp_path, pipeline(2.0, False)).fit(numbers, y)
    named = [line for line in str(refusal.value).splitlines() if line.startswith("  - ")]
    assert named == [
        "  - estimator__logisticregression__C: was 1.0, is 2.0",
        "  - estimator__standardscaler__with_mean: was true, is false",
    ]


def test_a_fit_leaves_alone_what_others_are_writing(tmp_path):
    part = tmp_path / "fits" / "0123" / "final" / ".00000005-abc.zip.0123.part"
    part.parent.mkdir(parents=True)
    part.write_text("half")
    trainer(tmp_path).fit(X, y)
    assert part.exists()


def test_other_data_is_refused_by_name(tmp_path):
    trainer(tmp_path).fit(X, y)
    other = X.copy()
    other.loc[3, "signal"] += 1e-9
    with pytest.raises(CheckpointMismatchError, match="X differs"):
        trainer(tmp_path).fit(other, y)
    with pytest.raises(CheckpointMismatchError, match="y differs"):
        trainer(tmp_path).fit(X, np.roll(y, 1))
    with pytest.raises(CheckpointMismatchError, match="sample_weight differs"):
        trainer(tmp_path).fit(X, y, sample_weight=np.ones(len(y)))


def test_another_version_of_a_library_is_refused_by_name(tmp_path):
    trainer(tmp_path).fit(X, y)
    run = json.loads((tmp_path / "run.json").read_text())
    run["versions"]["sklearn"] = "0.1"
    (tmp_path / "run.json").write_text(json.dumps(run))
    with pytest.raises(CheckpointMismatchError, match="the version of sklearn: was 0.1"):
        trainer(tmp_path).fit(X, y)


@pytest.mark.parametrize("change", [{"n_jobs": 2}, {"verbose": 0}, {"keep": 5}])
def test_what_decides_no_bit_may_change(change, tmp_path):
    first = trainer(tmp_path).fit(X, y)
    again = trainer(tmp_path, **change).fit(X, y)
    assert same_bits(answers(first, PROBE), answers(again, PROBE))


class DrawsAnew(KFold):
    """What `KFold(shuffle=True)` is from one process to the next."""

    def split(self, X, y=None, groups=None):
        yield from KFold(3, shuffle=True, random_state=next(self.draws)).split(X, y)

    draws = iter(range(100))


def test_folds_that_are_drawn_anew_each_time_are_refused(tmp_path):
    trainer(tmp_path, cv=DrawsAnew(3)).fit(X, y)
    with pytest.raises(CheckpointMismatchError, match="give the splitter a random_state"):
        trainer(tmp_path, cv=DrawsAnew(3)).fit(X, y)


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
def test_a_wrong_checkpoint_is_named_before_anything_is_written(checkpoint, named, tmp_path):
    with pytest.raises(ParameterError) as refusal:
        trainer(tmp_path, checkpoint=checkpoint).fit(X, y)
    assert named in str(refusal.value)


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot be used"):
        trainer(tmp_path / "file").fit(X, y)


def test_a_booster_that_finds_nothing_to_split_comes_to_its_end(tmp_path):
    constant = np.ones((100, 2))
    model = LGBMClassifier(n_estimators=30)
    plain = trainer(tmp_path, model, checkpoint=None).fit(constant, y[:100])
    kept = trainer(tmp_path, model).fit(constant, y[:100])
    assert (kept.n_iter_, kept.best_iteration_) == (plain.n_iter_, plain.best_iteration_)
    assert same_bits(plain.predict_proba(constant), kept.predict_proba(constant))


# ---------------------------------------------------------------- rhythm


def test_segments_have_a_length_and_others_a_time():
    plain = Checkpoint("a")
    assert (
        rhythm_of(plain, in_segments=True).every,
        rhythm_of(plain, in_segments=True).seconds,
    ) == (50, None)
    assert rhythm_of(plain, in_segments=False).seconds == 30.0
    assert rhythm_of(Checkpoint("a", every=9), in_segments=False).every == 9
    assert rhythm_of(Checkpoint("a", seconds=5), in_segments=True).every == 50


def test_time_between_checkpoints_is_kept(tmp_path):
    rare = Checkpoint(tmp_path / "rare", every=2, seconds=1_000)
    trainer(tmp_path, checkpoint=rare).fit(X, y)
    assert len(states(tmp_path / "rare")) == 1  # the finished fit alone


# ---------------------------------------------------------------- damage


def damage(path, how):
    content = bytearray(path.read_bytes())
    if how == "truncated":
        content = content[: len(content) // 2]
    elif how == "flipped":
        content[len(content) // 2] ^= 1
    else:
        content = b""
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("how", ["truncated", "flipped", "emptied"])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(how, tmp_path):
    model = LGBMClassifier(n_estimators=20, subsample=0.7, subsample_freq=1)
    whole = trainer(tmp_path, model, keep=3).fit(X, y)
    before, newest = states(tmp_path)[-2:]
    damage(newest, how)
    with pytest.warns(CheckpointWarning, match="checksum does not match"):
        resumed = trainer(tmp_path, model, keep=3).fit(X, y)
    assert same_bits(answers(whole, PROBE), answers(resumed, PROBE))
    (note,) = [n for n in resumed.report_.to_dict()["notes"] if "the final fit" in n]
    assert f"round {int(before.name[:8])} " in note


def test_a_receipt_is_verified_by_a_fit_that_finds_no_checkpoint(tmp_path):
    model = LGBMClassifier(n_estimators=20, subsample=0.7, subsample_freq=1)
    fitted = trainer(tmp_path, model).fit(X, y)
    verified = fitted.verify(X, y)
    assert verified.predictions == ""
    assert not (tmp_path / "fits").exists()


def test_with_all_checkpoints_damaged_the_fit_starts_anew(tmp_path):
    whole = trainer(tmp_path).fit(X, y)
    for path in states(tmp_path):
        damage(path, "flipped")
    with pytest.warns(CheckpointWarning):
        again = trainer(tmp_path).fit(X, y)
    assert same_bits(answers(whole, PROBE), answers(again, PROBE))


def test_a_damaged_description_of_the_run_loses_no_state(tmp_path):
    whole = trainer(tmp_path, CountsFits()).fit(X, y)
    (tmp_path / "run.json").write_text("{")
    again = trainer(tmp_path, CountsFits()).fit(X, y)
    assert CountsFits.n_fits == 1
    assert same_bits(answers(whole, PROBE), answers(again, PROBE))
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(CheckpointMismatchError):
        trainer(tmp_path, CountsFits(C=2.0)).fit(X, y)


def test_what_a_killed_process_left_half_written_is_swept_away(tmp_path):
    (tmp_path / "final").mkdir()
    part = tmp_path / "final" / ".00000005-abc.zip.0123.part"
    part.write_text("half")
    trainer(tmp_path).fit(X, y)
    assert not part.exists()


# ---------------------------------------------------------------- who shares a folder


def test_a_second_process_is_refused_and_a_killed_one_locks_nobody_out(tmp_path):
    held = tmp_path / "held"
    child = in_child(hold, tmp_path / "run", held)
    while not held.exists():
        time.sleep(0.01)
    with pytest.raises(CheckpointError, match=f"another fit \\(process {child.pid}\\)"):
        trainer(tmp_path / "run").fit(X, y)
    child.kill()
    child.join()
    assert trainer(tmp_path / "run").fit(X, y).n_iter_ == 20


def test_candidates_and_folds_of_a_search_never_meet(tmp_path):
    grid = {"estimator__C": [0.1, 1.0]}
    search = GridSearchCV(trainer(tmp_path, CountsFits()), grid, cv=3, error_score="raise")
    first = search.fit(X, y)
    assert CountsFits.n_fits == 2 * 3 + 1
    assert len(list((tmp_path / "fits").iterdir())) == 2 * 3 + 1
    again = clone(search).fit(X, y)
    assert CountsFits.n_fits == 2 * 3 + 1
    for name in ("mean_test_score", "split2_test_score"):
        assert same_bits(first.cv_results_[name], again.cv_results_[name])
    assert same_bits(first.predict_proba(PROBE), again.predict_proba(PROBE))


def test_a_clone_and_its_original_never_meet(tmp_path):
    original = trainer(tmp_path)
    copy = clone(original).set_params(estimator__max_iter=10)
    assert original.fit(X, y).n_iter_ == 20
    assert copy.fit(X, y).n_iter_ == 10
    assert copy.get_params()["checkpoint"] == original.get_params()["checkpoint"]


# ---------------------------------------------------------------- signals and full disks


@pytest.mark.skipif(os.name == "nt", reason="no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("name", ["MLP", "XGBoost"])
def test_a_signal_ends_a_fit_with_a_checkpoint_and_says_how_to_go_on(name, number, tmp_path):
    folder, answer = tmp_path / "run", tmp_path / "answer.json"
    in_child(fit_until_signal, name, folder, number, answer).join()
    said, handlers_are_back = json.loads(answer.read_text())
    assert said.startswith("TrainingInterrupted: training was stopped by")
    assert "the checkpoint holds" in said
    assert "call fit again" in said
    assert handlers_are_back
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        resumed = trainer_of(name, folder).fit(*table())
        whole = trainer_of(name, tmp_path / "whole").fit(*table())
    assert any("resumed at" in note for note in resumed.report_.to_dict()["notes"])
    assert outcome(resumed) == outcome(whole)


class SignalsAtItsEnd(StateFiles):
    """Writes, and lets the user press Ctrl-C as the last state is written."""

    def write(self, number, members):
        super().write(number, members)
        if number == 20:
            os.kill(os.getpid(), signal.SIGINT)


def test_a_signal_at_the_very_end_is_not_lost(tmp_path, monkeypatch):
    monkeypatch.setattr("sktrainer.running.checkpoints.store.StateFiles", SignalsAtItsEnd)
    model = LGBMClassifier(n_estimators=20)
    # A shell starts what runs in the background with Ctrl-C ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(TrainingInterrupted, match="Ctrl-C"):
            trainer(tmp_path, model).fit(X, y)
    finally:
        signal.signal(signal.SIGINT, before)
    monkeypatch.undo()
    again = trainer(tmp_path, model).fit(X, y)
    assert any("was finished" in note for note in again.report_.to_dict()["notes"])


class Looks(LogisticRegression):
    """A model that looks at who handles Ctrl-C while it is fitted."""

    seen = None

    def fit(self, X, y, sample_weight=None):
        type(self).seen = signal.getsignal(signal.SIGINT)
        return super().fit(X, y, sample_weight)


def test_handlers_of_the_callers_own_stay(tmp_path):
    def mine(*_):
        """Do nothing."""

    before = signal.signal(signal.SIGINT, mine)
    try:
        trainer(tmp_path, Looks()).fit(X, y)
    finally:
        signal.signal(signal.SIGINT, before)
    assert Looks.seen is mine


@pytest.mark.skipif(os.name == "nt", reason="no such limit")
@pytest.mark.parametrize("name", ["XGBoost", "RandomForest", "folds"])
def test_a_disk_that_is_full_ends_in_one_clear_error(name, tmp_path):
    folder, answer = tmp_path / "run", tmp_path / "answer.txt"
    limit = 60_000 if name != "RandomForest" else 400_000
    in_child(fit_with_small_files, name, folder, limit, answer).join()
    said = answer.read_text()
    assert said.startswith("CheckpointError: ")
    assert "the disk is full" in said
    assert "call fit again" in said
    for path in states(folder):
        assert path.stat().st_size < limit
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        resumed = trainer_of(name, folder).fit(*table())
        whole = trainer_of(name, tmp_path / "whole").fit(*table())
    assert outcome(resumed) == outcome(whole)


@pytest.mark.skipif(os.name == "nt", reason="no such limit")
def test_a_disk_without_room_for_a_run_says_so_before_anything_is_trained(tmp_path):
    folder, answer = tmp_path / "run", tmp_path / "answer.txt"
    in_child(fit_with_small_files, "MLP", folder, 100, answer).join()
    said = answer.read_text()
    assert said.startswith(
        f"CheckpointError: the checkpoint in '{folder}' could not be written"
    )
    assert "the disk is full" in said
    assert [path.name for path in folder.iterdir()] == ["lock"]


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 60 kB, and what makes it large."""
    if os.name == "nt" or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only the superuser can mount a disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    size = ["mount", "-t", "tmpfs", "-o", "size=60k", "tmpfs", disk]
    if subprocess.run(size, check=False, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    yield disk, lambda: subprocess.run(["mount", "-o", "remount,size=50m", disk], check=True)
    subprocess.run(["umount", disk], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["LightGBM", "CatBoost", "skorch"])
@pytest.mark.filterwarnings("ignore::sktrainer.CheckpointWarning")
def test_a_small_disk_that_fills_up_ends_in_one_clear_error(name, small_disk, tmp_path):
    disk, enlarge = small_disk
    trainer = trainer_of(name, disk / "run")
    with pytest.raises(CheckpointError, match=r"the disk is full(?s:.)*Make room"):
        trainer.fit(*table())
    enlarge()
    resumed = trainer_of(name, disk / "run").fit(*table())
    whole = trainer_of(name, tmp_path / "whole").fit(*table())
    assert outcome(resumed) == outcome(whole)


# ---------------------------------------------------------------- the files themselves


def test_a_state_is_not_there_before_all_of_it_is(tmp_path):
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


def test_the_history_of_a_resumed_fit_has_one_clock(tmp_path):
    model = MLPClassifier((4,), max_iter=30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer(tmp_path, model).fit(X, y)
        states(tmp_path)[-1].unlink()
        resumed = trainer(tmp_path, model).fit(X, y)
    seconds = resumed.history_["seconds"]
    assert isinstance(resumed.history_, pd.DataFrame)
    assert (seconds.diff().dropna() >= 0).all()
