"""The command `predict`, and the argument MODEL of all commands."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sktrainer import load
from sktrainer.data.files import read_table
from tests.cli.running import fail, invoke, read_json, succeed


def _expected(work: Path, path: str = "models/loans/2/model.skt") -> np.ndarray:
    return load(work / path).predict(read_table(work / "new.csv"))


@pytest.mark.parametrize(
    ("reference", "path"),
    [
        ("models/loans", "models/loans/2/model.skt"),
        ("models/loans/", "models/loans/2/model.skt"),
        ("models/loans/latest", "models/loans/2/model.skt"),
        ("models/loans/1", "models/loans/1/model.skt"),
        ("models/loans@live", "models/loans/1/model.skt"),
        ("models/loans/1/model.skt", "models/loans/1/model.skt"),
        ("loans.skt", "loans.skt"),
    ],
)
def test_predictions_of_the_named_model_are_printed_as_csv(work, reference, path):
    output = succeed("predict", reference, "new.csv")
    assert output.splitlines() == ["prediction", *_expected(work, path)]


def test_probabilities_and_kept_columns_are_added(work):
    succeed("predict", "loans.skt", "new.csv", "--proba", "--keep", "row", "-o", "out.parquet")
    written = read_table(work / "out.parquet")
    new, trainer = read_table("new.csv"), load("loans.skt")
    assert list(written) == ["row", "prediction", "probability_no", "probability_yes"]
    assert written["row"].tolist() == new["row"].tolist()
    assert np.array_equal(written.iloc[:, 2:], trainer.predict_proba(new))


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".jsonl", ".parquet", ".feather"])
def test_batches_give_the_predictions_of_the_whole_table(work, suffix):
    whole, parts = f"whole{suffix}", f"parts{suffix}"
    for name, size in ((whole, 1000), (parts, 7)):
        options = ("--proba", "-o", name, "--batch-size", size)
        succeed("predict", "models/loans", "new.csv", *options)
    pd.testing.assert_frame_equal(read_table(parts), read_table(whole))
    assert read_table(parts)["prediction"].tolist() == _expected(work).tolist()


def test_rows_come_from_standard_input(work):
    content = (work / "new.csv").read_text()
    lines = succeed("predict", "loans.skt", "-", "--json", stdin=content).splitlines()
    rows = [json.loads(line)["prediction"] for line in lines]
    assert rows == _expected(work, "loans.skt").tolist()


def test_regression_is_predicted(work):
    written = succeed("predict", "models/amounts", "amounts.csv").splitlines()
    trainer = load("models/amounts/1/model.skt")
    predicted = trainer.predict(read_table("amounts.csv"))
    assert [float(line) for line in written[1:]] == predicted.tolist()


def test_columns_are_found_by_name_and_others_are_noted(work):
    new = read_table("new.csv")
    new[["b", "row", "a"]].assign(extra=1).to_csv("mixed.csv", index=False)
    result = invoke("predict", "loans.skt", "mixed.csv")
    assert result.stdout == succeed("predict", "loans.skt", "new.csv")
    note = "note: columns of mixed.csv that the model does not use: 'extra'\n"
    assert result.stderr == note


def test_summary_is_json(work):
    document = read_json("predict", "loans.skt", "new.csv", "-o", "out.csv")
    assert document == {"rows": 80, "output": "out.csv"}


def test_failed_prediction_leaves_no_file(work):
    text = (work / "new.csv").read_text().replace("a,b", "A,b")
    (work / "renamed.csv").write_text(text)
    error = fail("predict", "loans.skt", "renamed.csv", "-o", "out.csv")
    assert error.splitlines()[-1] == (
        "error: renamed.csv lacks 1 column that loans.skt needs: 'a'. Did you mean 'A'?"
    )
    assert not (work / "out.csv").exists()


def test_pickle_needs_trust(work):
    error = fail("predict", "loans.joblib", "new.csv")
    assert error == (
        "error: 'loans.joblib' would run any code in it when it is loaded. If you trust its "
        "source, add --trust all\n"
    )
    output = succeed("predict", "loans.joblib", "new.csv", "--trust", "all")
    assert output == succeed("predict", "loans.skt", "new.csv")


def test_folder_of_a_run_names_its_model(work):
    train = ("train", "loans.csv", "--target", "default", "--drop", "row", "--verbose", "0")
    succeed(*train, "--model", "linear", "--checkpoint", "runs/a", "--out", "m.skt")
    output = succeed("predict", "runs/a", "new.csv")
    assert output == succeed("predict", "m.skt", "new.csv")
    (work / "m.skt").unlink()
    assert "m.skt' of the run in 'runs/a' is missing" in fail("predict", "runs/a", "new.csv")
    (work / "runs/a/model_path.txt").unlink()
    error = fail("predict", "runs/a", "new.csv")
    assert "has not saved a model. Finish it with: sktrainer resume runs/a" in error


def test_model_of_a_python_file_needs_trust_and_is_found(work, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    Path("own_cli_model.py").write_text(
        "from sklearn.linear_model import LogisticRegression\n"
        "class Own(LogisticRegression):\n    pass\n"
    )
    model = ("--model", "own_cli_model.py:Own", "--out", "own.skt", "--verbose", "0")
    succeed("train", "loans.csv", "--target", "default", *model)
    sys.modules.pop("own_cli_model")
    sys.path.remove(str(Path.cwd()))
    assert "add --trust own_cli_model.Own" in fail("predict", "own.skt", "new.csv")
    trusted = ("--trust", "own_cli_model.Own")
    assert succeed("predict", "own.skt", "new.csv", *trusted).startswith("prediction\n")
    assert str(Path.cwd()) not in sys.path
    sys.modules.pop("own_cli_model")
