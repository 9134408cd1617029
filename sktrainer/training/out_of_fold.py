"""Predictions of the test rows of all folds, and scores of these rows together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics

from sktrainer.data.predictions import CachedPredictor
from sktrainer.scoring.evaluate import (
    SetPredictor,
    confusion_matrix_of,
    constant_predictor,
    never_predicted,
    with_labels,
)
from sktrainer.scoring.score_predictions import score_predictions
from sktrainer.scoring.scorers import Scoring
from sktrainer.types import Array, FitData, Scorer

# RMSE of 10 rows is 2.5 % too small on average, that of one row is the absolute error.
MIN_FOLD_ROWS = 10

# Metrics that are means over the rows, so that folds of any size can be averaged.
_MEANS_OVER_ROWS = frozenset(
    {
        metrics.accuracy_score,
        metrics.brier_score_loss,
        metrics.log_loss,
        metrics.mean_absolute_error,
        metrics.mean_absolute_percentage_error,
        metrics.mean_gamma_deviance,
        metrics.mean_pinball_loss,
        metrics.mean_poisson_deviance,
        metrics.mean_squared_error,
        metrics.mean_squared_log_error,
        metrics.mean_tweedie_deviance,
        metrics.top_k_accuracy_score,
    }
)


@dataclass(frozen=True)
class FoldPredictions:
    """Predictions of the test rows of one fold.

    `rows` are row positions in X, `predicted` class codes or numbers, `probabilities` of shape
    (n_rows, n_classes), and `decision` the decision values of a model without probabilities.
    """

    rows: Array
    predicted: Array
    probabilities: Array | None
    decision: Array | None


def fold_predictions(predicted: SetPredictor, rows: Array) -> FoldPredictions:
    """Return the predictions of the test rows of one fold."""
    probabilities = decision = None
    if predicted.classes_ is not None:
        if hasattr(predicted, "predict_proba"):
            probabilities = np.asarray(predicted.predict_proba())
        elif hasattr(predicted, "decision_function"):
            decision = np.asarray(predicted.decision_function())
    return FoldPredictions(rows, np.asarray(predicted.predict()), probabilities, decision)


def oof_table(folds: Sequence[FoldPredictions], data: FitData) -> pd.DataFrame:
    """Return the out-of-fold predictions of all rows of X.

    The table is indexed by row position. `n_folds` is the number of folds whose test rows
    contain the row. `prediction` is the label or number, or `prediction_0`, ... for several
    outputs; it is missing for a row of no test set. With probabilities, there is one column
    `probability_<label>` per class. A row in the test rows of several folds has the mean of
    their numbers or probabilities, and the class that is most probable, or most often
    predicted.
    """
    n_folds = np.zeros(data.n_samples, dtype=np.int64)
    for fold in folds:
        np.add.at(n_folds, fold.rows, 1)
    tested = n_folds > 0
    columns: dict[str, Any] = {}
    if data.classes is None:
        mean = _mean([fold.predicted for fold in folds], folds, n_folds)
        named = {"prediction": mean} if mean.ndim == 1 else _numbered("prediction", mean)
        columns |= named
    else:
        votes = [np.eye(data.n_classes)[fold.predicted] for fold in folds]
        likely = [fold.probabilities for fold in folds if fold.probabilities is not None]
        shares = _mean(likely or votes, folds, n_folds)
        codes = np.where(tested, np.nan_to_num(shares).argmax(axis=1), 0)
        for fold in folds:  # a model may predict another class than the most probable one
            once = n_folds[fold.rows] == 1
            codes[fold.rows[once]] = fold.predicted[once]
        labels = pd.Series(data.classes[codes])
        if not tested.all():
            labels = labels.astype(object).where(tested, None)
        columns["prediction"] = labels
        if likely:
            names = [f"probability_{label}" for label in data.classes.tolist()]
            columns |= dict(zip(names, shares.T, strict=True))
    return pd.DataFrame({**columns, "n_folds": n_folds})


def _numbered(name: str, values: Array) -> dict[str, Array]:
    return {f"{name}_{i}": column for i, column in enumerate(values.T)}


def _mean(values: Sequence[Array], folds: Sequence[FoldPredictions], n_folds: Array) -> Array:
    """Return the mean of the values of each row, NaN for rows without values."""
    total = np.zeros((len(n_folds), *values[0].shape[1:]))
    for fold, each in zip(folds, values, strict=True):
        np.add.at(total, fold.rows, each)
    counts = n_folds.reshape(-1, *[1] * (total.ndim - 1))
    return np.divide(total, counts, out=np.full_like(total, nan), where=counts > 0)


@dataclass(frozen=True)
class PooledScores:
    """Scores of the test rows of all folds together, for metrics that folds do not define.

    `constants` are the scores of a constant prediction. If folds have few rows, all metrics
    are among them: leaving out a few rows often makes another class the most frequent one.
    `reason` states why folds do not define metrics, and `problems` why scores could not be
    computed, by metric. `never_predicted` names classes that are never predicted.
    """

    values: Mapping[str, float]
    constants: Mapping[str, float]
    problems: Mapping[str, str]
    reason: str
    never_predicted: str


def pooled_scores(
    folds: Sequence[FoldPredictions], data: FitData, scoring: Scoring
) -> PooledScores:
    """Score the test rows of all folds together with each metric that needs it.

    Such a metric is not a mean over rows, and a fold has few test rows or lacks a class.
    """
    reason = _pooling_reason(folds, data)
    known = [name for name, s in scoring.scorers.items() if hasattr(s, "_score_func")]
    names = [n for n in known if reason and not _is_mean_over_rows(scoring.scorers[n])]
    joined = join_predictions(folds)
    y = data.y[joined.rows]
    model = _cached(joined, data)
    absent = ""
    if data.classes is not None:
        confusion = confusion_matrix_of(data.classes, y, model.predict())
        absent = never_predicted(confusion, "out-of-fold")
    if not names:
        return PooledScores({}, {}, {}, reason, absent)
    values, problems = _score(names, scoring, model, y, data.classes)
    constant = constant_predictor(data.task, data.n_classes, y, y)
    named = known if min(len(fold.rows) for fold in folds) < MIN_FOLD_ROWS else names
    constants, _ = _score(named, scoring, constant, y, data.classes)
    return PooledScores(values, constants, problems, reason, absent)


def _score(
    names: Sequence[str],
    scoring: Scoring,
    predicted: CachedPredictor,
    y: Array,
    classes: Array | None,
) -> tuple[dict[str, float], dict[str, str]]:
    """Return scores and problems; user-defined scorers get the original labels."""
    by_code = {n: scoring.scorers[n] for n in names if n not in scoring.user_defined}
    by_label = {n: scoring.scorers[n] for n in names if n in scoring.user_defined}
    values, problems = score_predictions(by_code, predicted, y)
    if by_label:
        targets = y if classes is None else classes[y]
        more = score_predictions(by_label, with_labels(predicted, classes), targets)
        values, problems = values | more[0], problems | more[1]
    return values, problems


def _pooling_reason(folds: Sequence[FoldPredictions], data: FitData) -> str:
    smallest = min(len(fold.rows) for fold in folds)
    if smallest < MIN_FOLD_ROWS:
        rows = "one test row" if smallest == 1 else f"{smallest} test rows"
        return f"a fold has only {rows}"
    if data.classes is not None:
        present = [np.unique(data.y[fold.rows]) for fold in folds]
        if min(map(len, present)) < len(np.unique(np.concatenate(present))):
            return "a class is missing in the test rows of some folds"
    return ""


def _is_mean_over_rows(scorer: Scorer) -> bool:
    return getattr(scorer, "_score_func", None) in _MEANS_OVER_ROWS


def join_predictions(folds: Sequence[FoldPredictions]) -> FoldPredictions:
    """Return the predictions of all folds, one after the other."""
    return FoldPredictions(
        np.concatenate([fold.rows for fold in folds]),
        np.concatenate([fold.predicted for fold in folds]),
        _concatenated([fold.probabilities for fold in folds]),
        _concatenated([fold.decision for fold in folds]),
    )


def _cached(joined: FoldPredictions, data: FitData) -> CachedPredictor:
    probabilities, decision = joined.probabilities, joined.decision
    return CachedPredictor(
        data.task,
        None if data.classes is None else np.arange(data.n_classes),
        lambda: joined.predicted,
        None if probabilities is None else lambda: probabilities,
        None if decision is None else lambda: decision,
    )


def _concatenated(values: Sequence[Array | None]) -> Array | None:
    known = [each for each in values if each is not None]
    return np.concatenate(known) if known else None
