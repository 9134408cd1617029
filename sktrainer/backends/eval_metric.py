"""Scores of validation rows during a fit."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from sktrainer.backends.base import FitRequest
from sktrainer.data.predictions import CachedPredictor
from sktrainer.types import Array, Scorer


def score_eval_metric(
    request: FitRequest,
    classes: Array | None,
    predict: Callable[[Any], Any],
    predict_proba: Callable[[Any], Any] | None,
) -> dict[str, float]:
    """Return the monitored scorer's value by its name; empty if the loss is monitored.

    `classes` are those of the training rows (None for a regression). The functions are called
    with the validation rows if the scorer needs them.
    """
    metric, rows = request.monitor.metric, request.validation
    if metric.scorer is None or rows is None:
        return {}
    predicted = CachedPredictor(
        request.task,
        classes,
        predict=lambda: predict(rows.X),
        predict_proba=None if predict_proba is None else lambda: predict_proba(rows.X),
    )
    score = call_scorer(metric.scorer, predicted, rows.X, rows.y, rows.sample_weight)
    return {metric.name: score}


def call_scorer(
    scorer: Scorer, predicted: CachedPredictor, X: Any, y: Array, sample_weight: Array | None
) -> float:
    """Return the score of predicted rows, weighted if the scorer accepts sample weights."""
    if sample_weight is None or not _accepts_sample_weight(scorer):
        return float(scorer(predicted, X, y))
    return float(scorer(predicted, X, y, sample_weight=sample_weight))


def _accepts_sample_weight(scorer: Scorer) -> bool:
    # A scorer made by `make_scorer` accepts any keyword; its metric decides.
    try:
        parameters = inspect.signature(getattr(scorer, "_score_func", scorer)).parameters
    except (TypeError, ValueError):
        return False
    return any(
        p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters.values()
    )
