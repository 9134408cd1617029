"""Ctrl-C and SIGTERM during a fit."""

from __future__ import annotations

import json
import os
import signal
import warnings

import pytest
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression

from sktrainer import (
    TrainingInterrupted,
)
from sktrainer.checkpoints.state_files import StateFiles
from tests.checkpoints.fits import X, trainer, y
from tests.checkpoints.runs import (
    fit_until_signal,
    outcome,
    table,
    trainer_of,
)
from tests.children import in_child


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
