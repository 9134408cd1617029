"""Configurations: every key, and all mistakes at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from sktrainer import Checkpoint, ParameterError
from sktrainer.config.keys import KEYS
from sktrainer.config.reader import load_config
from sktrainer.training.parameter_table import BY_NAME

COMPLETE = """\
data: {path: loans.csv, target: default, time_column: issued}
model: {name: lightgbm, n_estimators: 2000, learning_rate: 0.05}
test_size: 0.2
validation_size: 0.1
stratify: true
shuffle: true
random_state: 42
cross_validation: {enabled: false, folds: 5, strategy: stratified}
imbalance_handling: {auto_detect: true, method: class_weight}
early_stopping: {enabled: true, rounds: 50}
save_model: true
save_path: models/
verbose: 1
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run.yaml"


def problems(path: Path, text: str) -> list[str]:
    """Return the problems of a file, with its name instead of its path."""
    path.write_text(text)
    with pytest.raises(ParameterError) as error:
        load_config(path)
    return [problem.replace(str(path), path.name) for problem in error.value.problems]


def test_complete_file_is_read(file: Path) -> None:
    file.write_text(COMPLETE)
    config = load_config(file)
    assert config.data.path == file.parent / "loans.csv"
    assert config.data.target == "default"
    assert config.model.name == "lightgbm"
    assert config.model.params == {"n_estimators": 2000, "learning_rate": 0.05}
    assert config.save_path == file.parent / "models"
    assert config.params == {
        "test_size": 0.2,
        "validation_size": 0.1,
        "shuffle": True,
        "random_state": 42,
        "verbose": 1,
        "time_column": "issued",
        "handle_imbalance": "auto",
        "early_stopping": True,
        "n_iter_no_change": 50,
    }


@pytest.mark.parametrize("line", COMPLETE.splitlines())
def test_each_part_of_the_complete_file_is_valid_alone(file: Path, line: str) -> None:
    file.write_text(line)
    load_config(file)


def test_each_parameter_of_the_trainer_is_a_key() -> None:
    defaults = {name: parameter.default for name, parameter in BY_NAME.items()}
    assert load_config(defaults).params == defaults


def test_all_mistakes_are_reported_with_their_lines(file: Path) -> None:
    assert problems(
        file,
        "data: {targt: a, weight_column: 3}\n"
        "model: {name: forest, max_dept: 3}\n"
        "tset_size: 0.2\n"
        "test_size: 1.5\n"
        "shuffle: 3\n"
        "stratify: yes\n"
        "cross_validation: {folds: 1, strategy: stratifid}\n"
        "imbalance_handling: smote\n"
        "split: grup\n"
        "checkpoint: {folder: runs/a, evry: 3}\n"
        "report: r.pdf\n"
        "save_path: model.txt\n"
        "folds: 3\n"
        "n_estimators: 5\n",
    ) == [
        "run.yaml:1:8: unknown key 'targt' in data. Did you mean 'target'?",
        "run.yaml:1:33: data.weight_column must be a column name, got 3",
        (
            "run.yaml:2:23: RandomForestClassifier has no parameter 'max_dept'. Did you mean "
            "'max_depth'?"
        ),
        "run.yaml:3:1: unknown key 'tset_size'. Did you mean 'test_size'?",
        (
            "run.yaml:4:12: test_size must be null, a fraction between 0 and 1 (both excluded) "
            "or a number of rows of at least 1, got 1.5"
        ),
        "run.yaml:5:10: shuffle must be true or false, got 3",
        "run.yaml:6:11: stratify must be true or false without quotes, got 'yes'",
        "run.yaml:7:27: cross_validation.folds must be an integer of at least 2, got 1",
        (
            "run.yaml:7:40: cross_validation.strategy must be kfold, stratified, group, "
            "timeseries, got 'stratifid'. Did you mean 'stratified'?"
        ),
        "run.yaml:8:21: imbalance_handling must be a section with the keys auto_detect, method",
        (
            "run.yaml:9:8: split must be 'auto', 'random', 'stratified', 'group', 'time' or a "
            "splitter, got 'grup'. Did you mean 'group'?"
        ),
        "run.yaml:10:30: unknown key 'evry' in checkpoint. Did you mean 'every'?",
        "run.yaml:11:9: report must be a path that ends in .html, got 'r.pdf'",
        "run.yaml:12:12: save_path must be a folder or a file that ends in .skt, .joblib, .pkl",
        "run.yaml:13:1: unknown key 'folds'. Did you mean cross_validation.folds?",
        (
            "run.yaml:14:1: unknown key 'n_estimators'. Parameters of the model belong in the "
            "section model"
        ),
    ]


@pytest.mark.parametrize("key", [key for key in KEYS if key.section != "model"])
def test_value_of_a_wrong_type_names_key_and_place(file: Path, key) -> None:
    text = (
        f"{key.section}: {{{key.name}: {{a: 1}}}}" if key.section else f"{key.name}: {{a: 1}}"
    )
    (problem,) = problems(file, text)
    assert f"{key.title} must be {key.expected}, got {{'a': 1}}" in problem


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        (
            "early_stopping: {rounds: 20}\nn_iter_no_change: 30",
            "1:26",
            "are the same parameter",
        ),
        ("cv: 3\ncross_validation: {folds: 5}", "2:27", "are the same parameter"),
        (
            "handle_imbalance: smote\nimbalance_handling: {method: oversample}",
            "2:30",
            "the same",
        ),
        ("time_column: a\ndata: {time_column: b}", "2:21", "are the same parameter"),
        (
            "split: group\ncross_validation: {strategy: kfold}",
            "2:30",
            "contradicts split='group'",
        ),
        (
            "data: {time_column: a}\ncross_validation: {strategy: kfold}",
            "2:30",
            "contradicts time_column='a'",
        ),
        ("cross_validation: {strategy: group}", "1:30", "needs data.group_column"),
        ("stratify: true\nsplit: random", "1:11", "stratify=true contradicts split"),
        (
            "stratify: true\ncross_validation: {strategy: kfold}",
            "1:11",
            "contradicts cross_validation.strategy",
        ),
        ("stratify: false\nsplit: stratified", "1:11", "stratify=false contradicts split"),
        (
            "stratify: false\ncross_validation: {strategy: stratified}",
            "1:11",
            "stratify=false contradicts cross_validation.strategy",
        ),
        ("model: {n_estimators: 5}", "1:1", "model.name is missing"),
        ("checkpoint: {every: 5}", "1:13", "checkpoint must be a folder, or a section"),
        ("data: {path: $SKTRAINER_UNSET/a.csv}", "1:14", "'SKTRAINER_UNSET' is not set"),
    ],
)
def test_contradiction_is_refused(file: Path, text: str, place: str, reason: str) -> None:
    (problem,) = problems(file, text)
    assert problem.startswith(f"run.yaml:{place}: ")
    assert reason in problem


@pytest.mark.parametrize(
    ("config", "params"),
    [
        ({"stratify": True}, {}),
        ({"stratify": False}, {"split": "random"}),
        ({"stratify": False, "data": {"time_column": "t"}}, {"time_column": "t"}),
        ({"stratify": False, "data": {"group_column": "g"}}, {}),
        ({"early_stopping": "auto"}, {"early_stopping": "auto"}),
        ({"early_stopping": False}, {"early_stopping": False}),
        (
            {"early_stopping": {"enabled": False, "rounds": 5}},
            {"early_stopping": False, "n_iter_no_change": 5},
        ),
        ({"cross_validation": {"enabled": False, "strategy": "kfold"}}, {}),
        ({"cross_validation": {"folds": 3}}, {"cv": 3}),
        ({"cross_validation": {"strategy": "kfold"}}, {"cv": 5, "split": "random"}),
        ({"cross_validation": {"strategy": "stratified"}}, {"cv": 5}),
        ({"cross_validation": {"strategy": "timeseries"}}, {"cv": 5, "split": "time"}),
        (
            {"data": {"group_column": "g"}, "cross_validation": {"strategy": "group"}},
            {"cv": 5, "split": "group"},
        ),
        ({"imbalance_handling": {}}, {"handle_imbalance": "auto"}),
        ({"imbalance_handling": {"method": None}}, {"handle_imbalance": None}),
        ({"imbalance_handling": {"method": "smote"}}, {"handle_imbalance": "auto_smote"}),
        (
            {"imbalance_handling": {"method": "smote", "auto_detect": False}},
            {"handle_imbalance": "smote"},
        ),
        ({"time_column": "t", "data": {"time_column": "t"}}, {"time_column": "t"}),
    ],
)
def test_sections_become_parameters(config: dict, params: dict) -> None:
    assert load_config(config).params == params


def test_paths_refer_to_the_folder_of_the_file(file: Path, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SKTRAINER_DATA", "tables")
    file.write_text(
        "data: {path: '${SKTRAINER_DATA}/a.csv'}\nsave_path: ~/m.skt\nreport: r.html\n"
        "checkpoint: {folder: runs/a, every: 5}"
    )
    config = load_config(file)
    assert config.data.path == tmp_path / "tables" / "a.csv"
    assert config.save_path == Path.home() / "m.skt"
    assert config.report == tmp_path / "r.html"
    assert config.params["checkpoint"] == Checkpoint(str(tmp_path / "runs/a"), every=5)


def test_paths_of_a_dict_refer_to_the_working_directory(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config({"data": {"path": "a.csv"}, "save_model": False})
    assert config.data.path == tmp_path / "a.csv"
    assert config.save_path is None


def test_model_may_be_a_name_only() -> None:
    assert load_config({"model": "forest"}).model.name == "forest"


def test_problem_of_a_dict_names_the_section() -> None:
    with pytest.raises(ParameterError) as error:
        load_config({"model": {"name": "forest", "max_dept": 1}, "test_size": 2.5})
    assert error.value.problems[0].startswith("test_size must be None, a fraction")
    assert error.value.problems[1].startswith("model: RandomForestClassifier has no parameter")
