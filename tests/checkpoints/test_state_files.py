"""Damaged, incomplete and unwritable state files."""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings

import pytest
from lightgbm import LGBMClassifier

from sktrainer import (
    CheckpointError,
    CheckpointWarning,
)
from sktrainer.checkpoints.state_files import StateFiles
from sktrainer.testing import bit_identical, model_outputs
from tests.checkpoints.fits import PROBE, X, damage, states, trainer, y
from tests.checkpoints.runs import (
    fit_with_small_files,
    outcome,
    table,
    trainer_of,
)
from tests.children import in_child


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


def test_fit_starts_over_if_all_checkpoints_are_damaged(tmp_path):
    whole = trainer(tmp_path).fit(X, y)
    for path in states(tmp_path):
        damage(path, "flipped")
    with pytest.warns(CheckpointWarning):
        again = trainer(tmp_path).fit(X, y)
    assert bit_identical(model_outputs(whole, PROBE), model_outputs(again, PROBE))


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


@pytest.mark.parametrize("name", ["LightGBM", "MLP", "CatBoost"])
def test_finished_fit_is_loaded_from_a_read_only_disk(name, small_disk):
    disk, enlarge = small_disk
    enlarge()
    whole = trainer_of(name, disk / "run").fit(*table())
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    assert outcome(trainer_of(name, disk / "run").fit(*table())) == outcome(whole)
    with pytest.raises(CheckpointError, match=r"cannot be used: \[Errno 30\]"):
        trainer_of(name, disk / "new").fit(*table())
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    shutil.rmtree(disk / "run" / "final")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    with pytest.raises(CheckpointError, match="is read-only and contains no finished fit"):
        trainer_of(name, disk / "run").fit(*table())


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
