from __future__ import annotations

import dataclasses

from sktrainer.reporting.evaluation_text import describe_evaluation


def test_thresholds_name_the_class_and_the_rows(report):
    evaluation = {
        "source": "out-of-fold",
        "curves": [{"label": "yes"}],
        "thresholds": {
            "threshold": [0.8, 0.3],
            "precision": [1.0, 0.75],
            "recall": [0.2, 0.6],
            "f1": [0.3333, 0.6667],
        },
    }
    expected = (
        "class yes: F1 is highest at 0.300, with precision 0.750, recall 0.600, F1 0.667 "
        "on the same out-of-fold rows"
    )
    shown = dataclasses.replace(report, evaluation=evaluation)
    assert describe_evaluation(shown) == [("Threshold", expected)]


def test_errors_of_each_output_are_listed(regression_report):
    errors = [
        {"output": name, "absolute_error": {"50%": 1.0, "95%": 3.0}}
        for name in ("", "output 1")
    ]
    shown = dataclasses.replace(regression_report, evaluation={"errors": errors})
    first, second = describe_evaluation(shown)
    assert first == ("Errors", "absolute error at most 1.00 for 50% of the rows, 3.00 for 95%")
    assert second[1].startswith("absolute error of output 1 at most")


def test_report_without_evaluation_has_no_lines(bare_report):
    assert describe_evaluation(bare_report) == []
