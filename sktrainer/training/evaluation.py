"""Curves, error statistics and intervals of the test or out-of-fold predictions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from sktrainer.reporting.content import EvaluationSection
from sktrainer.runtime.seeds import derive_seed
from sktrainer.scoring.curves import classification_curves
from sktrainer.scoring.error_summary import summarize_errors
from sktrainer.scoring.evaluate import confusion_matrix_of
from sktrainer.scoring.intervals import (
    MOST_ROWS,
    PredictedRows,
    bootstrap_scores,
    describe_reasons,
    intervals_of,
)
from sktrainer.scoring.resamples import N_RESAMPLES, Resampling, block_length
from sktrainer.training.cv_result import CrossValidationResult
from sktrainer.training.fit_and_score import FitResult
from sktrainer.training.out_of_fold import FoldPredictions
from sktrainer.training.plan import FitPlan
from sktrainer.types import Array, FitData, Split

MOST_OUTPUTS = 4


@dataclass(frozen=True)
class Evaluation:
    """What the report shows about predictions besides their scores.

    `confusion` is the confusion matrix of the out-of-fold predictions, if there are no test
    rows. `note` states how the intervals were computed, or why there are none.
    """

    section: EvaluationSection = field(default_factory=EvaluationSection)
    confusion: pd.DataFrame | None = None
    intervals: pd.DataFrame | None = None
    note: str = ""


NOT_EVALUATED = Evaluation()


def evaluate_predictions(
    plan: FitPlan,
    data: FitData,
    split: Split,
    result: FitResult,
    cv: CrossValidationResult | None,
) -> Evaluation:
    """Evaluate the predictions of the test rows, otherwise those of the folds.

    Nothing is predicted again.
    """
    predictions, source = result.test_predictions, "test"
    if predictions is None and cv is not None:
        predictions, source = cv.joined_predictions(), "out-of-fold"
    if predictions is None:
        return NOT_EVALUATED
    section = EvaluationSection(source=source, n_rows=len(predictions.rows))
    confusion = None
    if data.classes is not None and source == "out-of-fold":
        y = data.y[predictions.rows]
        confusion = confusion_matrix_of(data.classes, y, predictions.predicted)
    used = _random_part(predictions, derive_seed(plan.seed, "evaluation"))
    if _is_usable(used, data.y[used.rows]):
        section |= _describe(used, data, split)
        section["n_rows"] = len(predictions.rows)
        if len(used.rows) < len(predictions.rows):
            section["n_used"] = len(used.rows)
    if source == "out-of-fold":
        return Evaluation(section, confusion)
    intervals, note = _intervals(plan, data, split, result, predictions)
    return Evaluation(section, confusion, intervals, note)


def _random_part(predictions: FoldPredictions, seed: int) -> FoldPredictions:
    """Return at most MOST_ROWS rows, which are enough for curves of 200 points."""
    n_rows = len(predictions.rows)
    if n_rows <= MOST_ROWS:
        return predictions
    kept = np.sort(np.random.default_rng(seed).choice(n_rows, MOST_ROWS, replace=False))
    likely, decision = predictions.probabilities, predictions.decision
    return replace(
        predictions,
        rows=predictions.rows[kept],
        predicted=predictions.predicted[kept],
        probabilities=None if likely is None else likely[kept],
        decision=None if decision is None else decision[kept],
    )


def _is_usable(predictions: FoldPredictions, y: Array) -> bool:
    """Return whether there are predictions, all finite, with the shape of the target.

    A diverged model predicts NaN.
    """
    if not len(y) or predictions.predicted.size != y.size:
        return False
    values = (predictions.predicted, predictions.probabilities, predictions.decision)
    return all(bool(np.isfinite(each).all()) for each in values if each is not None)


def _describe(predictions: FoldPredictions, data: FitData, split: Split) -> EvaluationSection:
    y = data.y[predictions.rows]
    if data.classes is not None:
        labels = [str(label) for label in data.classes.tolist()]
        positive = None if data.positive is None else data.positive.code
        return classification_curves(
            y, labels, predictions.probabilities, predictions.decision, positive
        )
    time = _times(predictions.rows, data, split)
    true = y.reshape(len(y), -1)
    predicted = predictions.predicted.reshape(true.shape)
    names = [""] if true.shape[1] == 1 else [f"output {i}" for i in range(true.shape[1])]
    errors = [
        summarize_errors(true[:, i], predicted[:, i], name, time)
        for i, name in enumerate(names[:MOST_OUTPUTS])
    ]
    return EvaluationSection(errors=errors)


def _times(rows: Array, data: FitData, split: Split) -> Array | None:
    """Return values that order the rows in time, or None if their order is unknown."""
    if data.time is not None:
        return data.time[rows]
    return rows if split.kind == "time" else None


def _intervals(
    plan: FitPlan, data: FitData, split: Split, result: FitResult, predictions: FoldPredictions
) -> tuple[pd.DataFrame | None, str]:
    """Return the intervals of the test scores, and a sentence on them."""
    rows, scoring = predictions.rows, plan.scoring
    if len(rows) > MOST_ROWS:
        return None, f"no intervals: with {len(rows):,} test rows, they are narrow"
    if len(rows) < 2:
        return None, "no intervals: there is only one test row"
    if not _is_usable(predictions, data.y[rows]):
        return None, "no intervals: not every prediction is one finite number per target"
    predicted = PredictedRows(
        data.y[rows],
        predictions.predicted,
        predictions.probabilities,
        predictions.decision,
        1 if data.positive is None else data.positive.code,
    )
    scores = {str(name): float(column["test"]) for name, column in result.scores.table.items()}
    resampling = _resampling(plan, data, split, rows, predicted)
    drawn = bootstrap_scores(predicted, scores, scoring, resampling)
    missing = describe_reasons(drawn.reasons, scoring)
    if not drawn.values:
        return None, missing
    note = f"95% interval: {N_RESAMPLES} bootstrap resamples of {resampling}"
    return intervals_of(drawn.values), "; ".join(filter(None, [note, missing]))


def _resampling(
    plan: FitPlan, data: FitData, split: Split, rows: Array, predicted: PredictedRows
) -> Resampling:
    """Return how the test rows are resampled: as groups, as blocks in time, or as rows."""
    seed = derive_seed(plan.seed, "bootstrap")
    if data.groups is not None:
        return Resampling(len(rows), groups=data.groups[rows], seed=seed)
    time = _times(rows, data, split)
    if time is None:
        return Resampling(len(rows), seed=seed)
    order = np.argsort(time, kind="stable")
    length = block_length(predicted.errors()[order])
    return Resampling(len(rows), order=order, block=length, seed=seed)
