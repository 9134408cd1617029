"""The command `compare`."""

from __future__ import annotations

import pytest
from sklearn.linear_model import LogisticRegression

from sktrainer import ManagedTrainer, load
from tests.cli.running import fail, invoke, read_json


def test_scores_and_different_parameters_are_shown(work):
    document = read_json("compare", "models/loans/1", "models/loans/2")
    for number, shown in enumerate(document["scores"], start=1):
        tested = load(f"models/loans/{number}/model.skt").scores_.loc["test"]
        assert shown["set"] == "test rows"
        assert shown["values"]["accuracy"] == tested["accuracy"]
    assert document["parameters"] == {"estimator__max_iter": ["5", "8"]}
    assert document["same_data_and_split"]


def test_text_fits_a_narrow_terminal(work):
    result = invoke("compare", "models/loans/1", "models/loans/2")
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["model", "estimator", "scores", "of"]
    assert ["estimator__max_iter", "5", "8"] in [line.split() for line in lines]


def _save(work, loans, name, **params):
    params = {"random_state": 0, "test_size": 0.25, "audit": False, **params}
    ManagedTrainer(LogisticRegression(), **params).fit(loans, "default").save(work / name)


@pytest.mark.parametrize(
    ("drop", "params", "reason"),
    [
        ([0], {}, "were trained on different data (X: had 300 rows, now has 299"),
        ([], {"random_state": 1}, "were scored on different rows"),
        ([], {"test_size": None}, "were scored on different rows"),
        ([], {"test_size": None, "cv": 3}, "were scored on different rows"),
    ],
)
def test_scores_of_other_rows_are_marked(work, loans, drop, params, reason):
    _save(work, loans.drop(index=drop), "other.skt", **params)
    result = invoke("compare", "models/loans", "other.skt")
    assert result.stderr.startswith(f"warning: models/loans and other.skt {reason}")
    assert result.stderr.endswith("so their scores are not comparable\n")
    assert not read_json("compare", "models/loans", "other.skt")["same_data_and_split"]


def test_folds_are_compared(work, loans):
    folds = {"test_size": None, "cv": 3}
    _save(work, loans, "a.skt", **folds)
    _save(work, loans, "b.skt", **folds, scaling=False)
    _save(work, loans, "c.skt", **{**folds, "cv": 4})
    document = read_json("compare", "a.skt", "b.skt")
    assert document["same_data_and_split"]
    assert [each["set"] for each in document["scores"]] == ["mean of folds"] * 2
    assert document["parameters"]["scaling"] == ["'auto'", "False"]
    assert not read_json("compare", "a.skt", "c.skt")["same_data_and_split"]


def test_two_models_are_needed(work):
    assert "Pass at least two models." in fail("compare", "loans.skt")
