"""Fits killed at random times resume to bit-identical results.

In `make test`, one run per way of saving the state of a fit is killed twice: segments of
trees (LightGBM, XGBoost), the library's own snapshots (CatBoost), pickled estimators (MLP),
networks (skorch, Keras), and folds. All runs, killed twenty times in a row, are `long`.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.checkpoints.runs import RUNS, fit_and_write_outcome
from tests.children import in_child, processes

SHORT = ("LightGBM", "XGBoost", "CatBoost", "MLP", "skorch", "Keras", "folds, two jobs")
LONGEST = 60.0


def finish(name: str, folder: Path, answer: Path) -> tuple[dict, float]:
    start = time.perf_counter()
    child = in_child(fit_and_write_outcome, name, folder, answer)
    child.join(LONGEST)
    assert child.exitcode == 0
    return json.loads(answer.read_text()), time.perf_counter() - start


def kill_group(child) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:  # it has ended or has not created its process group yet
        child.kill()
    child.join(LONGEST)


def is_being_written(folder: Path) -> bool:
    return any(folder.rglob(".*.part"))


@pytest.mark.parametrize(
    ("name", "kills"),
    [
        *[pytest.param(name, 2, marks=pytest.mark.slow) for name in SHORT],
        *[pytest.param(name, 20, marks=pytest.mark.long) for name in RUNS],
    ],
)
def test_repeatedly_killed_run_is_bit_identical(name, kills, tmp_path):
    rng = random.Random(name)
    processes()  # exclude the import time from the measured time of a fit
    whole, seconds = finish(name, tmp_path / "whole", tmp_path / "whole.json")
    folder, n_killed = tmp_path / "killed", 0
    for attempt in range(kills):
        child = in_child(fit_and_write_outcome, name, folder, tmp_path / f"{attempt}.json")
        end = time.perf_counter() + rng.uniform(0.1, 0.8) * seconds
        while time.perf_counter() < end and child.is_alive():
            # Every second time, kill while a checkpoint is being written, if possible.
            if attempt % 2 and is_being_written(folder):
                break
            time.sleep(0.0005)
        ended_by_itself = not child.is_alive()
        kill_group(child)
        if ended_by_itself:  # the fit was faster than measured: retry with a shorter time
            shutil.rmtree(folder)
            seconds /= 2
        else:
            n_killed += 1
    resumed, _ = finish(name, folder, tmp_path / "resumed.json")
    assert n_killed >= 1
    assert resumed == whole
    assert not is_being_written(folder)
