"""The command `cv`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sktrainer import ManagedTrainer, load
from tests.cli.running import fail, invoke, succeed
from tests.cli.tables import write_loans

CV = ("cv", "loans.csv", "--target", "default", "--drop", "row", "--model", "linear")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    write_loans(tmp_path / "loans.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_five_folds_are_shown_and_nothing_is_saved(folder: Path) -> None:
    output = succeed(*CV)
    assert "fold 5/5" in output
    assert "Scores over 5 folds" in output
    assert [path.name for path in folder.iterdir()] == ["loans.csv"]


def test_model_is_saved_with_out(folder: Path) -> None:
    succeed(*CV, "--cv", "3", "--out", "m.skt", "--verbose", "0")
    trainer = load("m.skt")
    assert isinstance(trainer, ManagedTrainer)
    assert (trainer.cv, trainer.refit, trainer.test_size) == (3, True, None)


def test_json_has_the_mean_of_the_folds(folder: Path) -> None:
    document = json.loads(invoke(*CV, "--json").stdout)
    assert document["model"] is None
    assert 0.5 < document["cv_summary"]["roc_auc"]["mean"] <= 1


def test_test_size_is_refused(folder: Path) -> None:
    assert "There is no option '--test-size'" in fail(*CV, "--test-size", "0.2", code=2)
