"""The command `train`: options, configuration files, and what is written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sktrainer import load
from sktrainer.cli.main import cli
from sktrainer.config.models import named_models
from sktrainer.config.reader import load_config
from sktrainer.training.parameter_table import PARAMETERS
from tests.cli.running import fail, invoke, succeed
from tests.cli.tables import write_loans


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    write_loans(tmp_path / "loans.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


TRAIN = ("train", "loans.csv", "--target", "default", "--drop", "row")


def test_training_shows_scores_and_the_next_command(folder: Path) -> None:
    output = succeed(*TRAIN, "--model", "linear", "--report", "r.html")
    assert "log_loss" in output
    assert "Report: r.html\n" in output
    path = "models/logistic_regression/1"
    assert f"Configuration: {path}/config.yaml\n" in output
    assert output.endswith(f"Predict with: sktrainer predict {path}/model.skt NEW_DATA\n")
    assert (folder / path / "model.skt").exists()


def test_options_reach_the_trainer_and_the_model(folder: Path) -> None:
    options = ("--set", "C=0.25", "--set", "max_iter=200", "--test-size", "0.3", "--seed", "7")
    more = ("--no-shuffle", "--split", "random", "--scaling", "false", "--imbalance", "none")
    scores = ("--scoring", "[f1, roc_auc]", "--pos-label", "no", "--verbose", "0")
    succeed(*TRAIN, "--model", "linear", *options, *more, *scores, "--out", "m.skt")
    trainer = load("m.skt")
    assert (trainer.estimator.C, trainer.estimator.max_iter) == (0.25, 200)
    assert (trainer.test_size, trainer.random_state, trainer.shuffle) == (0.3, 7, False)
    assert (trainer.scaling, trainer.handle_imbalance) == (False, None)
    assert (trainer.scoring, trainer.pos_label) == (["f1", "roc_auc"], "no")


def test_tracker_records_a_run(folder: Path) -> None:
    output = succeed(*TRAIN, "--model", "linear", "--tracker", "jsonl", "--seed", "7")
    (run,) = (folder / "runs").iterdir()
    assert json.loads((run / "run.json").read_text())["params"]["random_state"] == "7"
    assert f"Recorded in {run}" in output


def test_unknown_tracker_is_refused(folder: Path) -> None:
    assert "Did you mean 'mlflow'?" in fail(*TRAIN, "--tracker", "mlfow")


def test_json_has_paths_and_scores_and_nothing_else_is_printed(folder: Path) -> None:
    result = invoke(*TRAIN, "--model", "linear", "--json")
    document = json.loads(result.stdout)
    assert document["model"] == str(folder / "models/logistic_regression/1/model.skt")
    assert 0.5 < document["scores"]["test"]["roc_auc"] <= 1
    assert document["stop_reason"] == "converged"


def test_options_replace_values_of_the_file(folder: Path) -> None:
    (folder / "run.yaml").write_text(
        "data: {path: loans.csv, target: default, drop_columns: [row]}\n"
        "model: {name: forest, max_depth: 2}\n"
        "cross_validation: {enabled: false, folds: 4}\n"
        "imbalance_handling: {method: smote}\n"
        "early_stopping: {enabled: true, rounds: 30}\n"
        "save_path: m.skt\n"
        "verbose: 0\n"
    )
    succeed("train", "--config", "run.yaml", "--set", "n_estimators=9", "--cv", "2")
    trainer = load("m.skt")
    assert (trainer.estimator.max_depth, trainer.estimator.n_estimators) == (2, 9)
    assert (trainer.cv, trainer.handle_imbalance, trainer.n_iter_no_change) == (
        2,
        "auto_smote",
        30,
    )
    options = (
        "--model",
        "hgb",
        "--imbalance",
        "none",
        "--patience",
        "5",
        "--early-stopping",
        "false",
    )
    succeed("train", "--config", "run.yaml", *options)
    trainer = load("m.skt")
    assert type(trainer.estimator).__name__ == "HistGradientBoostingClassifier"
    assert (trainer.handle_imbalance, trainer.n_iter_no_change) == (None, 5)
    assert (trainer.early_stopping, trainer.cv) == (False, None)


def test_saved_configuration_repeats_the_run(folder: Path) -> None:
    succeed(
        *TRAIN, "--model", "forest", "--set", "n_estimators=5", "--seed", "3", "--out", "a.skt"
    )
    succeed("train", "--config", "a.yaml", "--out", "b.skt")
    X = pd.read_csv("loans.csv")[["a", "b"]]
    assert np.array_equal(load("a.skt").predict_proba(X), load("b.skt").predict_proba(X))
    assert load_config("a.yaml").params == load_config("b.yaml").params


def test_model_is_not_saved_with_a_dash(folder: Path) -> None:
    succeed(*TRAIN, "--model", "linear", "--out", "-")
    assert [path.name for path in folder.iterdir()] == ["loans.csv"]


def test_help_lists_the_models_with_a_short_name() -> None:
    page = " ".join(succeed("train", "--help").split())
    names = [model for model in named_models() if not model.startswith("toy")]
    listed = page.partition("--model MODEL ")[2].partition(", FILE.py:NAME")[0].split(", ")
    assert sorted(listed) == sorted(names)


def test_table_is_read_from_standard_input(folder: Path) -> None:
    text = (folder / "loans.csv").read_text()
    options = ("--target", "default", "--drop", "row", "--model", "linear", "--out", "a.skt")
    succeed("train", "-", *options, stdin=text)
    succeed("train", "loans.csv", *options[:-1], "b.skt")
    X = pd.read_csv("loans.csv")[["a", "b"]]
    assert np.array_equal(load("a.skt").predict_proba(X), load("b.skt").predict_proba(X))


def test_every_parameter_has_an_option() -> None:
    command = cli.get_command(cli.make_context("sktrainer", ["--", "train"]), "train")
    assert command is not None
    names = {param.name for param in command.params}
    assert {parameter.name for parameter in PARAMETERS} <= names


WRONG = {
    "no arguments": (("train",), "Missing argument 'DATA' or option '--config'"),
    "no target": (("train", "loans.csv"), "Missing option '--target', the column to predict"),
    "unknown target": (
        ("train", "loans.csv", "--target", "defalt"),
        "--target: 'defalt' is not a column of loans.csv. Did you mean 'default'?",
    ),
    "unknown time column": (
        (*TRAIN, "--time-column", "dya"),
        "--time-column: 'dya' is not a column of loans.csv",
    ),
    "unknown group column": (
        (*TRAIN, "--group-column", "grp"),
        "--group-column: 'grp' is not a column of loans.csv",
    ),
    "unknown column to drop": (
        (*TRAIN, "--drop", "c"),
        "--drop: 'c' is not a column of loans.csv",
    ),
    "target is dropped": ((*TRAIN, "--drop", "default"), "'default' is dropped and used"),
    "misspelled option": (
        (*TRAIN, "--sede", "3"),
        "There is no option '--sede'. Did you mean '--seed'?",
    ),
    "unknown choice": ((*TRAIN, "--split", "tim"), "'--split': 'tim' is not one of"),
    "unknown model": (
        (*TRAIN, "--model", "lightgmb"),
        "--model: there is no model 'lightgmb'. Did you mean 'lightgbm'?",
    ),
    "missing model file": ((*TRAIN, "--model", "own.py:Own"), "own.py' does not exist"),
    "fraction above one": (
        (*TRAIN, "--test-size", "2.5"),
        "--test-size: test_size must be none, a",
    ),
    "one fold": (
        (*TRAIN, "--cv", "1"),
        "--cv: cv must be none, a number of folds of at least 2",
    ),
    "text as number": (
        (*TRAIN, "--seed", "x"),
        "--seed: random_state must be none, an integer",
    ),
    "no value to set": ((*TRAIN, "--set", "C"), "--set: expected NAME=VALUE, got 'C'"),
    "wrong YAML to set": ((*TRAIN, "--set", "C=[1"), "--set C: '[1' is not a valid value"),
    "unknown parameter to set": (
        (*TRAIN, "--model", "linear", "--set", "max_itr=5"),
        "--set max_itr: LogisticRegression has no parameter 'max_itr'. Did you mean",
    ),
    "unknown metric": ((*TRAIN, "--scoring", "acuracy"), "--scoring: "),
    "report with another suffix": (
        (*TRAIN, "--report", "r.pdf"),
        "--report: report must be a path",
    ),
    "model with another suffix": (
        (*TRAIN, "--out", "m.txt"),
        "--out: save_path must be a folder or",
    ),
    "missing file": (("train", "lons.csv", "--target", "default"), "lons.csv"),
    "folder as data": (("train", ".", "--target", "default"), "folder"),
    "missing configuration": (
        ("train", "--config", "run.yml"),
        "the configuration 'run.yml' does not exist. Create one with: sktrainer init",
    ),
    "folder as configuration": (("train", "--config", "."), "'.' is a directory"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_is_one_line_and_writes_nothing(name: str, folder: Path) -> None:
    arguments, message = WRONG[name]
    error = fail(*arguments, code=2)
    assert message in error
    assert error.count("\n") == 1
    assert error.startswith("error: ")
    assert [path.name for path in folder.iterdir()] == ["loans.csv"]


YAML = {
    "tab": ("data:\n\tpath: a.csv", "run.yaml:2:1: tabs cannot indent lines. Use spaces"),
    "two colons": ("data: path: a", "run.yaml:1:11: unexpected ':'"),
    "anchor bomb": (
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
            for old, new in zip("abcdef", "bcdefg", strict=True)
        ),
        "more than 10,000 values",
    ),
    "code": ("a: !!python/object/apply:os.system ['ls']", "run.yaml:1:4: the tag"),
    "unknown key": ("tset_size: 0.1", "run.yaml:1:1: unknown key 'tset_size'. Did you mean"),
    "key twice": ("cv: 2\ncv: 3", "run.yaml:2:1: 'cv' is set twice"),
    "text for bool": ("shuffle: yes", "run.yaml:1:10: shuffle must be true or false"),
    "unset variable": (
        "save_path: $SKTRAINER_UNSET",
        "run.yaml:1:12: the environment variable",
    ),
    "contradiction": (
        "stratify: true\nsplit: random",
        "run.yaml:1:11: stratify=true contradicts",
    ),
    "binary file": ("PK\x00\x01", "run.yaml"),
}


@pytest.mark.parametrize("name", YAML)
def test_wrong_configuration_is_one_line_with_its_place(name: str, folder: Path) -> None:
    text, message = YAML[name]
    (folder / "run.yaml").write_text(text)
    error = fail("train", "loans.csv", "--target", "default", "--config", "run.yaml", code=2)
    assert message in error
    assert error.count("\n") == 1


def test_all_mistakes_of_options_are_shown_at_once(folder: Path) -> None:
    wrong = ("--test-size", "2.5", "--cv", "1", "--seed", "x", "--model", "forst")
    error = fail(*TRAIN, *wrong, code=2)
    assert error.count("\n") == 4
