"""The command `init`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sktrainer.config.reader import load_config
from tests.cli.running import fail, succeed
from tests.cli.tables import write_loans


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    write_loans(tmp_path / "loans.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_written_file_can_be_used(folder: Path) -> None:
    output = succeed("init", "loans.csv", "--target", "default", "--model", "linear")
    assert output == "Wrote run.yaml. Edit it, then run: sktrainer train --config run.yaml\n"
    config = load_config("run.yaml")
    assert (config.data.path, config.data.target) == (folder / "loans.csv", "default")
    assert config.model.name == "linear"
    succeed("train", "--config", "run.yaml", "--verbose", "0")
    assert (folder / "report.html").exists()


def test_data_outside_of_the_folder_of_the_file_is_absolute(folder: Path) -> None:
    succeed("init", "loans.csv", "-o", "configs/run.yaml")
    assert load_config("configs/run.yaml").data.path == folder / "loans.csv"


def test_existing_file_is_replaced_with_force_only(folder: Path) -> None:
    Path("run.yaml").write_text("cv: 3\n")
    assert "'run.yaml' exists. Use another name, or --force" in fail("init", code=2)
    assert Path("run.yaml").read_text() == "cv: 3\n"
    assert json.loads(succeed("init", "--force", "--json")) == {"config": "run.yaml"}
    assert load_config("run.yaml").params["test_size"] == 0.2


def test_dash_prints_the_file(folder: Path) -> None:
    assert succeed("init", "-o", "-").startswith("# Configuration of a training run.")
    assert not Path("run.yaml").exists()
