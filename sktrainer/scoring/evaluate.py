"""Fifth stage: predict each set once and compute all scores from these predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from sktrainer.data.predictions import CachedPredictor
from sktrainer.data.targets import lookup_codes
from sktrainer.scoring.predictor import Predictor
from sktrainer.scoring.scorers import Scoring, score_predictions
from sktrainer.types import Array, Rows, Scores

__all__ = ["Asked", "Part", "cached_predictor", "score_rows", "score_sets"]


@dataclass(frozen=True)
class Part:
    """Rows to score, as the user passed them; and encoded, if that was already done."""

    rows: Rows
    encoded: Any = None


def score_sets(
    fitted: Predictor,
    parts: Mapping[str, Part],
    scoring: Scoring,
    answers: Mapping[str, CachedPredictor] | None = None,
) -> Scores:
    """Score every set of rows.

    Parameters
    ----------
    fitted : FittedModel
    parts : mapping of str to Part
        Keyed by "train", "validation" and "test". The confusion matrix is that of the last
        set that is not "train".
    scoring : Scoring
    answers : mapping of str to Predicted or None, default=None
        Predictions that already exist, by the name of the set.
    """
    records, confusion = {}, None
    for name, part in parts.items():
        predicted = (answers or {}).get(name) or cached_predictor(fitted, part)
        records[name] = _scores(fitted, part, predicted, scoring)
        if fitted.classes is not None and name != "train":
            confusion = _confusion(fitted.classes, part.rows.y, predicted)
    table = pd.DataFrame.from_dict(records, orient="index", columns=list(scoring.scorers))
    return Scores(table.astype(np.float64), confusion)


def score_rows(fitted: Predictor, rows: Rows, scoring: Scoring) -> dict[str, float]:
    """Return the score of every scorer on these rows, weighted by `sample_weight` if given."""
    part = Part(rows)
    predicted = cached_predictor(fitted, part)
    return _scores(
        fitted, part, predicted, scoring, sample_weight=rows.sample_weight, strict=True
    )


def cached_predictor(fitted: Predictor, part: Part) -> CachedPredictor:
    """Return the predictions for these rows as class codes, each computed on first use."""
    answers = _Answers(fitted, part)
    classes = fitted.classes
    return CachedPredictor(
        fitted.task,
        None if classes is None else np.arange(len(classes)),
        predict=answers.predict,
        predict_proba=answers.predict_proba if fitted.has_method("predict_proba") else None,
        decision_function=(
            answers.decision_function if fitted.has_method("decision_function") else None
        ),
    )


class _Answers:
    """Predictions of a fitted model, which encodes the rows only once."""

    def __init__(self, fitted: Predictor, part: Part) -> None:
        self._fitted = fitted
        self._part = part

    @cached_property
    def _encoded(self) -> Any:
        part = self._part
        return self._fitted.encode(part.rows.X) if part.encoded is None else part.encoded

    @cached_property
    def _probabilities(self) -> Array:
        return self._fitted.model_proba_encoded(self._encoded)

    def predict(self) -> Array:
        fitted = self._fitted
        # One model call serves both methods if `predict` is the most likely class.
        if (
            fitted.predict_is_argmax
            and fitted.classes is not None
            and fitted.has_method("predict_proba")
        ):
            return np.asarray(self._probabilities.argmax(axis=1))
        return _codes(fitted.classes, fitted.predict_encoded(self._encoded))

    def predict_proba(self) -> Array:
        return self._fitted.corrected(self._probabilities)

    def decision_function(self) -> Array:
        return self._fitted.decision_encoded(self._encoded)


def _codes(classes: Array | None, predicted: Array) -> Array:
    if classes is None:
        return predicted
    return lookup_codes(predicted, classes)


def _scores(
    fitted: Predictor,
    part: Part,
    predicted: CachedPredictor,
    scoring: Scoring,
    *,
    sample_weight: Array | None = None,
    strict: bool = False,
) -> dict[str, float]:
    # Only scorers known by name work on class codes and shared predictions. User-defined
    # scorers are called with the estimator, the rows and the original labels.
    named = {k: v for k, v in scoring.scorers.items() if k not in scoring.user_defined}
    values = score_predictions(named, predicted, part.rows.y, sample_weight, strict=strict)
    weight = {} if sample_weight is None else {"sample_weight": sample_weight}
    y = part.rows.y if fitted.classes is None else fitted.classes[part.rows.y]
    for name in scoring.user_defined:
        values[name] = float(scoring.scorers[name](fitted, part.rows.X, y, **weight))
    return {name: values[name] for name in scoring.scorers}


def _confusion(classes: Array, y: Array, predicted: CachedPredictor) -> pd.DataFrame:
    matrix = confusion_matrix(y, predicted.predict(), labels=np.arange(len(classes)))
    return pd.DataFrame(
        matrix,
        index=pd.Index(classes, name="true"),
        columns=pd.Index(classes, name="predicted"),
    )


class Asked:
    """Predictions of a fitted model for each set, computed at most once.

    Parameters
    ----------
    fitted : FittedModel
    part : callable
        Takes "train" or "validation"; returns that set, or None if it has no rows.
    predict : callable
        Takes the model and a set; returns its Predicted.

    Attributes
    ----------
    answers : dict of str to Predicted
        Predictions computed so far, by name of the set.
    """

    def __init__(
        self,
        fitted: Predictor,
        part: Callable[[str], Any],
        predict: Callable[[Predictor, Any], CachedPredictor],
    ) -> None:
        self.answers: dict[str, CachedPredictor] = {}
        self._fitted, self._part, self._predict = fitted, part, predict

    def __call__(self, name: str) -> tuple[CachedPredictor, Rows] | None:
        part = self._part(name)
        if part is None:
            return None
        if name not in self.answers:
            self.answers[name] = self._predict(self._fitted, part)
        return self.answers[name], part.rows
