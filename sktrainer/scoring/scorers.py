"""Scorers: the defaults of a task, and scoring of rows that were predicted once."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import nan
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn import metrics
from sklearn.metrics import get_scorer, make_scorer

from sktrainer.data.predictions import CachedPredictor
from sktrainer.types import Array, Scorer, ScoringParam, Task


@dataclass(frozen=True, eq=False)
class LabelMappingScorer:
    """Scorer that receives other labels than those that the model was trained on.

    Scorers such as "f1" know the positive class only for labels 0 and 1, so they receive
    class codes. User-defined scorers receive the original labels.

    Attributes
    ----------
    scorer : scorer
    model_labels, scorer_labels : ndarray of shape (n_classes,)
        The sorted labels of the model, and the labels that replace them.
    """

    scorer: Scorer
    model_labels: Array
    scorer_labels: Array

    def __call__(self, estimator: Any, X: Any, y: Array, **kwargs: Any) -> float:
        def method(name: str) -> Callable[[], Array] | None:
            function = getattr(estimator, name, None)
            return None if function is None else lambda: np.asarray(function(X))

        predicted = CachedPredictor(
            "classification",
            self.scorer_labels,
            lambda: self._map(estimator.predict(X)),
            method("predict_proba"),
            method("decision_function"),
        )
        return float(self.scorer(predicted, X, self._map(y), **kwargs))

    @property
    def _score_func(self) -> Any:
        # The signature of the wrapped metric shows whether it supports sample weights.
        return getattr(self.scorer, "_score_func", self.scorer)

    def _map(self, labels: Array) -> Array:
        mapped: Array = self.scorer_labels[np.searchsorted(self.model_labels, labels)]
        return mapped


def default_scorers(task: Task, n_classes: int) -> dict[str, Scorer]:
    """Return the default scorers of a task. Targets are class codes or numbers.

    Precision, recall and F1 refer to class code 1 for two classes and are macro averages
    for more. `log_loss`, `rmse` and `mae` are not negated: smaller is better.
    """
    if task == "regression":
        return {
            "r2": make_scorer(metrics.r2_score),
            "rmse": make_scorer(metrics.root_mean_squared_error),
            "mae": make_scorer(metrics.mean_absolute_error),
        }
    average = "binary" if n_classes == 2 else "macro"
    labels = np.arange(n_classes)
    return {
        "accuracy": make_scorer(metrics.accuracy_score),
        "precision": _PrecisionRecallF1(0, average),
        "recall": _PrecisionRecallF1(1, average),
        "f1": _PrecisionRecallF1(2, average),
        "roc_auc": _roc_auc_scorer(n_classes),
        "log_loss": make_scorer(
            metrics.log_loss, response_method="predict_proba", labels=labels
        ),
    }


@dataclass(frozen=True)
class _PrecisionRecallF1:
    """Scorer of precision, recall or F1 (`which` = 0, 1 or 2).

    scikit-learn computes all three together, so the result is cached on `CachedPredictor`.
    """

    which: int
    average: str

    def __call__(
        self, estimator: Any, X: Any, y: Array, sample_weight: Array | None = None
    ) -> float:
        def compute() -> Array:
            values = metrics.precision_recall_fscore_support(
                y,
                estimator.predict(X),
                average=self.average,
                sample_weight=sample_weight,
                zero_division=0.0,
            )
            return np.array(values[:3])

        if isinstance(estimator, CachedPredictor):
            return float(estimator.compute_once("precision, recall, f1", compute)[self.which])
        return float(compute()[self.which])


def _roc_auc_scorer(n_classes: int) -> Scorer:
    if n_classes == 2:
        return make_scorer(
            metrics.roc_auc_score, response_method=("predict_proba", "decision_function")
        )
    return make_scorer(partial(_roc_auc_of_present, n_classes), response_method="predict_proba")


def _roc_auc_of_present(n_classes: int, y_true: Array, y_score: Array, **kwargs: Any) -> float:
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


def named_scorer(name: str) -> Scorer:
    """Return the scikit-learn scorer with this name."""
    scorer: Scorer = get_scorer(name)
    return scorer


def scorer_for_missing_classes(scorer: Scorer, n_classes: int) -> Scorer:
    """Return a scorer that also scores rows in which a class is absent.

    scikit-learn's probability metrics infer the classes from the rows and raise if there
    are more probability columns. Passing `labels` avoids this.

    The targets are codes from 0 to `n_classes` - 1. A scorer that does not need `labels` is
    returned unchanged.
    """
    function = getattr(scorer, "_score_func", None)
    if function is metrics.roc_auc_score:
        macro = {"multi_class": "ovr", "average": "macro"}
        chosen = {"average": "macro", **scorer._kwargs}  # type: ignore[attr-defined]
        return _roc_auc_scorer(n_classes) if n_classes > 2 and chosen == macro else scorer
    if function is None or "predict" in response_methods(scorer):
        return scorer
    if "labels" not in inspect.signature(function).parameters:
        return scorer
    return make_scorer(
        function,
        greater_is_better=scorer._sign > 0,  # type: ignore[attr-defined]
        response_method=response_methods(scorer),
        **{"labels": np.arange(n_classes), **scorer._kwargs},  # type: ignore[attr-defined]
    )


def needs_pos_label(scorer: Scorer | None) -> bool:
    """Return whether the metric of a scorer has a `pos_label` parameter."""
    function = getattr(scorer, "_score_func", None)
    return function is not None and "pos_label" in inspect.signature(function).parameters


@dataclass(frozen=True)
class Scoring:
    """Ordered scorers of one fit. `score` uses the first one.

    Attributes
    ----------
    scorers : dict of str to scorer
    single : bool
        Whether a single scorer was given. Its columns in `cv_results_` are then unnamed.
    user_defined : frozenset of str
        Names of the user-defined scorers. They receive the input rows and the original
        labels. Named scorers receive predictions and class codes.
    is_default : bool
        Whether these are the default scorers of the task.
    """

    scorers: dict[str, Scorer]
    single: bool = False
    user_defined: frozenset[str] = frozenset()
    is_default: bool = False

    def first(self) -> Scoring:
        """Return a Scoring with only the first scorer."""
        name, scorer = next(iter(self.scorers.items()))
        return Scoring({name: scorer}, single=True, user_defined=self.user_defined & {name})


def resolve_scoring(
    scoring: ScoringParam,
    task: Task,
    n_classes: int,
) -> Scoring:
    """Convert the `scoring` parameter, which must be valid, to scorers.

    Examples
    --------
    >>> list(resolve_scoring(["r2", "neg_mean_poisson_deviance"], "regression", 0).scorers)
    ['r2', 'neg_mean_poisson_deviance']
    """
    if scoring is None:
        return Scoring(default_scorers(task, n_classes), is_default=True)

    def of_codes(name: str) -> Scorer:
        scorer = named_scorer(name)
        return scorer if task == "regression" else scorer_for_missing_classes(scorer, n_classes)

    if isinstance(scoring, str):
        return Scoring({scoring: of_codes(scoring)}, single=True)
    if isinstance(scoring, Mapping):
        named = dict(scoring)
    elif isinstance(scoring, (list, tuple, set)):
        named = {name: name for name in scoring}
    else:
        name = getattr(getattr(scoring, "_score_func", scoring), "__name__", "score")
        return Scoring({name: scoring}, single=True, user_defined=frozenset([name]))
    scorers = {k: v if callable(v) else of_codes(v) for k, v in named.items()}
    return Scoring(scorers, user_defined=frozenset(k for k, v in named.items() if callable(v)))


def is_supported(scorer: Scorer, estimator: Any) -> bool:
    """Return whether an estimator has a prediction method that the scorer needs."""
    methods = response_methods(scorer)
    return not methods or any(hasattr(estimator, method) for method in methods)


def response_methods(scorer: Scorer) -> tuple[str, ...]:
    """Return the methods of which a scorer needs at least one, or () if unknown."""
    method = getattr(scorer, "_response_method", ())
    if method == "default":
        return ("predict",)
    return (method,) if isinstance(method, str) else tuple(method)


def score_predictions(
    scorers: Mapping[str, Scorer],
    predicted: CachedPredictor,
    y: Array,
    sample_weight: Array | None = None,
    *,
    strict: bool = False,
) -> dict[str, float]:
    """Score predicted rows with every scorer.

    A scorer that does not apply yields NaN, for example ROC AUC on rows of one class or
    log loss for a model without probabilities. With `strict`, its error is raised.
    """
    values = {}
    weight = {} if sample_weight is None else {"sample_weight": sample_weight}
    for name, scorer in scorers.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                # `predicted` ignores X, so pass a table without columns.
                score = (
                    scorer(predicted, np.empty((len(y), 0)), y, **weight)
                    if is_supported(scorer, predicted)
                    else nan
                )
            except ValueError:
                if strict:
                    raise
                score = nan
        values[name] = float(score)
    return values
