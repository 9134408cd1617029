"""Formulas of metrics for rows with weights, for many vectors of weights at once.

Most metrics are functions of weighted sums over the rows, so this is a matrix product. Areas
under curves of many rows are linearized around their value, which needs no sorting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn import metrics

from sktrainer.scoring.default_scorers import PrecisionRecallF1
from sktrainer.scoring.scorers import arguments_of
from sktrainer.types import Array, Scorer

_MOST_EXACT = 2_000  # rows up to which areas under curves are not linearized

# Value of a metric for each row of weights, of shape (n_resamples, n_rows).
Statistic = Callable[[Array], Array]


def row_statistic(
    scorer: Scorer,
    y: Array,
    predicted: Array,
    probabilities: Array | None,
    decision: Array | None,
    positive: int,
    confusion: ConfusionSums | None,
) -> Statistic | None:
    """Return the formula of a scorer, or None if it has none."""
    function: Any = getattr(scorer, "_score_func", None)
    if isinstance(function, partial):  # the macro average of ROC AUC
        function = metrics.roc_auc_score
    kind = scorer.which if isinstance(scorer, PrecisionRecallF1) else _OF_CLASSES.get(function)
    sign = getattr(scorer, "_sign", 1)
    if kind is not None and confusion is not None:
        average = arguments_of(scorer).get("average", "binary")
        return lambda w: sign * _of_confusion(confusion.sums(w), kind, average, positive)
    if function in (metrics.roc_auc_score, metrics.average_precision_score):
        found = _of_ranks(function, y, probabilities, decision, positive)
    elif function in (metrics.log_loss, metrics.brier_score_loss):
        found = _of_probabilities(function, y, probabilities, positive)
    else:
        found = _of_numbers(function, y, predicted)
    if found is None:
        return None
    return lambda w: sign * found(w)


_OF_CLASSES: dict[Any, object] = {
    metrics.accuracy_score: "accuracy",
    metrics.balanced_accuracy_score: "balanced_accuracy",
    metrics.precision_score: 0,
    metrics.recall_score: 1,
    metrics.f1_score: 2,
}


class ConfusionSums:
    """Correct, true and predicted rows of each class; several metrics share their sums."""

    def __init__(self, y: Array, predicted: Array, n_classes: int) -> None:
        self._cells, self._n_classes = y * n_classes + predicted, n_classes
        self._last: tuple[Array | None, tuple[Array, Array, Array]] = (None, ())  # type: ignore[assignment]
        columns = np.arange(n_classes**2)
        self._of_cell = (
            (self._cells[:, None] == columns).astype(float) if n_classes < 4 else None
        )

    def sums(self, weights: Array) -> tuple[Array, Array, Array]:
        """Return the weighted sums of each class, of shape (n_resamples, n_classes)."""
        if self._last[0] is not weights:
            n_classes = self._n_classes
            if self._of_cell is not None:
                counts = weights @ self._of_cell
            else:
                size = n_classes**2
                counts = np.array([np.bincount(self._cells, w, size) for w in weights])
            matrix = counts.reshape(-1, n_classes, n_classes)
            hits = np.diagonal(matrix, axis1=1, axis2=2)
            self._last = (weights, (hits, matrix.sum(axis=2), matrix.sum(axis=1)))
        return self._last[1]


def _of_confusion(
    sums: tuple[Array, Array, Array], kind: object, average: str, positive: int
) -> Array:
    """Return a score that depends on the confusion matrix only."""
    hits, true, guessed = sums
    if kind == "accuracy" or average == "micro":
        return np.asarray(hits.sum(axis=1) / true.sum(axis=1))
    if kind == "balanced_accuracy":
        return np.asarray(np.nanmean(hits / true, axis=1))
    below = (guessed, true, (guessed + true) / 2)[int(str(kind))]
    values = np.divide(hits, below, out=np.zeros_like(hits), where=below > 0)
    if average == "binary":
        return np.asarray(values[:, positive])
    if average == "weighted":
        return np.asarray((values * true).sum(axis=1) / true.sum(axis=1))
    present = (true + guessed) > 0
    return np.asarray((values * present).sum(axis=1) / present.sum(axis=1))


def _of_ranks(
    function: object, y: Array, probabilities: Array | None, decision: Array | None, code: int
) -> Statistic | None:
    """Return ROC AUC or average precision."""
    if probabilities is not None and probabilities.shape[1] > 2:
        if function is not metrics.roc_auc_score:
            return None
        return _mean_auc(y, probabilities, range(probabilities.shape[1]))
    # ROC AUC of two classes is the same for both of them.
    if probabilities is not None:
        score = probabilities[:, code]
    elif decision is not None and decision.ndim == 1:
        score = decision if code == 1 else -decision
    else:
        return None
    if len(y) > _MOST_EXACT and function is metrics.roc_auc_score:
        return _mean_auc(y == code, score[:, np.newaxis], [0], is_binary=True)
    order = np.argsort(-score, kind="stable")
    is_positive = (y[order] == code).astype(float)
    starts = np.flatnonzero(np.diff(score[order], prepend=np.inf))

    if len(y) > _MOST_EXACT:
        return _linear_average_precision(order, is_positive, starts)

    def compute(weights: Array) -> Array:
        drawn = weights[:, order]
        hits = np.add.reduceat(drawn * is_positive, starts, axis=1)
        misses = np.add.reduceat(drawn, starts, axis=1) - hits
        total = hits.sum(axis=1, keepdims=True)
        if function is metrics.roc_auc_score:
            # Each positive row is compared with the negative rows of lower scores; ties
            # count half.
            n_negative = misses.sum(axis=1, keepdims=True)
            below = n_negative - misses.cumsum(axis=1) + misses / 2
            return np.asarray((hits * below).sum(axis=1) / (total * n_negative)[:, 0])
        above = hits.cumsum(axis=1)
        n_above = above + misses.cumsum(axis=1)
        precision = np.divide(above, n_above, out=np.zeros_like(above), where=n_above > 0)
        return np.asarray((hits * precision).sum(axis=1) / total[:, 0])

    return compute


def _linear_average_precision(order: Array, is_positive: Array, starts: Array) -> Statistic:
    """Return average precision, linearized around its value.

    The linear terms are the derivatives by the weight of each row. `order` sorts the rows by
    decreasing score, and `starts` are the first of those with equal scores.
    """
    hits = np.add.reduceat(is_positive, starts)
    misses = np.add.reduceat(1 - is_positive, starts)
    above, below = hits.cumsum(), misses.cumsum()
    total, share = above[-1], hits / above[-1]
    precision = above / (above + below)
    average = float(share @ precision)
    # A row changes the precision at its own score and at all lower scores.
    gain = (share * below / (above + below) ** 2)[::-1].cumsum()[::-1]
    loss = (share * above / (above + below) ** 2)[::-1].cumsum()[::-1]
    of_group = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(order)))
    terms = np.empty(len(order))
    own = (precision - average) / total
    terms[order] = np.where(is_positive > 0, (own + gain)[of_group], -loss[of_group])
    return lambda weights: np.clip(average + weights @ terms - terms.sum(), 0.0, 1.0)


def _mean_auc(
    y: Array, scores: Array, codes: Sequence[int], *, is_binary: bool = False
) -> Statistic | None:
    """Return the macro average of one-vs-rest ROC AUC, linearized around its value.

    The linear terms are those of DeLong et al. (1988), "Comparing the areas under two or more
    correlated receiver operating characteristic curves". Sorting once serves all resamples.
    """
    terms, areas = np.zeros(len(y)), []
    for code in codes:
        is_class = y if is_binary else y == code
        n_class, n_other = is_class.sum(), (~is_class).sum()
        if not n_class or not n_other:
            continue
        score = scores[:, code]
        share = np.empty(len(y))
        share[is_class] = _share_below(score[~is_class], score[is_class])
        share[~is_class] = 1 - _share_below(score[is_class], score[~is_class])
        area = share[is_class].mean()
        areas.append(area)
        terms += (share - area) / np.where(is_class, n_class, n_other)
    if not areas:
        return None
    mean = float(np.mean(areas))
    # The terms of each class sum to zero over the rows, so the weights need no centering.
    return lambda weights: np.minimum(mean + weights @ terms / len(areas), 1.0)


def _share_below(others: Array, values: Array) -> Array:
    """Return the share of `others` below each value; ties count half."""
    ordered = np.sort(others)
    left = np.searchsorted(ordered, values, side="left")
    return (left + np.searchsorted(ordered, values, side="right")) / (2 * len(ordered))


def _of_probabilities(
    function: object, y: Array, probabilities: Array | None, positive: int
) -> Statistic | None:
    """Return log loss or the Brier score, which are means over rows."""
    if probabilities is None:
        return None
    if function is metrics.log_loss:
        likely = probabilities / probabilities.sum(axis=1, keepdims=True)
        tiny = np.finfo(probabilities.dtype).eps
        losses = -np.log(np.clip(likely[np.arange(len(y)), y], tiny, 1 - tiny))
    elif probabilities.shape[1] == 2:
        losses = (probabilities[:, positive] - (y == positive)) ** 2
    else:
        return None
    return partial(_mean_of, losses)


def _mean_of(values: Array, weights: Array) -> Array:
    return np.asarray(weights @ values / weights.sum(axis=1))


def _of_numbers(function: object, y: Array, predicted: Array) -> Statistic | None:
    """Return a score of numbers, the uniform average over the outputs."""
    if y.dtype.kind != "f" or function not in _OF_NUMBERS:
        return None
    true = y.reshape(len(y), -1)
    errors = true - predicted.reshape(true.shape)
    if function is metrics.r2_score:
        centered = true - true.mean(axis=0)  # sums of squares lose digits far from zero

        def r2(weights: Array) -> Array:
            n_rows = weights.sum(axis=1, keepdims=True)
            total = weights @ centered**2 - (weights @ centered) ** 2 / n_rows
            return np.asarray(np.mean(1 - weights @ errors**2 / total, axis=1))

        return r2
    if function is metrics.mean_absolute_percentage_error:
        errors = errors / np.maximum(np.abs(true), np.finfo(np.float64).eps)
    if function in (metrics.mean_absolute_error, metrics.mean_absolute_percentage_error):
        return partial(_mean_of, np.abs(errors).mean(axis=1))
    if function is metrics.mean_squared_error:
        return partial(_mean_of, (errors**2).mean(axis=1))

    def rmse(weights: Array) -> Array:
        n_rows = weights.sum(axis=1, keepdims=True)
        return np.asarray(np.sqrt(weights @ errors**2 / n_rows).mean(axis=1))

    return rmse


_OF_NUMBERS: frozenset[object] = frozenset(
    {
        metrics.r2_score,
        metrics.mean_absolute_error,
        metrics.mean_absolute_percentage_error,
        metrics.mean_squared_error,
        metrics.root_mean_squared_error,
    }
)
