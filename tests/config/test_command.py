from __future__ import annotations

import shlex
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold

from sktrainer import ManagedTrainer, load, train_model
from sktrainer.cli.main import cli
from sktrainer.config.command import config_command
from sktrainer.config.document import parse_document

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(200, 3)), columns=["a", "b", "c"]).assign(
    color=RNG.choice(["red", "blue"], 200)
)
Y = np.where(X["a"] + RNG.normal(size=200) > 0, "yes", "no")


def run_in(folder, command):
    """Run the commands as in a shell."""
    program = f"{shlex.quote(sys.executable)} -m sktrainer"
    text = command.replace("sktrainer train", f"{program} train")
    subprocess.run(["bash", "-c", text], cwd=folder, check=True, capture_output=True)


def test_command_of_a_fit_in_python_gives_the_same_model(tmp_path):
    model = LGBMClassifier(n_estimators=20, verbose=-1)
    trainer = ManagedTrainer(model, test_size=0.25, cv=3, audit=False).fit(X, Y)
    assert "with the column target added" in trainer.report_.command
    X.assign(target=Y).to_parquet(tmp_path / "data.parquet")
    run_in(tmp_path, trainer.report_.command)
    again = load(tmp_path / "model.skt")
    assert np.array_equal(again.predict_proba(X), trainer.predict_proba(X))
    assert again.report_.command == "sktrainer train --config run.yaml"


def test_columns_that_were_passed_by_name_are_named():
    table = X.assign(y=Y, id=np.arange(200) // 4)
    trainer = ManagedTrainer(LogisticRegression(), random_state=3, audit=False)
    command = trainer.fit(table, "y", groups="id").report_.command
    assert command.startswith("# data.parquet is the table that was passed to fit\n")
    assert '  target: "y"\n  group_column: "id"\n' in command
    assert "random_state: 3\n" in command


@pytest.mark.parametrize(
    ("trainer", "arguments", "reason"),
    [
        (ManagedTrainer(Ridge(), cv=KFold(3)), {}, "cv=KFold"),
        (ManagedTrainer(Ridge()), {"X_val": X[["a"]], "y_val": X["b"]}, "X_val was passed"),
        (ManagedTrainer(Ridge()), {"y": X[["b", "c"]]}, "y is not one column"),
    ],
)
def test_comment_says_why_there_is_no_command(trainer, arguments, reason):
    trainer.set_params(audit=False, random_state=0)
    command = trainer.fit(X[["a"]], **{"y": X["b"], **arguments}).report_.command
    assert command.startswith("# No command repeats this fit: ")
    assert reason in command


def test_command_line_is_shown_as_it_was_typed(tmp_path):
    table = tmp_path / "my data.csv"
    X.assign(y=Y).to_csv(table, index=False)
    model, page = tmp_path / "m.skt", tmp_path / "r.html"
    arguments = ["train", str(table), "--target", "y", "--out", str(model)]
    arguments += ["--report", str(page), "--model", "linear", "--cv", "3"]
    assert CliRunner().invoke(cli, arguments).exit_code == 0
    expected = shlex.join(["sktrainer", *arguments])
    assert load(model).report_.command == expected
    assert "Command that repeats this fit" in page.read_text(encoding="utf-8")
    assert expected in load(model).report_.full()


def test_run_of_a_configuration_is_repeated_with_its_parameters(tmp_path):
    X.assign(y=Y).to_parquet(tmp_path / "table.parquet")
    config = {
        "data": {"path": str(tmp_path / "table.parquet"), "target": "y"},
        "model": {"name": "forest", "n_estimators": 10},
        "save_path": str(tmp_path / "first.skt"),
        "verbose": 0,
    }
    first = train_model(config=config)
    command = first.report.command
    (tmp_path / "first.skt").unlink()
    run_in(tmp_path, command)
    again = load(tmp_path / "first.skt")
    assert np.array_equal(again.predict_proba(X), first.predict_proba(X))


def test_every_value_is_read_back_as_it_was_written():
    values = {
        "a": {"x y": [1, None, True], "e": {}},
        "s": "1e3",
        "day": "2020-01-01",
        "n": 1e-7,
        "text": 'ä: "#\n',
    }
    text = config_command(values).split("<<'END'\n")[1].rpartition("\nEND")[0]
    assert parse_document(text).values == values
