"""Scores of the training, validation and test set; no row is predicted twice."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from sktrainer.data.indexing import take_rows
from sktrainer.data.predictions import CachedPredictor
from sktrainer.exceptions import DataWarning, InputError, warn_caller
from sktrainer.scoring.predictor import Predictor
from sktrainer.scoring.score_predictions import UNDEFINED, score_predictions
from sktrainer.scoring.scorers import Scoring
from sktrainer.types import Array, FitData, PreparedData, Rows, Scores, SetName, Split, Task

MOST_CLASSES = 5
MANY_ROWS = 5_000


class SetPredictor(CachedPredictor):
    """Predictions of a fitted model for one set of rows, as class codes.

    `y` holds class codes or numbers. `take_X` returns the rows as the user passed them. It is
    called at most once, and only if they are needed: by user-defined scorers, or if there are
    no rows `encoded` by the fit.
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
        if decoded.threshold is not None:
            return decoded.codes_at_threshold(np.asarray(self.predict_proba()))
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


def score_sets(
    sets: Mapping[SetName, SetPredictor], scoring: Scoring, y_train: Array
) -> Scores:
    """Score every set of rows and a constant prediction for it, without sample weights.

    The confusion matrix is that of the last set that is not "train". `y_train` holds the class
    codes or numbers of the training rows, before resampling.
    """
    records, constants, confusion = {}, {}, None
    problems: dict[SetName, dict[str, str]] = {}
    absent: dict[SetName, str] = {}
    for name, predicted in sets.items():
        records[name], problems[name] = score_predicted(predicted, scoring)
        constants[name] = score_constant(predicted, scoring, y_train, records[name])
        classes = predicted.predictor.classes
        if classes is not None and (name != "train" or len(sets) == 1):
            found = confusion_matrix_of(classes, predicted.y, predicted.predict())
            absent[name] = never_predicted(found, name)
            confusion = confusion if name == "train" else found
    table, baseline = (
        pd.DataFrame.from_dict(values, orient="index", columns=list(scoring.scorers))
        for values in (records, constants)
    )
    return Scores(
        table.astype(np.float64),
        confusion,
        baseline.astype(np.float64),
        problems,
        {name: text for name, text in absent.items() if text},
    )


def score_rows(
    predictor: Predictor, rows: Rows, scoring: Scoring, labels: Array | None = None
) -> dict[str, float]:
    """Return the score of every scorer on these rows, weighted by `sample_weight` if given.

    Rows of a class that the model does not know have the code after the last class. Every
    prediction for them counts as wrong: they are not of the positive class, and have a
    predicted probability of zero. `labels` are the original labels for user-defined scorers.

    Raises
    ------
    InputError
        If a score cannot be computed.

    Warns
    -----
    DataWarning
        If a score is not defined for these rows. It is NaN.
    """
    X = predictor.align(rows.X)
    predicted = SetPredictor(predictor, rows.y, lambda: X)
    values, problems = score_predicted(predicted, scoring, rows.sample_weight, labels)
    for name, why in problems.items():
        text = f"{scoring.shown(name)} cannot be computed: {why}"
        if why not in UNDEFINED:
            raise InputError(text)
        warn_caller(f"{text}. It is NaN", DataWarning)
    return values


def score_predicted(
    predicted: SetPredictor,
    scoring: Scoring,
    sample_weight: Array | None = None,
    labels: Array | None = None,
) -> tuple[dict[str, float], dict[str, str]]:
    """Return the score of every scorer, and the reason for each that cannot be computed.

    Only scorers known by name work on class codes and shared predictions. User-defined
    scorers are called with the estimator, the rows and the original labels.
    """
    named = {k: v for k, v in scoring.scorers.items() if k not in scoring.user_defined}
    values, problems = score_predictions(named, predicted, predicted.y, sample_weight)
    weight = {} if sample_weight is None else {"sample_weight": sample_weight}
    classes = predicted.predictor.classes
    for name in scoring.user_defined:
        if labels is None:
            labels = predicted.y if classes is None else classes[predicted.y]
        scorer = scoring.scorers[name]
        value = float(scorer(predicted.predictor, predicted.raw_rows(), labels, **weight))
        values[name] = value
        if math.isnan(value):
            problems[name] = "the scorer returned NaN"
    return {name: values[name] for name in scoring.scorers}, problems


def score_constant(
    predicted: SetPredictor, scoring: Scoring, y_train: Array, scores: Mapping[str, float]
) -> dict[str, float]:
    """Return the scores of predicting the same for each of these rows.

    The prediction is the mean, or the most frequent class and the class frequencies, of the
    training rows. A score is NaN if the model has none, or if it cannot be computed.
    """
    classes, y = predicted.predictor.classes, predicted.y
    n_classes = 0 if classes is None else len(classes)
    rows, weight = y, None
    if classes is not None and scoring.is_default and len(y) >= MANY_ROWS:
        # All rows have the same prediction, so one row per class is enough, with the number
        # of its rows as weight. For few rows, scores with weights take longer.
        rows, weight = np.unique(y, return_counts=True)
    constant = constant_predictor(predicted.task, n_classes, y_train, rows)
    labeled = with_labels(constant, classes)
    named = {k: v for k, v in scoring.scorers.items() if k not in scoring.user_defined}
    values = score_predictions(named, constant, rows, weight)[0]
    for name in scoring.user_defined:
        # A scorer may need more of the model than its predictions.
        with contextlib.suppress(Exception):
            targets, scorer = y if classes is None else classes[y], scoring.scorers[name]
            values[name] = float(scorer(labeled, predicted.raw_rows(), targets))
    missing = math.nan
    return {
        name: missing if math.isnan(scores[name]) else values.get(name, missing)
        for name in scoring.scorers
    }


def constant_predictor(task: Task, n_classes: int, y_train: Array, y: Array) -> CachedPredictor:
    """Return the constant prediction of `y` that is learned from `y_train`."""
    if task == "regression":
        mean = np.broadcast_to(y_train.mean(axis=0), y.shape)
        return CachedPredictor(task, None, lambda: mean)
    shares = np.bincount(y_train, minlength=n_classes) / len(y_train)
    likely, codes = np.tile(shares, (len(y), 1)), np.full(len(y), shares.argmax())
    return CachedPredictor(task, np.arange(n_classes), lambda: codes, lambda: likely)


def with_labels(predicted: CachedPredictor, classes: Array | None) -> CachedPredictor:
    """Return the same predictions with the original labels in place of class codes."""
    if classes is None:
        return predicted
    likely, decision = (
        getattr(predicted, name, None) for name in ("predict_proba", "decision_function")
    )
    return CachedPredictor(
        predicted.task, classes, lambda: classes[predicted.predict()], likely, decision
    )


def never_predicted(confusion: pd.DataFrame, name: str) -> str:
    """Return a sentence on the classes that occur in the rows but are never predicted."""
    counts = confusion.to_numpy()
    codes = np.flatnonzero((counts.sum(axis=0) == 0) & (counts.sum(axis=1) > 0))
    if not len(codes):
        return ""
    labels = confusion.index.tolist()
    listed = [f"{labels[c]!r} ({int(counts[c].sum()):,} rows)" for c in codes[:MOST_CLASSES]]
    if len(codes) > MOST_CLASSES:
        listed.append(f"{len(codes) - MOST_CLASSES:,} more")
    noun, verb = ("class", "is") if len(codes) == 1 else ("classes", "are")
    rows = f"{int(counts.sum()):,} {name} rows"
    return f"{noun} {', '.join(listed)} {verb} never predicted for the {rows}"


def confusion_matrix_of(classes: Array, y: Array, predicted: Array) -> pd.DataFrame:
    """Return the number of rows by true and predicted class; both are class codes."""
    codes = np.arange(len(classes))
    return pd.DataFrame(
        confusion_matrix(y, predicted, labels=codes),
        index=pd.Index(classes, name="true"),
        columns=pd.Index(classes, name="predicted"),
    )
