"""XGBoost metrics that equal a scorer, and scorers as XGBoost metrics."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, softmax

from sktrainer.backends._boosting.metrics import (
    MetricNames,
    MetricTable,
    complement,
    equivalent_metric,
    identity,
    negative,
    negative_square,
)
from sktrainer.backends.base import FitRequest
from sktrainer.backends.eval_metric import score_outputs
from sktrainer.types import Array, Scorer, Task

__all__ = ["PYTHON_METRIC", "ScorerMetric", "set_metric"]

# Default metric of each objective, and the metrics that equal a scikit-learn scorer. All
# other objectives and scorers are computed in Python, which is slower but exact.
_LOSS_OF = {
    "binary:logistic": "logloss",
    "multi:softprob": "mlogloss",
    "reg:squarederror": "rmse",
    "reg:absoluteerror": "mae",
    "reg:pseudohubererror": "mphe",
}

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
    "rmse": _REGRESSION,
    "mae": _REGRESSION,
    "mphe": _REGRESSION,
}


def set_metric(request: FitRequest) -> MetricNames:
    """Set the monitored metric on the model; return the names that XGBoost reports."""
    model, metric = request.model, request.monitor.metric
    if metric.scorer is None:
        return MetricNames() if model.eval_metric is None else MetricNames(loss="", keep=True)
    loss = _LOSS_OF.get(_objective(request), "")
    found = equivalent_metric(metric, _SCORERS_OF.get(loss, {}))
    if found is None:
        # XGBoost evaluates a callable in addition to the default metric of the objective.
        model.eval_metric = ScorerMetric(request)
        return MetricNames(scorer=metric.name, library=PYTHON_METRIC)
    library, convert = found
    model.eval_metric = list(dict.fromkeys([loss, library]))
    return MetricNames(metric.name, library, convert, loss=loss)


def _objective(request: FitRequest) -> str:
    objective = request.model.objective
    if callable(objective):
        return ""
    if request.task == "classification" and len(np.unique(request.train.y)) > 2:
        # XGBoost replaces every multiclass objective other than softmax with softprob.
        return "multi:softmax" if objective == "multi:softmax" else "multi:softprob"
    return str(objective)


PYTHON_METRIC = "scorer"


class ScorerMetric:
    """A scikit-learn scorer with the interface of a custom XGBoost metric.

    XGBoost passes metric values on as text with six decimals, so that small losses become
    equal. The exact values are kept in `unrounded` until the round is recorded.
    """

    __name__ = PYTHON_METRIC

    def __init__(self, request: FitRequest) -> None:
        assert request.monitor.metric.scorer is not None
        self._scorer: Scorer = request.monitor.metric.scorer
        self._task: Task = request.task
        is_classification = request.task == "classification"
        self._classes = np.unique(request.train.y) if is_classification else None
        self._objective = request.model.objective
        self.unrounded: list[float] = []

    def __call__(
        self, y_true: Array, output: Array, sample_weight: Array | None = None
    ) -> float:
        if self._classes is not None:
            output = self._probabilities(output)
        value = score_outputs(
            self._scorer, self._task, self._classes, output, y_true, sample_weight
        )
        self.unrounded.append(value)
        return value

    def _probabilities(self, output: Array) -> Array:
        if callable(self._objective):  # XGBoost then passes raw margins
            return np.asarray(expit(output) if output.ndim == 1 else softmax(output, axis=1))
        assert self._classes is not None
        if self._objective == "multi:softmax" and output.ndim == 1:
            return np.eye(len(self._classes))[output.astype(np.intp)]  # class codes
        return output
