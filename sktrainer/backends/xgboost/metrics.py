"""XGBoost metrics that equal a scorer, and scorers as XGBoost metrics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sktrainer.backends._boosting.metrics import (
    MetricNames,
    MetricTable,
    OutputScorer,
    complement,
    equivalent_metric,
    identity,
    negative,
    negative_square,
    to_probabilities,
)
from sktrainer.backends.base import FitRequest
from sktrainer.types import Array

PYTHON_METRIC = "scorer"

# Default metric of each objective, and the metrics that equal a scikit-learn scorer. All
# other objectives and scorers are computed in Python, which is slower but exact.
_LOSS_OF = {
    "binary:logistic": "logloss",
    "multi:softprob": "mlogloss",
    "reg:squarederror": "rmse",
    "reg:absoluteerror": "mae",
    "reg:pseudohubererror": "mphe",
}

# Objectives whose default metric is not their loss: RMSE, and the share of errors.
_WITHOUT_LOSS = ("reg:logistic", "binary:hinge")

_REGRESSION: MetricTable = {
    "neg_root_mean_squared_error": ("rmse", negative),
    "neg_mean_squared_error": ("rmse", negative_square),
    "neg_mean_absolute_error": ("mae", negative),
}

# average_precision is missing because XGBoost's aucpr interpolates between curve points.
_SCORERS_OF: dict[str, MetricTable] = {
    "logloss": {
        "roc_auc": ("auc", identity),
        "accuracy": ("error", complement),
        "neg_log_loss": ("logloss", negative),
    },
    "mlogloss": {
        "accuracy": ("merror", complement),
        "neg_log_loss": ("mlogloss", negative),
    },
    **dict.fromkeys(("rmse", "mae", "mphe"), _REGRESSION),
}


def set_metric(request: FitRequest) -> MetricNames:
    """Set the monitored metric on the model; return the names that XGBoost reports."""
    model, metric = request.model, request.monitor.metric
    is_loss = not callable(model.objective) and model.objective not in _WITHOUT_LOSS
    default = MetricNames(
        loss=None if is_loss else "", keep=not is_loss, unknown_loss=callable(model.objective)
    )
    if metric.scorer is None:
        return default if model.eval_metric is None else MetricNames(loss="", keep=True)
    objective = "" if callable(model.objective) else str(model.objective)
    is_multiclass = request.task == "classification" and len(np.unique(request.train.y)) > 2
    if objective and is_multiclass and objective != "multi:softmax":
        # XGBoost replaces every multiclass objective other than softmax with softprob.
        objective = "multi:softprob"
    loss = _LOSS_OF.get(objective, "")
    equivalent = equivalent_metric(metric, _SCORERS_OF.get(loss, {}))
    if equivalent is None:
        # XGBoost evaluates a callable in addition to the default metric of the objective.
        model.eval_metric = ScorerMetric(request)
        return replace(default, scorer=metric.name, library=PYTHON_METRIC)
    library, convert = equivalent
    model.eval_metric = list(dict.fromkeys([loss, library]))
    return MetricNames(metric.name, library, convert, loss=loss)


class ScorerMetric(OutputScorer):
    """A scikit-learn scorer with the interface of a custom XGBoost metric.

    XGBoost passes metric values on as text with six decimals, so that small losses become
    equal. The exact values are kept in `unrounded` until the round is recorded.
    """

    __name__ = PYTHON_METRIC

    def __init__(self, request: FitRequest) -> None:
        super().__init__(request)
        self._objective = request.model.objective
        self.unrounded: list[float] = []

    def __call__(
        self, y_true: Array, output: Array, sample_weight: Array | None = None
    ) -> float:
        if self.classes is not None:
            if callable(self._objective):  # XGBoost then passes raw margins
                output = to_probabilities(output)
            elif self._objective == "multi:softmax" and output.ndim == 1:
                output = np.eye(len(self.classes))[output.astype(np.intp)]  # class codes
        value = self.score(output, y_true, sample_weight)
        self.unrounded.append(value)
        return value
