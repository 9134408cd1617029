"""The watched score of a network on validation rows, after an epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sktrainer.backends._base import FitRequest
from sktrainer.backends._sklearn.watching import accepts
from sktrainer.running.predicted import Predicted
from sktrainer.types import Array

__all__ = ["watched_score"]


def watched_score(
    request: FitRequest,
    classes: Array | None,
    predict: Callable[[Any], Any],
    predict_proba: Callable[[Any], Any] | None,
) -> dict[str, float]:
    """Return the value of the watched scorer, by its name; empty where the loss is watched.

    Parameters
    ----------
    request : FitRequest
        With validation rows.
    classes : ndarray or None
        What the model was trained on; None for a regression.
    predict, predict_proba : callable
        Called with the validation rows, and only if the scorer asks.
    """
    metric, rows = request.monitor.metric, request.validation
    scorer: Any = metric.scorer
    if scorer is None or rows is None:
        return {}
    predicted = Predicted(
        request.task,
        classes,
        predict=lambda: predict(rows.X),
        predict_proba=None if predict_proba is None else lambda: predict_proba(rows.X),
    )
    weighs = rows.sample_weight is not None and accepts(
        getattr(scorer, "_score_func", scorer), "sample_weight"
    )
    options = {"sample_weight": rows.sample_weight} if weighs else {}
    return {metric.name: float(scorer(predicted, rows.X, rows.y, **options))}
