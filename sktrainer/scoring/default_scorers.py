"""Default scorers of a task. Targets are class codes or numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import nan
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn import metrics
from sklearn.metrics import make_scorer

from sktrainer.data.predictions import CachedPredictor
from sktrainer.types import Array, Scorer, Task


def default_scorers(task: Task, n_classes: int, positive: int = 1) -> dict[str, Scorer]:
    """Return the default scorers of a task.

    For two classes, precision, recall, F1 and average precision refer to the class code
    `positive`. For more classes, precision, recall and F1 are macro averages. `log_loss`,
    `rmse` and `mae` are not negated: smaller is better.
    """
    if task == "regression":
        return {
            "r2": make_scorer(metrics.r2_score),
            "rmse": make_scorer(metrics.root_mean_squared_error),
            "mae": make_scorer(metrics.mean_absolute_error),
        }
    average = "binary" if n_classes == 2 else "macro"
    scorers = {
        "accuracy": make_scorer(metrics.accuracy_score),
        "balanced_accuracy": make_scorer(metrics.balanced_accuracy_score),
        "precision": PrecisionRecallF1(0, average, positive),
        "recall": PrecisionRecallF1(1, average, positive),
        "f1": PrecisionRecallF1(2, average, positive),
        "roc_auc": roc_auc_scorer(n_classes),
    }
    if n_classes == 2:
        scorers["average_precision"] = make_scorer(
            metrics.average_precision_score,
            response_method=("predict_proba", "decision_function"),
            pos_label=positive,
        )
    scorers["log_loss"] = make_scorer(
        metrics.log_loss, response_method="predict_proba", labels=np.arange(n_classes)
    )
    return scorers


@dataclass(frozen=True)
class PrecisionRecallF1:
    """Scorer of precision, recall or F1 (`which` = 0, 1 or 2).

    scikit-learn computes all three together, so the result is cached on `CachedPredictor`.
    """

    which: int
    average: str
    pos_label: int = 1

    def __call__(
        self, estimator: Any, X: Any, y: Array, sample_weight: Array | None = None
    ) -> float:
        def compute() -> Array:
            values = metrics.precision_recall_fscore_support(
                y,
                estimator.predict(X),
                average=self.average,
                pos_label=self.pos_label,
                sample_weight=sample_weight,
                zero_division=0.0,
            )
            return np.array(values[:3])

        if isinstance(estimator, CachedPredictor):
            return float(estimator.compute_once("precision, recall, f1", compute)[self.which])
        return float(compute()[self.which])

    _response_method = "predict"

    @property
    def _score_func(self) -> Any:
        return metrics.f1_score

    @property
    def _kwargs(self) -> dict[str, object]:
        return {"average": self.average, "pos_label": self.pos_label}


def roc_auc_scorer(n_classes: int) -> Scorer:
    """Return the scorer of ROC AUC, a macro average for more than two classes."""
    if n_classes == 2:
        return make_scorer(
            metrics.roc_auc_score, response_method=("predict_proba", "decision_function")
        )
    return make_scorer(partial(roc_auc_of_present, n_classes), response_method="predict_proba")


def roc_auc_of_present(n_classes: int, y_true: Array, y_score: Array, **kwargs: Any) -> float:
    """Return the macro-averaged one-vs-rest ROC AUC of the classes that are present.

    Held-out rows may lack a rare class; `roc_auc_score` raises in this case.
    """
    present = [c for c in range(n_classes) if 0 < np.count_nonzero(y_true == c) < len(y_true)]
    if not present:
        return nan
    if kwargs:
        scores = [
            metrics.roc_auc_score(y_true == code, y_score[:, code], **kwargs)
            for code in present
        ]
        return float(np.mean(scores))
    # ROC AUC equals the normalized Mann-Whitney U statistic. Computing it from ranks scores
    # all classes at once and is faster than one `roc_auc_score` call per class.
    ranks = rankdata(y_score[:, present], axis=0)
    of_class = y_true[:, np.newaxis] == np.array(present)
    n_class = of_class.sum(axis=0)
    above = (ranks * of_class).sum(axis=0) - n_class * (n_class + 1) / 2
    return float(np.mean(above / (n_class * (len(y_true) - n_class))))
