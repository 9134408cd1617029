"""Comparison of runs that were trained before."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from sktrainer.comparison.conditions import (
    different_parameters,
    reasons_not_comparable,
    scores_of,
)
from sktrainer.comparison.result import Comparison
from sktrainer.data.indexing import take_rows
from sktrainer.data.inputs import scoring_rows
from sktrainer.exceptions import InputError
from sktrainer.scoring.evaluate import SetPredictor, score_predicted
from sktrainer.scoring.intervals import (
    MOST_ROWS,
    PredictedRows,
    bootstrap_scores,
    percentile_interval,
)
from sktrainer.scoring.resamples import N_RESAMPLES, Resampling, block_length
from sktrainer.scoring.scorers import Scoring
from sktrainer.trainer import ManagedTrainer
from sktrainer.types import Array


@dataclass(frozen=True)
class NamedRun:
    """A fitted trainer and its name."""

    name: str
    trainer: Any


def compare(
    *runs: ManagedTrainer | str | os.PathLike[str],
    names: Sequence[str] | None = None,
    X: Any = None,
    y: Any = None,
    groups: Any = None,
) -> Comparison:
    """Compare runs on the same rows: scores, paired differences, parameters and curves.

    Runs that were trained on other data or scored on other rows are shown with a warning and
    without differences.

    Parameters
    ----------
    *runs : ManagedTrainer or path-like
        At least two fitted trainers, or files that they were saved to.
    names : sequence of str or None, default=None
        Names of the runs. None: file names, or the names of the models.
    X : array-like of shape (n_samples, n_features), default=None
    y : array-like of shape (n_samples,) or str, default=None
        The data that the runs were fitted on. With test rows, they are needed for intervals of
        the differences, because a trainer does not hold its data. Folds need no data.
    groups : array-like of shape (n_samples,) or str, default=None
        The groups that were passed to `fit`, or the name of their column in X. Intervals of
        runs with a grouped split need them.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If there are fewer than two runs, a trainer is not fitted, `names` has another length,
        or X is not the table that the runs were fitted on.

    Notes
    -----
    Intervals of differences of test scores are percentiles of 200 resamples of the test rows,
    the same ones for both runs. Whole groups are resampled after a grouped split, and blocks of
    neighboring rows after a split by time. Those of folds follow Nadeau and Bengio (2003),
    "Inference for the generalization error".

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sktrainer import ManagedTrainer, compare
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> models = [LogisticRegression(), RandomForestClassifier(20)]
    >>> runs = [ManagedTrainer(m, cv=3, random_state=0).fit(X, y) for m in models]
    >>> comparison = compare(*runs, names=["linear", "forest"])
    >>> comparison.comparable
    True
    >>> list(comparison.scores.columns)
    ['linear', 'forest']
    """
    named = _named(runs, names)
    warnings = tuple(reasons_not_comparable(named))
    labels = [run.name for run in named]
    reports = {run.name: run.trainer.report_ for run in named}
    table = pd.DataFrame(
        [
            {
                "estimator": run.trainer.report_.estimator,
                "scored_on": scores_of(run)[0],
                "fit_seconds": run.trainer.report_.fitting.get("seconds"),
            }
            for run in named
        ],
        index=labels,
    )
    scores = pd.DataFrame({run.name: scores_of(run)[1] for run in named})
    parameters = pd.DataFrame.from_dict(
        different_parameters(named), orient="index", columns=labels
    )
    differences, note = _NONE, ""
    if not warnings:
        differences, note = _differences(named, X, y, groups)
    return Comparison(table, scores, differences, parameters, warnings, note, reports)


_NONE = pd.DataFrame(columns=["metric", "run", "difference", "low", "high"])


def _named(runs: Sequence[Any], names: Sequence[str] | None) -> list[NamedRun]:
    if len(runs) < 2:
        raise InputError(f"compare needs at least two runs, got {len(runs)}")
    loaded = [run if hasattr(run, "get_params") else ManagedTrainer.load(run) for run in runs]
    unfitted = [i for i, run in enumerate(loaded) if not hasattr(run, "report_")]
    if unfitted:
        raise InputError(f"run {unfitted[0]} is not fitted. Call fit before compare")
    if names is None:
        names = [
            trainer.report_.estimator if hasattr(run, "get_params") else Path(run).stem
            for run, trainer in zip(runs, loaded, strict=True)
        ]
        repeated = {name for name in names if list(names).count(name) > 1}
        names = [f"{n} {i}" if n in repeated else n for i, n in enumerate(names, 1)]
    if len(names) != len(runs) or len(set(names)) < len(names):
        raise InputError(f"names must hold {len(runs)} different names, got {list(names)!r}")
    return [NamedRun(str(name), run) for name, run in zip(names, loaded, strict=True)]


def _differences(
    runs: Sequence[NamedRun], X: Any, y: Any, groups: Any
) -> tuple[pd.DataFrame, str]:
    """Return the differences of all runs from the first one, and a note on their intervals."""
    first, *others = runs
    source = scores_of(first)[0]
    if source == "mean of folds":
        rows = [entry for run in others for entry in _of_folds(first, run)]
        note = "Intervals of paired fold scores (Nadeau and Bengio, 2003)."
        return pd.DataFrame(rows, columns=_NONE.columns), note
    draws: list[dict[str, Array]] = [{} for _ in runs]
    note = "Pass X and y for intervals of the differences."
    if X is not None and source == "test rows":
        draws, note = _resampled_scores([run.trainer for run in runs], X, y, groups)
    rows = []
    base = scores_of(first)[1]
    for run, drawn in zip(others, draws[1:], strict=True):
        for metric, value in scores_of(run)[1].items():
            if metric not in base:
                continue
            found = (np.nan, np.nan)
            if metric in drawn and metric in draws[0]:
                found = percentile_interval(drawn[metric] - draws[0][metric])
            low, high = found
            rows.append((metric, run.name, value - base[metric], low, high))
    return pd.DataFrame(rows, columns=_NONE.columns), note


def _of_folds(first: NamedRun, run: NamedRun) -> list[tuple[str, str, float, float, float]]:
    """Return the mean difference of the fold scores of each metric, with its interval."""
    a, b = first.trainer.report_, run.trainer.report_
    rows = []
    for metric in a.cv_summary.index:
        if metric not in b.cv_summary.index:
            continue
        mean = float(b.cv_summary.loc[metric, "mean"] - a.cv_summary.loc[metric, "mean"])
        half = np.nan
        if metric in a.folds and metric in b.folds and not a.cv_summary.loc[metric, "pooled"]:
            paired = (b.folds[metric] - a.folds[metric]).dropna()
            ratio = float((a.folds["test_rows"] / a.folds["train_rows"]).mean())
            if len(paired) > 1:
                scale = np.sqrt(1 / len(paired) + ratio)
                half = stats.t.ppf(0.975, len(paired) - 1) * paired.std(ddof=1) * scale
        rows.append((a.shown(metric), run.name, mean, mean - half, mean + half))
    return rows


def _resampled_scores(
    trainers: Sequence[Any], X: Any, y: Any, groups: Any
) -> tuple[list[dict[str, Array]], str]:
    """Return the scores of resampled test rows by the shown name of the metric, and a note."""
    none: list[dict[str, Array]] = [{} for _ in trainers]
    first = trainers[0]
    test, is_grouped = first.split_.test, first.report_.split.get("kind") == "group"
    if len(test) > MOST_ROWS:
        return none, f"No intervals: there are more than {MOST_ROWS:,} test rows."
    if is_grouped and groups is None:
        return none, "No intervals: pass groups, because the rows of a group are dependent."
    found = [_predict_test_rows(trainer, X, y, test) for trainer in trainers]
    resampling = Resampling(len(test))
    if is_grouped:
        labels = X[groups] if isinstance(groups, str) else groups
        resampling = Resampling(len(test), groups=np.asarray(labels)[test])
    elif first.report_.split.get("kind") == "time":  # its test rows are in time order
        block = max(block_length(rows.errors()) for rows, _, _ in found)
        resampling = Resampling(len(test), order=np.arange(len(test)), block=block)
    draws = []
    for rows, scores, scoring in found:
        drawn = bootstrap_scores(rows, scores, scoring, resampling).values
        draws.append({scoring.shown(name): each for name, each in drawn.items()})
    return draws, f"Intervals: {N_RESAMPLES} bootstrap resamples of {resampling}, paired."


def _predict_test_rows(
    trainer: Any, X: Any, y: Any, test: Array
) -> tuple[PredictedRows, dict[str, float], Scoring]:
    fitted = trainer._predictor
    rows, _ = scoring_rows(X, y, fitted.task, fitted.classes)
    if len(rows) != trainer.report_.data["rows"]:
        raise InputError(
            f"X has {len(rows):,} rows, but the runs were fitted on "
            f"{trainer.report_.data['rows']:,}. Pass the table that was passed to fit"
        )
    part = take_rows(rows.X, test)
    predicted = SetPredictor(fitted, rows.y[test], lambda: fitted.align(part))
    scoring: Scoring = trainer._scoring()
    scores, _ = score_predicted(predicted, scoring)
    likely = decision = None
    if fitted.classes is not None and hasattr(predicted, "predict_proba"):
        likely = predicted.predict_proba()
    elif fitted.classes is not None and hasattr(predicted, "decision_function"):
        decision = predicted.decision_function()
    positive = getattr(trainer, "pos_label_", None)
    code = 1 if positive is None else fitted.classes.tolist().index(positive)
    found = PredictedRows(rows.y[test], predicted.predict(), likely, decision, code)
    return found, scores, scoring
