"""Runs from a configuration: the same model as in Python, and the files that they leave."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from sktrainer import (
    ManagedTrainer,
    ParameterError,
    SaveWarning,
    load,
    train_model,
    train_with_cv,
)
from sktrainer.config.reader import load_config


def table(n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "row": np.arange(n),
            "day": pd.date_range("2020-01-01", periods=n).strftime("%Y-%m-%d"),
            "group": rng.integers(0, 30, n),
            "weight": rng.uniform(0.5, 1.5, n),
            "a": rng.normal(size=n),
            "b": rng.choice(["x", "y", "z"], n),
        }
    )
    noise = rng.normal(size=n)
    frame["default"] = np.where(frame["a"] + (frame["b"] == "x") + noise > 0.5, "yes", "no")
    return frame


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    table().to_csv(tmp_path / "loans.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


CONFIG = """\
data: {path: loans.csv, target: default, drop_columns: [row, day, group, weight]}
model: {name: hgb, max_iter: 30}
validation_size: 0.1
random_state: 7
verbose: 0
"""


def test_run_equals_the_same_call_in_python(folder: Path) -> None:
    (folder / "run.yaml").write_text(CONFIG)
    result = train_model(config=folder / "run.yaml")
    X = table()[["a", "b"]]
    expected = train_model(
        HistGradientBoostingClassifier(max_iter=30),
        X,
        table()["default"],
        random_state=7,
        validation_size=0.1,
        save_path=None,
        verbose=0,
    )
    assert np.array_equal(result.predict_proba(X), expected.predict_proba(X))
    assert result.model_path == folder / "models/hist_gradient_boosting_classifier/1/model.skt"


def test_saved_configuration_reproduces_the_model(folder: Path) -> None:
    (folder / "run.yaml").write_text(CONFIG + "cross_validation: {folds: 3}\nreport: r.html\n")
    first = train_model(config="run.yaml")
    assert first.model_path is not None
    second = train_model(config=first.model_path.with_name("config.yaml"))
    X = table()[["a", "b"]]
    assert np.array_equal(first.predict_proba(X), second.predict_proba(X))
    assert second.model_path is not None
    assert second.model_path.parent.name == "2"
    saved = load_config(first.model_path.with_name("config.yaml"))
    again = load_config(second.model_path.with_name("config.yaml"))
    assert saved == again
    assert saved.params["cv"] == 3
    assert (folder / "r.html").read_text().startswith("<!DOCTYPE html>")


def test_configuration_beside_a_file_has_its_name(folder: Path) -> None:
    train_model(config={**_dict(), "save_model": True, "save_path": "loans.skt"})
    assert load_config("loans.yaml").save_path == folder / "loans.skt"
    assert isinstance(load("loans.skt"), ManagedTrainer)


def _dict() -> dict:
    return {
        "data": {
            "path": "loans.csv",
            "target": "default",
            "drop_columns": ["row", "day", "group", "weight"],
        },
        "model": {"name": "linear"},
        "verbose": 0,
        "save_model": False,
    }


def test_arguments_replace_the_configuration(folder: Path) -> None:
    result = train_model(LogisticRegression(C=0.1), config=_dict(), test_size=60)
    assert result.model.estimator.C == 0.1
    assert len(result.model.split_.test) == 60
    X = table()[["a", "b"]].iloc[:200]
    y = table()["default"].iloc[:200]
    passed = train_model(X=X, y=y, config=_dict()).model.split_
    assert len(passed.train) + len(passed.validation) + len(passed.test) == 200


def test_groups_weights_and_times_are_columns(folder: Path) -> None:
    data = {"path": "loans.csv", "target": "default", "drop_columns": ["row"]}
    columns = {"group_column": "group", "weight_column": "weight"}
    grouped = train_model(
        config={**_dict(), "data": {**data, **columns, "drop_columns": ["row", "day"]}}
    )
    split, groups = grouped.model.split_, table()["group"]
    assert not set(groups[split.train]) & set(groups[split.test])
    assert list(grouped.model.feature_names_in_) == ["a", "b"]
    by_time = train_model(config={**_dict(), "data": {**data, "time_column": "day"}})
    split = by_time.model.split_
    assert split.train.max() < split.test.min()


def test_cross_validation_from_a_configuration(folder: Path) -> None:
    result = train_with_cv(config={**_dict(), "cross_validation": {"folds": 4}})
    assert result.cv_results is not None
    assert "split3_test_accuracy" in result.cv_results
    assert result.model.refit is True


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (
            {"path": "loans.csv", "target": "defalt"},
            "'defalt' is not a column of loans.csv. Did",
        ),
        (
            {"path": "loans.csv", "target": "default", "time_column": "dya"},
            "'dya' is not a column",
        ),
        (
            {"path": "loans.csv", "target": "default", "drop_columns": ["c"]},
            "'c' is not a column",
        ),
        (
            {"path": "loans.csv", "target": "default", "drop_columns": ["default"]},
            "'default' is dropped and used",
        ),
        ({"path": "nope.csv", "target": "default"}, "nope.csv"),
        ({"path": "loans.csv"}, "data.target is missing"),
        ({"target": "default"}, "data.path is missing"),
    ],
)
def test_wrong_data_is_refused_before_training(folder: Path, data: dict, reason: str) -> None:
    with pytest.raises(ParameterError) as error:
        train_model(config={**_dict(), "data": data})
    assert reason in str(error.value)
    assert not (folder / "models").exists()


def test_problem_in_the_data_has_the_place_in_the_file(folder: Path) -> None:
    (folder / "run.yaml").write_text("data: {path: loans.csv, target: defalt}\nmodel: hgb\n")
    with pytest.raises(ParameterError, match=r"run.yaml:1:33: 'defalt' is not a column"):
        train_model(config="run.yaml")


def test_checkpoint_folder_contains_the_configuration(folder: Path) -> None:
    config = {**_dict(), "checkpoint": "runs/a"}
    first = train_model(config=config)
    again = train_model(config="runs/a/config.yaml")
    X = table()[["a", "b"]]
    assert np.array_equal(first.predict_proba(X), again.predict_proba(X))


def test_value_that_a_file_cannot_hold_is_a_warning_after_training(folder: Path) -> None:
    with pytest.warns(
        SaveWarning, match="scoring=.* cannot be written in a configuration file"
    ):
        result = train_model(
            config={**_dict(), "save_path": "m.skt", "save_model": True}, scoring=_own
        )
    assert result.model_path == folder / "m.skt"
    assert not (folder / "m.yaml").exists()


def _own(estimator, X, y) -> float:
    return float(np.mean(estimator.predict(X) == y))


def test_trainer_from_a_configuration_infers_the_task(folder: Path) -> None:
    trainer = ManagedTrainer.from_config({**_dict(), "model": "hgb"})
    assert isinstance(trainer.estimator, HistGradientBoostingClassifier)
    X = table()[["a", "b"]]
    assert trainer.fit(X, table()["default"]).score(X, table()["default"]) > 0.6
