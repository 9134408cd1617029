"""The values of each iteration, as a tidy table and as nested lists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sktrainer.types import Evaluation

__all__ = ["evals_result", "history_frame"]


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
