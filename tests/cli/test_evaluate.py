"""The command `evaluate`."""

from __future__ import annotations

import pytest
from sklearn.metrics import mean_squared_error, roc_auc_score

from sktrainer import load
from sktrainer.data.files import read_table
from tests.cli.running import fail, invoke, read_json, succeed


def test_scores_are_those_of_the_scorers_of_the_model(work):
    document = read_json("evaluate", "models/loans", "new.csv")
    new, trainer = read_table("new.csv"), load("models/loans/2/model.skt")
    likely = trainer.predict_proba(new)[:, 1]
    assert document["scores"]["roc_auc"] == roc_auc_score(new["default"] == "yes", likely)
    assert document["scores"]["accuracy"] == trainer.score(new, "default")
    assert document["rows"] == 80
    assert document["target"] == "default"
    tested = trainer.scores_.loc["test"]
    assert document["training_test_scores"]["accuracy"] == tested["accuracy"]
    counts = document["confusion"]["counts"]
    assert document["confusion"]["labels"] == ["no", "yes"]
    assert sum(map(sum, counts)) == 80
    assert [sum(row) for row in counts] == [
        int((new["default"] == label).sum()) for label in ("no", "yes")
    ]


def test_constant_prediction_is_that_of_the_training_rows(work):
    scores = read_json("evaluate", "models/loans", "new.csv")["constant"]
    new, loans = read_table("new.csv"), read_table("loans.csv")
    likely = loans["default"].mode()[0]
    assert scores["accuracy"] == pytest.approx((new["default"] == likely).mean())
    assert scores["roc_auc"] == 0.5


def test_regression_is_scored(work):
    amounts = read_table("amounts.csv").iloc[:50]
    amounts.to_csv("some.csv", index=False)
    document = read_json("evaluate", "models/amounts", "some.csv")
    trainer = load("models/amounts/1/model.skt")
    error = mean_squared_error(amounts["amount"], trainer.predict(amounts)) ** 0.5
    assert document["scores"]["rmse"] == pytest.approx(error)
    assert document["constant"]["r2"] <= 0
    assert document["confusion"] is None


def test_text_has_scores_beside_a_constant_prediction(work):
    lines = succeed("evaluate", "loans.skt", "new.csv").splitlines()
    assert lines[:2] == [
        "HistGradientBoostingClassifier (loans.skt)",
        "new.csv: 80 rows, target 'default'",
    ]
    assert lines[3].split() == ["metric", "score", "constant", "training", "test"]
    assert lines[4].split()[0] == "accuracy"
    assert max(map(len, lines)) <= 60


def test_rows_of_the_training_are_a_warning(work):
    result = invoke("evaluate", "models/loans", "loans.csv")
    assert result.exit_code == 0
    assert "warning: these are the rows that the model was trained on, so" in result.stderr
    assert invoke("evaluate", "models/loans", "new.csv").stderr == ""


def test_new_class_counts_as_wrong(work):
    new = read_table("new.csv")
    new.loc[:3, "default"] = "maybe"
    new.to_csv("classes.csv", index=False)
    document = read_json("evaluate", "loans.skt", "classes.csv")
    [note] = [note for note in document["notes"] if "did not occur" in note]
    assert note.startswith("4 rows have a class that did not occur in training ('maybe')")
    new.assign(default="maybe").to_csv("classes.csv", index=False)
    assert read_json("evaluate", "loans.skt", "classes.csv")["scores"]["accuracy"] == 0


def test_missing_target_is_refused(work):
    new = read_table("new.csv")
    new.loc[3, "default"] = None
    new.to_csv("gap.csv", index=False)
    error = fail("evaluate", "loans.skt", "gap.csv")
    assert "1 of 80 labels. Drop these rows" in error


def test_target_may_have_another_name(work):
    read_table("new.csv").rename(columns={"default": "paid"}).to_csv("paid.csv", index=False)
    document = read_json("evaluate", "loans.skt", "paid.csv", "--target", "paid")
    assert document["scores"] == read_json("evaluate", "loans.skt", "new.csv")["scores"]
    assert "lacks 1 column that loans.skt needs: 'default'" in fail(
        "evaluate", "loans.skt", "paid.csv"
    )
