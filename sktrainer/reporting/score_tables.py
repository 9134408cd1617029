"""Tables of scores: one row per metric, and the score of a constant prediction beside each."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan

import pandas as pd

from sktrainer.reporting.formats import MISSING, format_column, format_number

CONSTANT = "constant"
INTERVAL = "95% interval"


def scores_table(
    scores: pd.DataFrame,
    baseline: pd.DataFrame,
    names: Mapping[str, str],
    intervals: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return scores for display, with one row per metric and one column per set.

    The constant prediction and the interval are those of the last set.

    Parameters
    ----------
    scores, baseline : DataFrame
        One row per set and one column per metric. `baseline`, which may be empty, holds the
        scores of a constant prediction.
    names : mapping of str to str
        Displayed names of metrics that are displayed under another name.
    intervals : DataFrame or None, default=None
        Columns `low` and `high` of the last set's scores, indexed by metric.

    Examples
    --------
    >>> scores = pd.DataFrame({"f1": [0.81], "mae": [1234.5]}, index=["test"])
    >>> print(scores_table(scores, scores * 0.5, {"f1": "f1 ('bad')"}))
                 test constant
    f1 ('bad')  0.810    0.405
    mae         1,234      617
    """
    columns = [str(name) for name in scores.index]
    last = columns[-1] if columns else ""
    has_baseline = last in baseline.index
    rows = {}
    for metric in scores.columns:
        values = [float(value) for value in scores[metric]]
        if has_baseline:
            values.append(float(baseline.loc[last, metric]))  # type: ignore[arg-type]
        # The digits are those of one metric, because metrics have different magnitudes.
        cells = format_column(values)
        if intervals is not None:
            cells.append(interval_text(intervals, str(metric)))
        rows[names.get(metric, str(metric))] = cells
    columns += [CONSTANT] if has_baseline else []
    columns += [f"{last} {INTERVAL}"] if intervals is not None else []
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def interval_text(intervals: pd.DataFrame | None, metric: str) -> str:
    """Return an interval as text, or "-" if there is none.

    Examples
    --------
    >>> intervals = pd.DataFrame({"low": [0.8123], "high": [0.9]}, index=["f1"])
    >>> interval_text(intervals, "f1"), interval_text(intervals, "mae")
    ('0.812 to 0.900', '-')
    """
    if intervals is None or metric not in intervals.index:
        return MISSING
    bounds = [float(intervals[side].to_dict()[metric]) for side in ("low", "high")]
    return " to ".join(format_column(bounds)) if not isnan(sum(bounds)) else MISSING


def folds_summary(
    summary: pd.DataFrame, n_folds: int, names: Mapping[str, str]
) -> pd.DataFrame:
    """Return the mean scores of the folds for display, with one row per metric.

    Examples
    --------
    >>> summary = pd.DataFrame(
    ...     {
    ...         "mean": [0.9],
    ...         "std": [0.01],
    ...         "constant": [0.5],
    ...         "n_folds": [9],
    ...         "pooled": [False],
    ...         "low": [0.88],
    ...         "high": [0.92],
    ...     },
    ...     index=["accuracy"],
    ... )
    >>> print(folds_summary(summary, 10, {}))
               mean    std    95% interval constant    computed on
    accuracy  0.900  0.010  0.880 to 0.920    0.500  9 of 10 folds
    """
    rows = {}
    for metric, row in summary.iterrows():
        mean, constant = format_number(row["mean"]), format_number(row.get(CONSTANT))
        rows[names.get(str(metric), str(metric))] = {
            "mean": mean,
            "std": format_number(row["std"], 2),
            INTERVAL: interval_text(summary, str(metric)) if "low" in summary else MISSING,
            CONSTANT: constant,
            "computed on": describe_folds(row, n_folds),
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    return table.drop(columns=INTERVAL) if (table[INTERVAL] == MISSING).all() else table


def describe_folds(row: pd.Series, n_folds: int) -> str:
    """Return the number of folds that a score was computed on, such as "9 of 10 folds"."""
    n_used = int(row.get("n_folds", n_folds))
    folds = f"{n_folds} folds" if n_used == n_folds else f"{n_used} of {n_folds} folds"
    return f"pooled rows of {folds}" if row.get("pooled", False) else folds
