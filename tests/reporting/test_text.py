from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from sktrainer.reporting.text import folds_text, label_lines, render_summary, text_table


def test_score_table_is_aligned():
    scores = pd.DataFrame(
        {"accuracy": [0.89, 0.86], "roc_auc": [0.9512, 1.0]}, index=["train", "test"]
    )
    lines = text_table(scores).splitlines()
    assert lines == [
        "       accuracy  roc_auc",
        "train     0.890    0.951",
        "test      0.860    1.000",
    ]


def test_wide_table_continues_in_a_second_block():
    wide = pd.DataFrame(np.ones((2, 40)), columns=[f"metric_{i}" for i in range(40)])
    text = text_table(wide)
    assert max(map(len, text.splitlines())) <= 100
    assert "metric_39" in text
    assert "\\" not in text
    assert text.count("\n") > 3


def test_long_table_reports_number_of_omitted_rows():
    assert text_table(pd.DataFrame({"a": range(1234)})).endswith("… 1,214 more rows")


def test_empty_table_is_formatted():
    assert text_table(pd.DataFrame()) == ""
    assert text_table(pd.DataFrame({"a": []})).strip() == "a"


def test_long_text_wraps_with_indentation():
    lines = label_lines([("Name", "word " * 50)]).splitlines()
    assert len(lines) > 1
    assert all(line.startswith("      word") for line in lines[1:])


def test_text_report_shows_every_section(report):
    text = str(report)
    for expected in (
        "LGBMClassifier for classification, 15 January 2026, 10:30",
        "Accuracy 0.940, roc_auc 0.971 on the test rows",
        "no: 900 (90%), yes: 100 (10%)",
        "70% train (700), 10% validation (100), 20% test (200), stratified",
        "smote on the training rows: no: 630, yes: 70 before, 630 each after",
        "Stopped early at round 30 of 1,000 (best 20) in 3.1 s; patience 10 on loss",
        "1 number: as it is; 1 text: category codes",
        "mean std constant computed on accuracy 0.940 0.010 - 2 folds",
        "Confusion matrix (test rows)",
        "3.2 s in total: split 100 ms (CPU 100 ms); fit 3.1 s (CPU 5.9 s, +112 MB)",
        "- Class imbalance",
    ):
        assert expected in " ".join(text.split()), expected
    assert max(map(len, text.splitlines())) <= 100


def test_text_can_be_encoded_in_cp1252(report, regression_report):
    for shown in (report, regression_report):
        assert str(shown).encode("cp1252").decode("cp1252") == str(shown)


def test_unknown_facts_are_omitted(bare_report):
    assert str(bare_report).splitlines() == [
        "Ridge for regression, 15 January 2026, 10:30",
        "Not scored",
    ]


@pytest.mark.parametrize(
    ("fitting", "text"),
    [
        ({"n_iter": None, "stop_reason": "single_fit"}, "Fitted."),
        ({"n_iter": 50, "stop_reason": "max_iter", "iteration": "tree"}, "Ran all 50 trees."),
        ({"n_iter": 1, "stop_reason": "converged"}, "Converged after 1 iteration."),
        (
            {"n_iter": 9, "stop_reason": "max_iter", "iteration": "epoch", "refit_rounds": 9},
            "Ran all 9 epochs; refitted on training and validation rows for 9 epochs.",
        ),
    ],
)
def test_text_states_why_training_stopped(bare_report, fitting, text):
    assert text in str(dataclasses.replace(bare_report, fitting=fitting))


def test_summary_has_at_most_twelve_lines(report, bare_report):
    counts = {f"a class with a long name, number {i}": 10 for i in range(50)}
    names = [f"a_metric_with_a_long_name_{i}" for i in range(20)]
    scores = pd.DataFrame(0.5, index=["train", "validation", "test"], columns=names)
    large = dataclasses.replace(report, data={"class_counts": counts}, scores=scores)
    for shown in (report, large, bare_report):
        lines = render_summary(shown).splitlines()
        assert len(lines) <= 12
        assert max(map(len, lines)) <= 100
    summary = render_summary(report)
    assert "Accuracy 0.940, roc_auc 0.971 on the test rows" in summary
    assert "Data   1,000 rows, 3 columns, target paid; no: 900 (90%), yes: 100 (10%)" in summary
    assert "accuracy  0.991       0.950  0.940" in summary


def test_identifiers_are_not_capitalized(report):
    scores = report.scores[["roc_auc"]]
    text = str(dataclasses.replace(report, scores=scores))
    assert text.splitlines()[1] == "roc_auc 0.971 on the test rows"


def test_attempts_are_shown_by_number(report):
    attempts = pd.DataFrame(
        {
            "attempt": [1, 2],
            "seed": [1234567890, 7],
            "validation_loss": [np.nan, 0.25],
            "seconds": [1.5, 2.25],
            "outcome": ["diverged", "fine"],
            "used": [False, True],
        }
    )
    assert (
        "attempt  seed        seconds  used   loss  outcome\n"
        "1        1234567890    1.500  no        -  diverged\n"
        "2        7             2.250  yes   0.250  fine"
    ) in str(dataclasses.replace(report, attempts=attempts))


def test_narrow_table_of_folds_has_the_columns_that_are_named():
    summary = pd.DataFrame({"mean": [0.9], "std": [0.01], "n_folds": [3], "pooled": [False]})
    text = folds_text(summary.set_axis(["accuracy"]), 3, {}, columns=["mean", "std"])
    assert text.split() == ["mean", "std", "accuracy", "0.900", "0.010"]
