"""Tests of the log of one fit."""

from __future__ import annotations

import pytest

from sktrainer import DataWarning
from sktrainer.training.log import FitLog


def test_seconds_add_up_stages_and_cover_the_whole_fit():
    log = FitLog()
    for stage in ("prepare", "fit", "fit"):
        with log.stage(stage):
            pass
    assert log.stages()["stage"].tolist() == ["prepare", "fit"]
    assert 0 < log.seconds("fit") < log.seconds("prepare", "fit") < log.seconds()
    assert log.seconds("refit") == 0.0


def test_warning_is_also_a_note():
    log = FitLog()
    log.add_notes("first", "second")
    with pytest.warns(DataWarning, match="third"):
        log.add_warning("third", DataWarning)
    assert log.notes == ["first", "second", "third"]


def test_iterations_are_shown_only_if_verbose(capsys):
    with FitLog(0).iterations("Model", 3) as display:
        assert display is None
    with FitLog(2).iterations("Model", 3) as display:
        display(1, {"train": {"loss": 0.5}})
    assert "1/3" in capsys.readouterr().out
