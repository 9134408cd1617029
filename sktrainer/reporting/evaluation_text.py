"""Sentences on thresholds, calibration and errors of the evaluated predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from sktrainer.reporting.content import ErrorSummary, EvaluationSection, ReportContent
from sktrainer.reporting.formats import format_number


class ThresholdScores(NamedTuple):
    """Scores of the positive class at one threshold."""

    threshold: float
    precision: float
    recall: float
    f1: float


def best_f1(thresholds: Mapping[str, Sequence[float]]) -> ThresholdScores:
    """Return the threshold with the highest F1.

    Examples
    --------
    >>> best_f1(
    ...     {
    ...         "threshold": [0.9, 0.4],
    ...         "precision": [1.0, 0.8],
    ...         "recall": [0.5, 1.0],
    ...         "f1": [0.67, 0.89],
    ...     }
    ... )
    ThresholdScores(threshold=0.4, precision=0.8, recall=1.0, f1=0.89)
    """
    best = int(np.argmax(thresholds["f1"]))
    return ThresholdScores(*(thresholds[name][best] for name in ThresholdScores._fields))


def describe_evaluation(report: ReportContent) -> list[tuple[str, str]]:
    """Return a label and a sentence for each part that is known."""
    section = report.evaluation
    rows = []
    if section.get("thresholds"):
        rows.append(("Threshold", describe_thresholds(report)))
    if section.get("calibration"):
        rows.append(("Calibration", describe_calibration(section)))
    for errors in section.get("errors", []):
        name = f" of {errors['output']}" if errors["output"] else ""
        rows.append(("Errors", f"absolute error{name} {describe_errors(errors)}"))
    return rows


def describe_thresholds(report: ReportContent) -> str:
    """Describe the threshold with the highest F1."""
    section = report.evaluation
    best = best_f1(section["thresholds"])
    label = section["curves"][0]["label"]
    return (
        f"class {label}: F1 is highest at {format_number(best.threshold)}, with precision "
        f"{format_number(best.precision)}, recall {format_number(best.recall)}, "
        f"F1 {format_number(best.f1)} on the same {section.get('source', '')} rows"
    )


def describe_calibration(section: EvaluationSection) -> str:
    """Describe the mean difference between predicted probability and observed share.

    It is the expected calibration error of bins with equally many rows.

    Examples
    --------
    >>> bins = {"predicted": [0.1, 0.9], "observed": [0.2, 0.9], "rows": [50, 50]}
    >>> describe_calibration({"calibration": bins, "source": "test"})
    'probabilities differ from observed shares by 0.0500 on average (2 bins of test rows)'
    """
    bins = section["calibration"]
    gaps = np.abs(np.subtract(bins["predicted"], bins["observed"]))
    mean = float(np.average(gaps, weights=bins["rows"]))
    return (
        f"probabilities differ from observed shares by {format_number(mean)} on average "
        f"({len(gaps)} bins of {section.get('source', '')} rows)"
    )


def describe_errors(errors: ErrorSummary) -> str:
    """Describe the quantiles of the absolute error.

    Examples
    --------
    >>> describe_errors({"absolute_error": {"50%": 1.0, "100%": 7.5}})
    'at most 1.00 for 50% of the rows, 7.50 for 100%'
    """
    sizes = errors["absolute_error"].items()
    parts = [f"{format_number(size)} for {share}" for share, size in sizes]
    parts[0] += " of the rows"
    return f"at most {', '.join(parts)}"
