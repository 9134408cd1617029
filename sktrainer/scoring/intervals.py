"""Bootstrap intervals of scores, from rows that were predicted once.

A resample of the rows is a vector of weights: how often each row was drawn. Every supported
metric is computed for many weight vectors at once, without copying rows or predicting again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from sktrainer.scoring.row_statistics import ConfusionSums, row_statistic
from sktrainer.scoring.scorers import Scoring
from sktrainer.types import Array

N_RESAMPLES = 200
MOST_ROWS = 100_000
COVERAGE = 0.95
_CHUNK = 2_000_000  # weights in memory at the same time


def bootstrap_scores(
    scores: Mapping[str, float],
    scoring: Scoring,
    y: Array,
    predicted: Array,
    probabilities: Array | None = None,
    decision: Array | None = None,
    *,
    positive: int = 1,
    groups: Array | None = None,
    seed: int = 0,
) -> dict[str, Array]:
    """Return the scores of 200 resamples of the rows, as arrays by metric.

    With the same rows, groups and seed, the resamples of two models are the same, so that
    their scores are paired.

    Parameters
    ----------
    scores : mapping of str to float
        Score of these rows by metric. A metric whose formula does not give this value is
        absent from the result: it has arguments that the formula does not know.
    scoring : Scoring
    y, predicted : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class codes or numbers.
    probabilities : ndarray of shape (n_samples, n_classes) or None, default=None
    decision : ndarray of shape (n_samples,) or None, default=None
        Decision values of a model without probabilities.
    positive : int, default=1
        Code of the positive class.
    groups : ndarray of shape (n_samples,) or None, default=None
        Resample whole groups, whose rows depend on each other.
    seed : int, default=0
    """
    statistics = {}
    once = np.ones((1, len(y)))
    confusion = None
    if y.dtype.kind != "f":
        n_classes = int(max(y.max(), predicted.max())) + 1
        if probabilities is not None:
            n_classes = max(n_classes, probabilities.shape[1])
        confusion = ConfusionSums(y, predicted, n_classes)
    for name, scorer in scoring.scorers.items():
        found = row_statistic(
            scorer, y, predicted, probabilities, decision, positive, confusion
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            if found is not None and np.isclose(found(once)[0], scores[name], rtol=1e-6):
                statistics[name] = found
    values: dict[str, list[Array]] = {name: [] for name in statistics}
    if statistics:
        for weights in _resamples(len(y), groups, seed):
            with np.errstate(invalid="ignore", divide="ignore"):
                for name, statistic in statistics.items():
                    values[name].append(statistic(weights))
    return {name: np.concatenate(chunks) for name, chunks in values.items()}


def percentile_intervals(draws: Mapping[str, Array]) -> pd.DataFrame:
    """Return the columns `low` and `high`, indexed by the metrics that have an interval."""
    rows = {name: percentile_interval(drawn) for name, drawn in draws.items()}
    found = {name: interval for name, interval in rows.items() if interval is not None}
    return pd.DataFrame.from_dict(found, orient="index", columns=["low", "high"])


def percentile_interval(drawn: Array) -> tuple[float, float] | None:
    """Return the middle 95 % of resampled values, or None if none is finite.

    Examples
    --------
    >>> low, high = percentile_interval(np.linspace(0, 1, 1001))
    >>> round(low, 3), round(high, 3)
    (0.025, 0.975)
    """
    # A resample without rows of a class has no ROC AUC.
    finite = drawn[np.isfinite(drawn)]
    if not len(finite):
        return None
    low, high = np.quantile(finite, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)


def _resamples(n_rows: int, groups: Array | None, seed: int) -> Iterator[Array]:
    """Yield chunks of weights, which count how often each row is drawn."""
    units = None
    n_units = n_rows
    if groups is not None:
        labels, units = np.unique(groups, return_inverse=True)
        n_units = len(labels)
    generator = np.random.default_rng(seed)
    size = max(1, min(N_RESAMPLES, _CHUNK // max(n_rows, 1)))
    for start in range(0, N_RESAMPLES, size):
        n = min(size, N_RESAMPLES - start)
        drawn = generator.integers(n_units, size=(n, n_units))
        drawn += n_units * np.arange(n)[:, np.newaxis]
        counts = np.bincount(drawn.ravel(), minlength=n * n_units).reshape(n, n_units)
        weights = counts.astype(float)
        yield weights if units is None else weights[:, units]
