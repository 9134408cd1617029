"""Scores of rows that were predicted once, and why some cannot be computed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from math import isnan, nan

import numpy as np
from sklearn import metrics

from sktrainer.data.predictions import CachedPredictor
from sktrainer.scoring.scorers import (
    arguments_of,
    is_supported,
    scores_one_class,
    takes_pos_label,
    with_arguments,
)
from sktrainer.types import Array, Scorer

NOT_A_NUMBER = "its value is NaN"
ONE_ROW = "R2 needs at least two rows"
ONE_CLASS = "all rows have the same class"
NO_POSITIVE = "no row has the positive class"

# Reasons that depend on the scored rows only. Other reasons are errors of the scorer.
UNDEFINED = frozenset({NOT_A_NUMBER, ONE_ROW, ONE_CLASS, NO_POSITIVE})


def score_predictions(
    scorers: Mapping[str, Scorer],
    predicted: CachedPredictor,
    y: Array,
    sample_weight: Array | None = None,
) -> tuple[dict[str, float], dict[str, str]]:
    """Score predicted rows with every scorer.

    Return the scores, NaN for a score that cannot be computed (ROC AUC of rows of one class, or
    log loss of a model without probabilities), and why scores cannot be computed, by name. A
    missing method of the model is not listed.
    """
    values, problems = {}, {}
    weight = {} if sample_weight is None else {"sample_weight": sample_weight}
    for name, scorer in scorers.items():
        values[name], problem = nan, _undefined(scorer, predicted, y)
        if not is_supported(scorer, predicted):
            continue
        if not problem:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    apply, estimator, targets = _for_unknown_class(scorer, predicted, y)
                    # The estimator ignores X, so pass a table without columns.
                    rows = np.empty((len(y), 0))
                    values[name] = float(apply(estimator, rows, targets, **weight))
                except ValueError as error:
                    problem = _reason(error, predicted, y)
            if isnan(values[name]) and not problem:
                problem = NOT_A_NUMBER
        if problem:
            problems[name] = problem
    return values, problems


def _for_unknown_class(
    scorer: Scorer, predicted: CachedPredictor, y: Array
) -> tuple[Scorer, CachedPredictor, Array]:
    """Return what scores rows of a class that the model does not know, so that they are wrong.

    Such rows have the code after the last class. A score of one class of two, or ROC AUC of
    two classes, treats them as rows of the negative class. Other scores get a further class,
    with a predicted probability of zero.
    """
    classes = predicted.classes_
    n_classes = 0 if classes is None else len(classes)
    has_codes = classes is not None and np.array_equal(classes, np.arange(n_classes))
    if not has_codes or not (y >= n_classes).any():
        return scorer, predicted, y
    function = getattr(scorer, "_score_func", None)
    one_class = takes_pos_label(scorer) or scores_one_class(scorer)
    if n_classes == 2 and (one_class or function is metrics.roc_auc_score):
        negative = 1 - arguments_of(scorer).get("pos_label", 1)
        return scorer, predicted, np.where(y >= n_classes, negative, y)
    if "labels" in arguments_of(scorer):
        scorer = with_arguments(scorer, labels=np.arange(n_classes + 1))

    def wider(method: str, fill: float) -> Callable[[], Array] | None:
        if not hasattr(predicted, method):
            return None

        def compute() -> Array:
            values = np.asarray(getattr(predicted, method)())
            columns = np.column_stack([-values, values]) if values.ndim == 1 else values
            return np.column_stack([columns, np.full(len(y), fill)])

        return compute

    extended = CachedPredictor(
        predicted.task,
        np.arange(n_classes + 1),
        predicted.predict,
        wider("predict_proba", 0.0),
        wider("decision_function", np.finfo(np.float64).min),
    )
    return scorer, extended, y


def _undefined(scorer: Scorer, predicted: CachedPredictor, y: Array) -> str:
    """Return why a score is not defined for these targets, or an empty string."""
    function = getattr(scorer, "_score_func", None)
    if predicted.classes_ is None:
        few = len(y) < 2 and function is metrics.r2_score
        return ONE_ROW if few else ""
    if function is metrics.roc_auc_score and len(np.unique(y)) < 2:
        return ONE_CLASS
    positive = arguments_of(scorer).get("pos_label", 1)
    is_binary = len(predicted.classes_) == 2 and scores_one_class(scorer)
    return NO_POSITIVE if is_binary and not np.any(y == positive) else ""


def _reason(error: ValueError, predicted: CachedPredictor, y: Array) -> str:
    if predicted.task == "regression":
        outputs = np.asarray(predicted.predict())
        if outputs.size != y.size:
            n_outputs, n_targets = outputs.size // len(y), y.size // len(y)
            return (
                f"the model predicts {n_outputs} values per row, but y has {n_targets}. Pass a "
                "scorer for such predictions: scoring=make_scorer(...)"
            )
    return str(error).strip().partition("\n")[0]
