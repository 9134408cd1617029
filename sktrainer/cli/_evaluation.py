"""Scores of a saved model on new rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sktrainer.data.inputs import scoring_rows
from sktrainer.scoring.evaluate import (
    SetPredictor,
    confusion_matrix_of,
    never_predicted,
    score_constant,
    score_predicted,
)
from sktrainer.types import Array, Rows

if TYPE_CHECKING:
    from sktrainer.scoring.scorers import Scoring


@dataclass(frozen=True)
class Evaluation:
    """Scores on some rows.

    Attributes
    ----------
    scores, constant : dict of str to float
        Score of the model, and of a constant prediction, by the shown name of the metric.
    trained : dict of str to float
        Score on the test rows of the fit; empty without test rows.
    confusion : DataFrame or None
        Number of rows by true and predicted class.
    notes : tuple of str
        Why scores are missing or misleading.
    """

    scores: dict[str, float]
    constant: dict[str, float]
    trained: dict[str, float]
    confusion: pd.DataFrame | None
    notes: tuple[str, ...]


def evaluate(trainer: Any, X: pd.DataFrame, y: pd.Series) -> Evaluation:
    """Score a fitted trainer with its own scorers.

    Parameters
    ----------
    trainer : ManagedTrainer
    X : DataFrame of shape (n_samples, n_features)
        The columns that the trainer takes.
    y : Series of shape (n_samples,)
        The target. A label that did not occur in training counts as a wrong prediction.

    Raises
    ------
    InputError
        If the target is missing in some rows, or a score cannot be computed.
    """
    fitted = trainer._predictor
    rows, labels = scoring_rows(X, y, fitted.task, fitted.classes)
    scoring = trainer._scoring()
    aligned = fitted.align(rows.X)
    predicted = SetPredictor(fitted, rows.y, lambda: aligned)
    values, problems = score_predicted(predicted, scoring, labels=labels)
    notes = [f"{scoring.shown(name)} is missing: {why}" for name, why in problems.items()]
    confusion = None
    if fitted.classes is not None:
        unknown = int(np.count_nonzero(rows.y == len(fitted.classes)))
        if unknown < len(rows.y):
            confusion = _confusion(fitted.classes, rows, predicted.predict())
            absent = never_predicted(confusion, "given")
            notes += [absent] if absent else []
        if unknown:
            listed = ", ".join(map(repr, pd.unique(labels[rows.y == len(fitted.classes)])[:5]))
            notes.append(
                f"{unknown:,} rows have a class that did not occur in training ({listed}); "
                "they count as wrong"
            )
    constant = _constant_scores(trainer, predicted, scoring, values)
    tested = trainer.scores_.loc["test"] if "test" in trainer.scores_.index else {}
    return Evaluation(
        _shown(values, scoring),
        _shown(constant, scoring),
        _shown({name: tested[name] for name in values if name in tested}, scoring),
        confusion,
        tuple(notes),
    )


def _shown(values: dict[str, float], scoring: Scoring) -> dict[str, float]:
    return {scoring.shown(name): float(value) for name, value in values.items()}


def _confusion(classes: Array, rows: Rows, predicted: Array) -> pd.DataFrame:
    """Return the confusion matrix of the rows whose class occurred in training."""
    known = rows.y < len(classes)
    return confusion_matrix_of(classes, rows.y[known], predicted[known])


def _constant_scores(
    trainer: Any, predicted: SetPredictor, scoring: Scoring, values: dict[str, float]
) -> dict[str, float]:
    """Return the scores of the mean or the class frequencies of the rows of the fit."""
    data, classes = trainer.report_.data, predicted.predictor.classes
    if classes is None:
        if "target_summary" not in data:
            return {}
        targets: Array = np.array([data["target_summary"]["mean"]])
    elif "class_counts" not in data or (predicted.y == len(classes)).any():
        return {}
    else:
        counts = [data["class_counts"].get(str(label), 0) for label in classes]
        targets = np.repeat(np.arange(len(classes)), counts)
    return score_constant(predicted, scoring, targets, values)
