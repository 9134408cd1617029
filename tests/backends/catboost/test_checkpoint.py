"""Tests of the storage of CatBoost's snapshots."""

from __future__ import annotations

import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from sktrainer.backends.catboost.checkpoint import snapshot_params


class BrokenStore:
    """Checkpoint whose states cannot be stored."""

    min_seconds = 0.0

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.n_calls = 0

    def restore(self, *, replayed):
        return None

    @contextmanager
    def scratch_folder(self):
        yield self.folder

    def save_library_state(self, iteration, state):
        self.n_calls += 1
        raise RuntimeError("the state cannot be stored")


def write_snapshot(store: BrokenStore, *, fail: bool = False) -> None:
    """Write a snapshot, wait until it was read, and fail if asked to."""
    (store.folder / "snapshot").write_bytes(b"trees")
    deadline = time.monotonic() + 10
    while not store.n_calls and time.monotonic() < deadline:
        time.sleep(0.01)
    if fail:
        raise ValueError("training failed")


def test_error_while_storing_a_snapshot_is_raised_after_training(tmp_path):
    store = BrokenStore(tmp_path)
    with pytest.raises(RuntimeError, match="cannot be stored"), snapshot_params(store):
        write_snapshot(store)


def test_training_error_is_chained_to_the_snapshot_error(tmp_path):
    store = BrokenStore(tmp_path)
    with pytest.raises(ValueError, match="training failed") as info, snapshot_params(store):
        write_snapshot(store, fail=True)
    assert str(info.value.__cause__) == "the state cannot be stored"
