"""The values of each iteration, as a tidy table and as nested lists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sktrainer.types import Evaluation

__all__ = ["evals_result", "history_frame", "values_at", "watched_metric"]


def history_frame(evaluations: Sequence[Evaluation]) -> pd.DataFrame:
    """Return the values of each iteration as a tidy table, a row a value.

    Parameters
    ----------
    evaluations : sequence of Evaluation

    Returns
    -------
    DataFrame of shape (len(evaluations), 5)
        `iteration` (int, from 1), `set` ("train", "validation"), `metric`, `value`,
        `seconds` (since the fit began). The dtypes are the same where it is empty.

    Examples
    --------
    >>> from sktrainer.results.history import history_frame
    >>> from sktrainer.types import Evaluation
    >>> history_frame([Evaluation(1, "train", "loss", 0.5, 0.01)])
       iteration    set metric  value  seconds
    0          1  train   loss    0.5     0.01
    """
    return pd.DataFrame(
        {
            "iteration": np.array([entry.iteration for entry in evaluations], dtype=np.int64),
            "set": pd.Series([entry.set for entry in evaluations], dtype="str"),
            "metric": pd.Series([entry.metric for entry in evaluations], dtype="str"),
            "value": np.array([entry.value for entry in evaluations], dtype=np.float64),
            "seconds": np.array([entry.seconds for entry in evaluations], dtype=np.float64),
        }
    )


def evals_result(evaluations: Sequence[Evaluation]) -> dict[str, dict[str, list[float]]]:
    """Return the same values as lists by set and metric, in the order of the iterations.

    Parameters
    ----------
    evaluations : sequence of Evaluation

    Returns
    -------
    dict
        ``{"train": {metric: [...]}, "validation": {metric: [...]}}``; both sets are
        always there, empty where nothing was recorded.

    Examples
    --------
    >>> from sktrainer.results.history import evals_result
    >>> from sktrainer.types import Evaluation
    >>> evals_result([Evaluation(1, "train", "loss", 0.5, 0.01)])
    {'train': {'loss': [0.5]}, 'validation': {}}
    """
    result: dict[str, dict[str, list[float]]] = {"train": {}, "validation": {}}
    for entry in evaluations:
        result[entry.set].setdefault(entry.metric, []).append(entry.value)
    return result


def values_at(evaluations: Sequence[Evaluation], iteration: int) -> dict[str, float]:
    """Return every metric's value on the validation rows after one iteration.

    Examples
    --------
    >>> values_at([Evaluation(2, "validation", "loss", 0.5, 0.01)], 2)
    {'loss': 0.5}
    """
    return {
        entry.metric: entry.value
        for entry in evaluations
        if entry.set == "validation" and entry.iteration == iteration
    }


def watched_metric(
    evaluations: Sequence[Evaluation], best_iteration: int | None, asked: str, tol: float = 0.0
) -> str:
    """Return the name under which the metric that decided the best iteration was recorded.

    A model that has metrics of its own is watched on one of them where the loss is asked
    for: the one that is nowhere better than at the best iteration. Where that is true of
    several, or where improvements within `tol` did not count, the name asked for stays.

    Parameters
    ----------
    evaluations : sequence of Evaluation
    best_iteration : int or None
    asked : str
        The trainer's own name for what it watches.
    tol : float, default=0.0

    Examples
    --------
    >>> values = {"auc": [0.7, 0.9, 0.8], "error": [0.3, 0.2, 0.1]}
    >>> curves = [
    ...     Evaluation(i, "validation", name, value, 0.0)
    ...     for name, each in values.items()
    ...     for i, value in enumerate(each, start=1)
    ... ]
    >>> watched_metric(curves, 2, "loss")
    'auc'
    """
    curves = evals_result(evaluations)["validation"]
    if best_iteration is None or asked in curves:
        return asked
    if len(curves) == 1:
        return next(iter(curves))
    if tol > 0:
        return asked
    at_best = values_at(evaluations, best_iteration)
    extreme = [
        name
        for name, values in curves.items()
        if at_best.get(name) in (np.nanmin(values), np.nanmax(values))
    ]
    return extreme[0] if len(extreme) == 1 else asked
