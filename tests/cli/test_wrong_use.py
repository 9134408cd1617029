"""Wrong uses of the commands: each gives one line that says what to do."""

from __future__ import annotations

import gzip
import json
import shutil
import zipfile
from pathlib import Path

import pytest
from sklearn.linear_model import Ridge

from sktrainer import ManagedTrainer
from sktrainer.data.files import read_table
from tests.cli.running import fail


def _write_later_version(work: Path) -> None:
    """Write a model file that claims to be of a later version."""
    later = work / "later.skt"
    with zipfile.ZipFile(work / "loans.skt") as old, zipfile.ZipFile(later, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "manifest.json":
                content = json.dumps({**json.loads(content), "format_version": 999}).encode()
            new.writestr(name, content)


def _write_files(work: Path) -> None:
    """Write the files of the table below."""
    new = (work / "new.csv").read_text()
    header, rows = new.split("\n", 1)
    changed = {
        "renamed.csv": new.replace("row,a,b", "row,a,B2"),
        "fewer.csv": "\n".join(line.rsplit(",", 2)[0] for line in new.splitlines()),
        "header.csv": f"{header}\n",
        "empty.csv": "",
        "no_header.csv": "\n".join(f"0.{n},1.{n},2.5" for n in range(9)),
        "spaces.csv": "a b c\n1 2 3\n",
        "twice.csv": new.replace("row,a,b", "a,a,b"),
        "long.csv": f"{header}\n{rows.replace('x', 'x,9', 1)}",
        "quote.csv": f"{header}\n{rows.replace('x', chr(34) + 'x', 1)}",
        "classes.csv": f"{header}\n1,0.5,x,\n2,0.5,y,yes\n",
        "one_class.csv": f"{header}\n" + "".join(f"{n},0.5,x,yes\n" for n in range(30)),
        "bad.jsonl": '{"a": 1}\n{"a": \n',
        "table.xml": "<a/>",
        "text.skt": "no model",
        "words.csv": new.replace("row,a,b", "row,b,a"),
    }
    for name, text in changed.items():
        (work / name).write_text(text)
    (work / "binary.csv").write_bytes(b"\x7fELF\x02\x01\x00\x00\x00")
    (work / "model.csv").write_bytes((work / "loans.skt").read_bytes())
    (work / "wrong.parquet").write_text(new)
    (work / "cut.csv.gz").write_bytes(gzip.compress(new.encode())[:-20])
    (work / "cut.skt").write_bytes((work / "loans.skt").read_bytes()[:-200])
    _write_later_version(work)
    (work / "folder").mkdir()
    (work / "models/loans/2/model.skt").write_bytes((work / "loans.skt").read_bytes())
    frame = read_table(work / "amounts.csv")
    trainer = ManagedTrainer(Ridge(), audit=False).fit(frame[["a"]], frame["amount"].array)
    trainer.save(work / "nameless.joblib")


PREDICT, EVALUATE = ("predict", "loans.skt"), ("evaluate", "loans.skt")
CV = ("cv", "loans.csv", "--target", "default")
INSPECT = ("inspect", "new.csv", "--target")

WRONG = {
    # The command line
    "misspelt command": (("predct",), "There is no command 'predct'. Did you mean 'predict'?"),
    "misspelt sub-command": (("models", "lst"), "no command 'lst'. Did you mean 'list'?"),
    "misspelt option": (
        (*PREDICT, "new.csv", "--prob"),
        "There is no option '--prob'. Did you mean '--proba'? See: sktrainer predict --help",
    ),
    "misspelt option of the program": (("--vesion",), "Did you mean '--version'?"),
    "missing argument": (PREDICT, "Missing argument 'DATA'. See: sktrainer predict --help"),
    "too many arguments": ((*PREDICT, "new.csv", "b.csv"), "extra argument (b.csv)"),
    "option without value": ((*PREDICT, "new.csv", "-o"), "'-o' requires an argument"),
    "batch of no rows": ((*PREDICT, "new.csv", "--batch-size", "0"), "0 is not in the range"),
    "text as a number": ((*PREDICT, "new.csv", "--batch-size", "x"), "'x' is not a valid int"),
    "unknown shell": (("completion", "csh"), "'csh' is not one of 'bash', 'zsh', 'fish'"),
    "one model to compare": (("compare", "loans.skt"), "Pass at least two models."),
    "nothing to keep": (("models", "prune", "models/loans"), "Missing option '--keep'"),
    "no target to inspect": (("inspect", "new.csv"), "Missing option '--target'"),
    # Tables
    "missing file": ((*PREDICT, "nw.csv"), "'nw.csv' does not exist. Did you mean 'new.csv'?"),
    "web address": (
        (*PREDICT, "https://example.org/new.csv"),
        "is a web address. Download the file, or pipe it into the command with - as DATA",
    ),
    "missing folder": ((*PREDICT, "data/new.csv"), "there is no folder 'data'"),
    "folder as data": ((*PREDICT, "folder"), "'folder' is a folder. Pass the path of a file"),
    "empty file": ((*PREDICT, "empty.csv"), "'empty.csv' is empty. Pass a table"),
    "header only": ((*PREDICT, "header.csv"), "'header.csv' has a header but no rows"),
    "no header": ((*PREDICT, "no_header.csv"), "has no column names"),
    "no delimiter": ((*PREDICT, "spaces.csv"), "has no delimiter that divides its rows"),
    "repeated names": ((*PREDICT, "twice.csv"), "has several columns named 'a'"),
    "long row": ((*PREDICT, "long.csv"), "fields, but the header has 4 names"),
    "open quote": ((*PREDICT, "quote.csv"), "Check the quotation marks"),
    "binary file": ((*PREDICT, "binary.csv"), "'binary.csv' contains binary data"),
    "model as data": ((*PREDICT, "model.csv"), "'model.csv' contains"),
    "wrong suffix": ((*PREDICT, "wrong.parquet"), "'wrong.parquet' is not a Parquet file"),
    "unknown suffix": ((*PREDICT, "table.xml"), "has the suffix '.xml', expected one of .csv"),
    "truncated file": ((*PREDICT, "cut.csv.gz"), "'cut.csv.gz' is truncated or damaged"),
    "invalid JSON": ((*PREDICT, "bad.jsonl"), "'bad.jsonl', line 2: not valid JSON"),
    # Columns
    "renamed column": (
        (*PREDICT, "renamed.csv", "-o", "o.csv"),
        "renamed.csv lacks 1 column that loans.skt needs: 'b'. Did you mean 'B2'?",
    ),
    "missing columns": ((*PREDICT, "fewer.csv"), "fewer.csv lacks 1 column that loans.skt"),
    "unknown column to keep": (
        (*PREDICT, "new.csv", "--keep", "rwo"),
        "needs: 'rwo'. Rename or add them",
    ),
    "kept column like an output": (
        (*PREDICT, "new.csv", "--keep", "prediction"),
        "--keep prediction: the output has a column of this name",
    ),
    "unknown target": ((*EVALUATE, "new.csv", "--target", "defalt"), "'defalt'"),
    "target with a missing value": ((*EVALUATE, "classes.csv"), "1 of 2 labels. Drop these"),
    "unknown target to inspect": ((*INSPECT, "defalt"), "Did you mean 'default'?"),
    "unknown time column": (
        (*INSPECT, "default", "--time-column", "dy"),
        "--time-column: 'dy'",
    ),
    "one class": (("inspect", "one_class.csv", "--target", "default"), "at least 2 classes"),
    "strings as numbers": ((*INSPECT, "default", "--task", "regression"), "must be numeric"),
    # Models
    "missing model": (("predict", "loan.skt", "new.csv"), "Did you mean 'loans.skt'?"),
    "table as model": (("predict", "new.csv", "new.csv"), "a model file ends in .skt"),
    "folder as model": (("predict", "folder", "new.csv"), "is a folder without a model"),
    "store as model": (("predict", "models", "new.csv"), "Choose one: models/amounts, "),
    "misspelt model": (("predict", "models/loan", "new.csv"), "Did you mean 'loans'?"),
    "missing version": (("predict", "models/loans/9", "new.csv"), "Available versions: 1, 2"),
    "missing tag": (("predict", "models/loans@x", "new.csv"), "its tags: '@live'"),
    "changed model": (("predict", "models/loans/2", "new.csv"), "was changed after it was"),
    "truncated model": (("predict", "cut.skt", "new.csv"), "'cut.skt' cannot be loaded"),
    "no model in the file": (("predict", "text.skt", "new.csv"), "'text.skt' cannot be loaded"),
    "model of a later version": (("predict", "later.skt", "new.csv"), "upgrade sktrainer"),
    "model without trust": (("predict", "loans.joblib", "new.csv"), "add --trust all"),
    "probabilities of a regression": (
        ("predict", "models/amounts", "amounts.csv", "--proba"),
        "--proba: models/amounts predicts no probabilities",
    ),
    "probabilities of another model": (
        ("predict", "models/linear", "new.csv", "--proba"),
        "--proba: models/linear predicts no probabilities",
    ),
    "model without a target": (
        ("evaluate", "nameless.joblib", "amounts.csv", "--trust", "all"),
        "does not record the name of its target. Pass --target COLUMN.",
    ),
    "missing store": (("models", "list", "modls"), "there is no folder 'modls'"),
    "missing versions to show": (("models", "show", "models/x"), "has no model 'x'"),
    "invalid tag": (("models", "tag", "models/loans", "a b"), "tag must have 1 to 100 letters"),
    "version to prune": (
        ("models", "prune", "models/loans/1", "--keep", "1"),
        "is one version",
    ),
    "target is a feature": (
        (*EVALUATE, "new.csv", "--target", "a"),
        "'a' is a column that loans.skt takes",
    ),
    # Training
    "no folds": ((*CV, "--cv", "none"), "--cv none gives no folds"),
    "groups without a column": ((*CV, "--split", "group"), "Pass --group-column COLUMN"),
    "weights are text": ((*CV, "--weight-column", "b"), "sample_weight must be numbers"),
    "parameter of another type": (
        (*CV, "--set", "max_iter=many"),
        "'max_iter' parameter of HistGradientBoostingClassifier must be an int",
    ),
    "web address to train on": (
        ("train", "https://example.org/a.csv", "--target", "a"),
        "is a web address. Download the file",
    ),
    "unknown target for a configuration": (
        ("init", "loans.csv", "--target", "defualt"),
        "'defualt' is not a column of loans.csv. Did you mean 'default'?",
    ),
    # Outputs
    "output with another suffix": (
        (*PREDICT, "new.csv", "-o", "o.xlsx"),
        "must end in .csv, .csv.gz, .jsonl, .parquet, .feather",
    ),
    "report with another suffix": (
        ("report", "loans.skt", "-o", "r.pdf"),
        "must end in .html or",
    ),
}
RUN_FAILED = {
    "output is a folder": ((*PREDICT, "new.csv", "-o", "folder.csv"), "it is a folder"),
    "output below a file": (
        (*PREDICT, "new.csv", "-o", "new.csv/o.csv"),
        "new.csv' is a file, not a folder. Use another path",
    ),
}


@pytest.fixture(scope="module")
def prepared(trained, tmp_path_factory) -> Path:
    """Folder with all files of the table. No command changes it."""
    folder = tmp_path_factory.mktemp("wrong") / "work"
    shutil.copytree(trained, folder)
    _write_files(folder)
    return folder


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_is_one_line_and_exits_with_two(name, prepared, monkeypatch):
    monkeypatch.chdir(prepared)
    before = sorted(prepared.rglob("*"))
    arguments, message = WRONG[name]
    *notes, error = fail(*arguments).splitlines()
    assert message in error
    assert error.startswith("error: ")
    assert all(note.startswith("note: ") for note in notes)
    assert sorted(prepared.rglob("*")) == before


@pytest.mark.parametrize("name", RUN_FAILED)
def test_failed_run_is_one_line_and_exits_with_one(name, work):
    (work / "folder.csv").mkdir()
    arguments, message = RUN_FAILED[name]
    error = fail(*arguments, code=1)
    assert message in error
    assert error.count("\n") == 1
