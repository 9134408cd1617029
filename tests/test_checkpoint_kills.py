"""Processes that fit are killed at any instant; those after them end with the same bits."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.checkpoint_runs import RUNS, fit_and_tell
from tests.children import in_child, processes

pytestmark = pytest.mark.slow

KILLS = 5
LONGEST = 60.0


def finish(name: str, folder: Path, answer: Path) -> tuple[dict, float]:
    start = time.perf_counter()
    child = in_child(fit_and_tell, name, folder, answer)
    child.join(LONGEST)
    assert child.exitcode == 0
    return json.loads(answer.read_text()), time.perf_counter() - start


def kill_group(child) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:  # it has ended, or is not yet the leader of a group
        child.kill()
    child.join(LONGEST)


def is_being_written(folder: Path) -> bool:
    return any(folder.rglob(".*.part"))


@pytest.mark.parametrize("name", RUNS)
def test_a_run_killed_again_and_again_ends_with_the_same_bits(name, tmp_path):
    seeded = random.Random(name)
    processes()  # the imports are not to count as the time of a fit
    whole, seconds = finish(name, tmp_path / "whole", tmp_path / "whole.json")
    folder, n_killed = tmp_path / "killed", 0
    for attempt in range(KILLS):
        child = in_child(fit_and_tell, name, folder, tmp_path / f"{attempt}.json")
        end = time.perf_counter() + seeded.uniform(0.1, 0.8) * seconds
        while time.perf_counter() < end and child.is_alive():
            # Every second time, in the middle of a checkpoint where one comes before that.
            if attempt % 2 and is_being_written(folder):
                break
            time.sleep(0.0005)
        ended_by_itself = not child.is_alive()
        kill_group(child)
        if ended_by_itself:  # the machine has become quicker
            shutil.rmtree(folder)
            seconds /= 2
        else:
            n_killed += 1
    resumed, _ = finish(name, folder, tmp_path / "resumed.json")
    assert n_killed >= 1
    assert resumed == whole
    assert not is_being_written(folder)
