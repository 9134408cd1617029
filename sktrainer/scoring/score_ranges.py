"""Lowest and highest possible values of scores."""

from __future__ import annotations

from math import inf

from sklearn import metrics

from sktrainer.scoring.default_scorers import PrecisionRecallF1, roc_auc_of_present
from sktrainer.scoring.scorers import arguments_of
from sktrainer.types import Scorer

_FROM_0_TO_1 = {
    metrics.accuracy_score,
    metrics.average_precision_score,
    metrics.balanced_accuracy_score,
    metrics.f1_score,
    metrics.fbeta_score,
    metrics.jaccard_score,
    metrics.precision_score,
    metrics.recall_score,
    metrics.roc_auc_score,
    metrics.top_k_accuracy_score,
    roc_auc_of_present,
}
_AT_LEAST_0 = {
    metrics.log_loss,
    metrics.max_error,
    metrics.mean_absolute_error,
    metrics.mean_absolute_percentage_error,
    metrics.mean_pinball_loss,
    metrics.mean_squared_error,
    metrics.mean_squared_log_error,
    metrics.median_absolute_error,
    metrics.root_mean_squared_error,
    metrics.root_mean_squared_log_error,
}
_AT_MOST_1 = {
    metrics.d2_absolute_error_score,
    metrics.explained_variance_score,
    metrics.r2_score,
}


def score_range(scorer: Scorer) -> tuple[float, float]:
    """Return the lowest and the highest possible score; infinite if unknown.

    Examples
    --------
    >>> from sklearn.metrics import get_scorer
    >>> [score_range(get_scorer(name)) for name in ("roc_auc", "r2", "neg_log_loss")]
    [(0.0, 1.0), (-inf, 1.0), (-inf, -0.0)]
    """
    if isinstance(scorer, PrecisionRecallF1):
        return 0.0, 1.0
    function = getattr(scorer, "_score_func", None)
    function = getattr(function, "func", function)  # of a `partial`
    low, high = -inf, inf
    if function in _FROM_0_TO_1 and not arguments_of(scorer).get("adjusted"):
        low, high = 0.0, 1.0
    elif function in _AT_LEAST_0:
        low = 0.0
    elif function in _AT_MOST_1:
        high = 1.0
    return (low, high) if getattr(scorer, "_sign", 1) > 0 else (-high, -low)
