"""The lock of a checkpoint folder."""

from __future__ import annotations

import time

import pytest

from sktrainer import (
    CheckpointError,
)
from tests.checkpoints.fits import X, trainer, y
from tests.checkpoints.runs import (
    hold,
)
from tests.children import in_child


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
