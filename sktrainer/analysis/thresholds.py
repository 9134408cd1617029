"""Choice of the probability above which the positive class is predicted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix_at_thresholds

from sktrainer.exceptions import InputError
from sktrainer.reporting.formats import format_number
from sktrainer.types import Array

DEFAULT = 0.5
COST_NAMES = ("false_positive", "false_negative")
MOST_CANDIDATES = 500  # thresholds that a user-defined metric is computed for


@dataclass(frozen=True, repr=False)
class TunedThreshold:
    """Threshold that was chosen for a trainer.

    Attributes
    ----------
    threshold : float
        The positive class is predicted if its probability is at least this value.
    pos_label : object
        The positive class.
    metric : str
        What was optimized: a metric, or "cost".
    value : float
        Value of the metric, or cost per row, at the threshold.
    value_at_default : float
        The same at 0.5.
    source : {"out-of-fold", "validation"}
        The rows whose predictions were used.
    n_rows : int
    table : DataFrame
        Columns `threshold` and `value`, for decreasing thresholds.
    """

    threshold: float
    pos_label: Any
    metric: str
    value: float
    value_at_default: float
    source: str
    n_rows: int
    table: pd.DataFrame

    def __repr__(self) -> str:
        return f"<TunedThreshold: {self}>"

    def __str__(self) -> str:
        value, default = map(format_number, (self.value, self.value_at_default))
        return (
            f"class {self.pos_label!r} is predicted from a probability of "
            f"{format_number(self.threshold)}, which gives {self.metric} {value} on "
            f"{self.n_rows:,} {self.source} rows ({default} at {DEFAULT})"
        )


# Formulas of true and false positives and negatives; a ratio of zero rows is 0.
_FORMULAS: dict[str, Callable[[Array, Array, Array, Array], Array]] = {
    "accuracy": lambda tn, fp, fn, tp: (tp + tn) / (tp + tn + fp + fn),
    "balanced_accuracy": lambda tn, fp, fn, tp: (_ratio(tp, tp + fn) + _ratio(tn, tn + fp)) / 2,
    "f1": lambda tn, fp, fn, tp: _ratio(2 * tp, 2 * tp + fp + fn),
    "jaccard": lambda tn, fp, fn, tp: _ratio(tp, tp + fp + fn),
    "matthews_corrcoef": lambda tn, fp, fn, tp: _ratio(
        tp * tn - fp * fn, np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    ),
}


def _ratio(above: Array, below: Array) -> Array:
    return np.divide(above, below, out=np.zeros_like(below, dtype=float), where=below > 0)


def tune(
    is_positive: Array,
    probability: Array,
    labels: tuple[Any, Any],
    metric: str | Callable[[Array, Array], float],
    costs: Mapping[str, float] | None,
    source: str,
) -> TunedThreshold:
    """Return the best threshold for a metric or for costs.

    Parameters
    ----------
    is_positive : ndarray of bool of shape (n_samples,)
    probability : ndarray of shape (n_samples,)
        Predicted probability of the positive class.
    labels : tuple
        Label of the negative and of the positive class.
    metric, costs
        As in `ManagedTrainer.tune_threshold`, valid.
    source : str

    Examples
    --------
    >>> found = tune(
    ...     np.array([False, False, True, True]),
    ...     np.array([0.1, 0.2, 0.3, 0.4]),
    ...     ("no", "yes"),
    ...     "f1",
    ...     None,
    ...     "validation",
    ... )
    >>> found.threshold, found.value, found.value_at_default
    (0.25, 1.0, 0.0)
    """
    tn, fp, fn, tp, candidates = confusion_matrix_at_thresholds(is_positive, probability)
    n_positive, n_rows = int(is_positive.sum()), len(is_positive)
    # The first candidate predicts no positive row.
    zero = np.zeros(1)
    tn, fn = np.append(n_rows - n_positive, tn), np.append(n_positive, fn)
    fp, tp = np.append(zero, fp), np.append(zero, tp)
    # A threshold between two values is less sensitive than one of the values.
    between = (candidates[:-1] + candidates[1:]) / 2
    top = min(1.0, np.nextafter(candidates[0], np.inf)) if candidates[0] < 1 else candidates[0]
    thresholds = np.concatenate([[top], between, [candidates[-1]]])
    # A candidate at position i predicts as positive what the i highest values have.
    position = int(np.count_nonzero(candidates >= DEFAULT))
    if candidates[0] >= 1:  # no threshold excludes a probability of 1
        tn, fp, fn, tp, thresholds = (v[1:] for v in (tn, fp, fn, tp, thresholds))
        position -= 1
    at_default = np.nan
    if costs is not None:
        values = (costs["false_positive"] * fp + costs["false_negative"] * fn) / n_rows
        name, best = "cost", int(np.argmin(values))
    elif callable(metric):
        n_candidates = min(len(thresholds), MOST_CANDIDATES)
        kept = np.unique(np.linspace(0, len(thresholds) - 1, n_candidates).astype(int))
        thresholds = thresholds[kept]
        negative, positive = labels
        true = np.where(is_positive, positive, negative)
        values, default = (
            np.array([metric(true, np.where(probability >= t, positive, negative)) for t in at])
            for at in (thresholds, [DEFAULT])
        )
        name, best = getattr(metric, "__name__", "metric"), int(np.nanargmax(values))
        at_default = float(default[0])
    else:
        values = _FORMULAS[metric](tn, fp, fn, tp)
        name, best = metric, int(np.argmax(values))
    if costs is not None or not callable(metric):
        at_default = float(values[position])
    return TunedThreshold(
        threshold=float(thresholds[best]),
        pos_label=labels[1],
        metric=name,
        value=float(values[best]),
        value_at_default=at_default,
        source=source,
        n_rows=n_rows,
        table=pd.DataFrame({"threshold": thresholds, "value": values}),
    )


def check_metric(metric: object, costs: Mapping[str, float] | None) -> None:
    """Raise InputError if the metric or the costs are not valid."""
    if costs is None:
        if not callable(metric) and metric not in _FORMULAS:
            raise InputError(
                f"metric={metric!r} is not supported; expected one of {sorted(_FORMULAS)}, "
                "or a function of true and predicted labels"
            )
        return
    if set(costs) != set(COST_NAMES) or not all(value >= 0 for value in costs.values()):
        raise InputError(
            f"costs must have the keys {list(COST_NAMES)} with values of at least 0, got "
            f"{dict(costs)!r}"
        )
