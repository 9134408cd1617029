"""Bootstrap intervals of scores, from rows that were predicted once.

Every supported metric is computed for many vectors of row weights at once, without copying
rows or predicting again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from sktrainer.scoring.resamples import Resampling
from sktrainer.scoring.row_statistics import ConfusionSums, row_statistic
from sktrainer.scoring.scorers import Scoring
from sktrainer.types import Array

MOST_ROWS = 100_000
COVERAGE = 0.95
USER_DEFINED = "its formula is unknown"


@dataclass(frozen=True)
class PredictedRows:
    """True values of rows, and what was predicted for them.

    Attributes
    ----------
    y, predicted : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class codes or numbers.
    probabilities : ndarray of shape (n_samples, n_classes) or None, default=None
    decision : ndarray of shape (n_samples,) or None, default=None
        Decision values of a model without probabilities.
    positive : int, default=1
        Code of the positive class.
    """

    y: Array
    predicted: Array
    probabilities: Array | None = None
    decision: Array | None = None
    positive: int = 1

    def errors(self) -> Array:
        """Return one error per row: whether the class is wrong, or the absolute error."""
        if self.y.dtype.kind != "f":
            return (self.y != self.predicted).astype(float)
        difference = np.abs(self.y - self.predicted.reshape(self.y.shape))
        return difference.reshape(len(self.y), -1).mean(axis=1)


class Draws(NamedTuple):
    """Scores of resamples by metric, and why a metric has none."""

    values: dict[str, Array]
    reasons: dict[str, str]


def bootstrap_scores(
    rows: PredictedRows, scores: Mapping[str, float], scoring: Scoring, resampling: Resampling
) -> Draws:
    """Compute the scores of resamples of the rows.

    With the same rows and resampling, the resamples of two models are the same, so that their
    scores are paired.

    Parameters
    ----------
    rows : PredictedRows
    scores : mapping of str to float
        Score of these rows by metric. A metric whose formula does not give this value is left
        out: it has arguments that the formula does not know.
    scoring : Scoring
    resampling : Resampling

    Returns
    -------
    Draws
    """
    statistics, reasons = {}, {}
    once = np.ones((1, len(rows.y)))
    confusion = _confusion(rows)
    for name, scorer in scoring.scorers.items():
        found = row_statistic(
            scorer,
            rows.y,
            rows.predicted,
            rows.probabilities,
            rows.decision,
            rows.positive,
            confusion,
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            if np.isnan(scores[name]):
                reasons[name] = "it could not be computed"
            elif found is None or not np.isclose(found(once)[0], scores[name], rtol=1e-6):
                reasons[name] = USER_DEFINED
            else:
                statistics[name] = found
    values: dict[str, list[Array]] = {name: [] for name in statistics}
    for weights in resampling.weights() if statistics else ():
        with np.errstate(invalid="ignore", divide="ignore"):
            for name, statistic in statistics.items():
                values[name].append(statistic(weights))
    drawn = {name: np.concatenate(chunks) for name, chunks in values.items()}
    for name in [n for n, each in drawn.items() if not np.isfinite(each).any()]:
        del drawn[name]
        reasons[name] = "no resample has rows of all classes"
    return Draws(drawn, reasons)


def _confusion(rows: PredictedRows) -> ConfusionSums | None:
    if rows.y.dtype.kind == "f":
        return None
    n_classes = int(max(rows.y.max(), rows.predicted.max())) + 1
    if rows.probabilities is not None:
        n_classes = max(n_classes, rows.probabilities.shape[1])
    return ConfusionSums(rows.y, rows.predicted, n_classes)


def intervals_of(values: Mapping[str, Array]) -> pd.DataFrame:
    """Return the 95 % percentile interval of resampled scores.

    Returns
    -------
    DataFrame of shape (n_metrics, 2)
        Columns `low` and `high`, indexed by metric.
    """
    rows = {name: percentile_interval(drawn) for name, drawn in values.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["low", "high"])


def percentile_interval(drawn: Array) -> tuple[float, float]:
    """Return the middle 95 % of resampled values.

    Examples
    --------
    >>> low, high = percentile_interval(np.linspace(0, 1, 1001))
    >>> round(low, 3), round(high, 3)
    (0.025, 0.975)
    """
    # A resample without rows of a class has no ROC AUC.
    finite = drawn[np.isfinite(drawn)]
    low, high = np.quantile(finite, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)


def describe_reasons(reasons: Mapping[str, str], scoring: Scoring) -> str:
    """Return why metrics have no interval; empty if all have one.

    Examples
    --------
    >>> from sktrainer.scoring.scorers import resolve_scoring
    >>> scoring = resolve_scoring(["r2", "neg_max_error"], "regression", 0)
    >>> describe_reasons({"neg_max_error": USER_DEFINED}, scoring)
    'no interval of neg_max_error, because its formula is unknown'
    """
    names: dict[str, list[str]] = {}
    for metric, reason in reasons.items():
        names.setdefault(reason, []).append(scoring.shown(metric))
    return "; ".join(
        f"no interval of {', '.join(metrics)}, because {reason}"
        for reason, metrics in names.items()
    )
