"""Scores of the training, validation and test set; no row is predicted twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from sktrainer.data.indexing import take_rows
from sktrainer.data.predictions import CachedPredictor
from sktrainer.scoring.predictor import Predictor
from sktrainer.scoring.scorers import Scoring, score_predictions
from sktrainer.types import Array, FitData, PreparedData, Rows, Scores, SetName, Split


class SetPredictor(CachedPredictor):
    """Predictions of a fitted model for one set of rows, as class codes.

    Parameters
    ----------
    predictor : Predictor
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Class codes or numbers.
    take_X : callable
        Returns the rows as the user passed them. Called at most once, and only if they are
        needed: by user-defined scorers, or if `encoded` is None.
    sample_weight : ndarray of shape (n_samples,) or None, default=None
    encoded : array-like or None, default=None
        The encoded rows, if the fit encoded them.
    """

    def __init__(
        self,
        predictor: Predictor,
        y: Array,
        take_X: Callable[[], Any],
        *,
        sample_weight: Array | None = None,
        encoded: Any = None,
    ) -> None:
        # The sources of the base class are not set: bound methods of this object among its
        # attributes would be a reference cycle, which keeps the rows in memory.
        classes = predictor.classes
        self.task = predictor.task
        self.classes_ = None if classes is None else np.arange(len(classes))
        self.predictor, self.y, self.sample_weight = predictor, y, sample_weight
        self._take_X = take_X
        self._results = {} if encoded is None else {"encoded": encoded}

    def raw_rows(self) -> Any:
        """Return the rows as the user passed them."""
        return self.compute_once("raw rows", self._take_X)

    def _source(self, name: str) -> Callable[[], Array] | None:
        if name == "predict":
            return self._predict
        if name == "predict_proba" and self.predictor.has_method(name):
            return self._predict_proba
        if name == "decision_function" and self.predictor.has_method(name):
            last = self.predictor.pipeline.steps[-1][1]
            return lambda: np.asarray(last.decision_function(self._encoded()))
        return None

    def _predict(self) -> Array:
        decoded = self.predictor.decoded
        if decoded is None:
            return self.predictor.predict_values(self._encoded())
        # One model call serves both methods if `predict` is the most likely class.
        if decoded.predict_is_argmax and self.predictor.has_method("predict_proba"):
            return np.asarray(self._probabilities().argmax(axis=1))
        return decoded.predict_codes(self._encoded())

    def _predict_proba(self) -> Array:
        decoded = self.predictor.decoded
        if decoded is None:
            return np.asarray(self.predictor.model.predict_proba(self._encoded()))
        return decoded.corrected(self._probabilities())

    def _encoded(self) -> Any:
        return self.compute_once("encoded", lambda: self.predictor.encode(self.raw_rows()))

    def _probabilities(self) -> Array:
        decoded = self.predictor.decoded
        assert decoded is not None
        found: Array = self.compute_once(
            "uncorrected", lambda: decoded.uncorrected_proba(self._encoded())
        )
        return found


def cached_predictors(
    predictor: Predictor, data: FitData, split: Split, prepared: PreparedData
) -> dict[SetName, SetPredictor]:
    """Return the predictions of each set that has rows.

    Rows that were encoded for the fit are not encoded again.
    """

    def at(positions: Array, encoded: Any = None) -> SetPredictor:
        weight = None if data.sample_weight is None else data.sample_weight[positions]
        take_X = partial(take_rows, data.X, positions)
        y = data.y[positions]
        return SetPredictor(predictor, y, take_X, sample_weight=weight, encoded=encoded)

    sets: dict[SetName, SetPredictor] = {
        "train": at(split.train, prepared.train_before_resampling)
    }
    kept, passed = prepared.validation, data.validation
    if kept is not None:
        # The fit dropped the validation rows of classes that the training rows lack.
        n_rows = len(split.validation) if passed is None else len(passed)
        encoded = kept.X if len(kept) == n_rows else None
        sets["validation"] = (
            at(split.validation, encoded)
            if passed is None
            else SetPredictor(
                predictor,
                passed.y,
                lambda: passed.X,
                sample_weight=passed.sample_weight,
                encoded=encoded,
            )
        )
    if len(split.test):
        sets["test"] = at(split.test)
    return sets


def score_sets(sets: Mapping[SetName, SetPredictor], scoring: Scoring) -> Scores:
    """Score every set of rows, without sample weights.

    Parameters
    ----------
    sets : mapping of str to SetPredictor
        Keyed by "train", "validation" and "test". The confusion matrix is that of the last
        set that is not "train".
    scoring : Scoring
    """
    records, confusion = {}, None
    for name, predicted in sets.items():
        records[name] = _scores(predicted, scoring)
        if predicted.predictor.classes is not None and name != "train":
            confusion = _confusion(predicted.predictor.classes, predicted)
    table = pd.DataFrame.from_dict(records, orient="index", columns=list(scoring.scorers))
    return Scores(table.astype(np.float64), confusion)


def score_rows(
    predictor: Predictor, rows: Rows, labels: Array, scoring: Scoring
) -> dict[str, float]:
    """Return the score of every scorer on these rows, weighted by `sample_weight` if given.

    `labels` are the original labels, which may have some that training lacked, or numbers.
    """
    predicted = SetPredictor(predictor, rows.y, lambda: rows.X)
    return _scores(predicted, scoring, rows.sample_weight, labels=labels)


def _scores(
    predicted: SetPredictor,
    scoring: Scoring,
    sample_weight: Array | None = None,
    *,
    labels: Array | None = None,
) -> dict[str, float]:
    # Only scorers known by name work on class codes and shared predictions. User-defined
    # scorers are called with the estimator, the rows and the original labels.
    named = {k: v for k, v in scoring.scorers.items() if k not in scoring.user_defined}
    values = score_predictions(
        named, predicted, predicted.y, sample_weight, strict=labels is not None
    )
    weight = {} if sample_weight is None else {"sample_weight": sample_weight}
    y, classes = predicted.y if labels is None else labels, predicted.predictor.classes
    if labels is None and classes is not None and scoring.user_defined:
        y = classes[predicted.y]
    for name in scoring.user_defined:
        scorer = scoring.scorers[name]
        values[name] = float(scorer(predicted.predictor, predicted.raw_rows(), y, **weight))
    return {name: values[name] for name in scoring.scorers}


def _confusion(classes: Array, predicted: SetPredictor) -> pd.DataFrame:
    codes = np.arange(len(classes))
    return pd.DataFrame(
        confusion_matrix(predicted.y, predicted.predict(), labels=codes),
        index=pd.Index(classes, name="true"),
        columns=pd.Index(classes, name="predicted"),
    )
