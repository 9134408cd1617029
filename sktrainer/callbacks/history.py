"""Metrics of each iteration, as a tidy table and as nested lists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sktrainer.types import MetricValue


def history_frame(evaluations: Sequence[MetricValue]) -> pd.DataFrame:
    """Return the metrics of each iteration as a tidy table, with one row per value.

    Returns
    -------
    DataFrame of shape (len(evaluations), 5)
        `iteration` (int, from 1), `set` ("train", "validation"), `metric`, `value`,
        `seconds` (since the start of the fit). An empty table has the same dtypes.

    Examples
    --------
    >>> history_frame([MetricValue(1, "train", "loss", 0.5, 0.01)])
       iteration    set metric  value  seconds
    0          1  train   loss    0.5     0.01
    """
    # One array per column is twice as fast as a table made of rows.
    return pd.DataFrame(
        {
            "iteration": np.array([entry.iteration for entry in evaluations], dtype=np.int64),
            "set": pd.Series([entry.set for entry in evaluations], dtype="str"),
            "metric": pd.Series([entry.metric for entry in evaluations], dtype="str"),
            "value": np.array([entry.value for entry in evaluations], dtype=np.float64),
            "seconds": np.array([entry.seconds for entry in evaluations], dtype=np.float64),
        }
    )


def evals_result(evaluations: Sequence[MetricValue]) -> dict[str, dict[str, list[float]]]:
    """Return the metrics of each iteration as lists by set and metric.

    Both sets are always present; a set without recorded values is empty.

    Examples
    --------
    >>> evals_result([MetricValue(1, "train", "loss", 0.5, 0.01)])
    {'train': {'loss': [0.5]}, 'validation': {}}
    """
    result: dict[str, dict[str, list[float]]] = {"train": {}, "validation": {}}
    for entry in evaluations:
        result[entry.set].setdefault(entry.metric, []).append(entry.value)
    return result


def values_at_iteration(evaluations: Sequence[MetricValue], iteration: int) -> dict[str, float]:
    """Return the validation metrics after one iteration."""
    return {
        entry.metric: entry.value
        for entry in evaluations
        if entry.set == "validation" and entry.iteration == iteration
    }


def recorded_eval_metric(
    evaluations: Sequence[MetricValue],
    best_iteration: int | None,
    requested: str,
    tol: float = 0.0,
) -> str:
    """Return the recorded name of the metric that determined the best iteration.

    A library may record its own metrics instead of "loss" and stop on one of them. That
    metric has its minimum or maximum at the best iteration. If several metrics do, or if
    `tol` is positive, the metric cannot be identified and `requested`, the name of the
    monitored metric in `ManagedTrainer`, is returned.

    Examples
    --------
    >>> values = {"auc": [0.7, 0.9, 0.8], "error": [0.3, 0.2, 0.1]}
    >>> evaluations = [
    ...     MetricValue(iteration, "validation", name, value, 0.0)
    ...     for name, curve in values.items()
    ...     for iteration, value in enumerate(curve, start=1)
    ... ]
    >>> recorded_eval_metric(evaluations, 2, "loss")
    'auc'
    """
    curves = evals_result(evaluations)["validation"]
    if best_iteration is None or requested in curves:
        return requested
    if len(curves) == 1:
        return next(iter(curves))
    if tol > 0:
        return requested
    at_best = values_at_iteration(evaluations, best_iteration)
    extreme = [
        name
        for name, values in curves.items()
        if at_best.get(name) in (np.nanmin(values), np.nanmax(values))
    ]
    return extreme[0] if len(extreme) == 1 else requested
