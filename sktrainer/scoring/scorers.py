"""Scorers that a fit uses, and scoring of rows that were predicted once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn import metrics
from sklearn.metrics import get_scorer, make_scorer

from sktrainer.data.predictions import CachedPredictor
from sktrainer.scoring.default_scorers import default_scorers, roc_auc_scorer
from sktrainer.types import Array, PositiveClass, Scorer, ScoringParam, Task


@dataclass(frozen=True, eq=False)
class LabelMappingScorer:
    """Scorer that receives other labels than those that the model was trained on.

    Scorers such as "f1" know the positive class only for labels 0 and 1, so they receive class
    codes. User-defined scorers receive the original labels. `scorer_labels` replace the sorted
    labels of the model, `model_labels`.
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

    @property
    def _kwargs(self) -> dict[str, Any]:
        # Of two labels, the one that becomes 1 is the positive class.
        positive = self.model_labels[self.scorer_labels.argmax()]
        return {**arguments_of(self.scorer), "pos_label": positive}

    def _map(self, labels: Array) -> Array:
        mapped: Array = self.scorer_labels[np.searchsorted(self.model_labels, labels)]
        return mapped


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
        return roc_auc_scorer(n_classes) if n_classes > 2 and chosen == macro else scorer
    if function is None or "predict" in response_methods(scorer):
        return scorer
    if "labels" not in inspect.signature(function).parameters:
        return scorer
    return with_arguments(scorer, **{"labels": np.arange(n_classes), **arguments_of(scorer)})


def with_arguments(scorer: Scorer, **arguments: Any) -> Scorer:
    """Return a copy of a scikit-learn scorer whose metric gets these further arguments."""
    copy: Scorer = make_scorer(
        scorer._score_func,  # type: ignore[attr-defined]
        greater_is_better=scorer._sign > 0,  # type: ignore[attr-defined]
        response_method=response_methods(scorer),
        **{**arguments_of(scorer), **arguments},
    )
    return copy


def arguments_of(scorer: Scorer) -> dict[str, Any]:
    """Return the arguments that a scorer passes to its metric."""
    return dict(getattr(scorer, "_kwargs", {}))


def needs_pos_label(scorer: Scorer | None) -> bool:
    """Return whether the metric of a scorer has a `pos_label` parameter."""
    function = getattr(scorer, "_score_func", None)
    return function is not None and "pos_label" in inspect.signature(function).parameters


def scores_one_class(scorer: Scorer) -> bool:
    """Return whether the score of two classes depends on which one is the positive class.

    Examples
    --------
    >>> [scores_one_class(get_scorer(n)) for n in ("f1", "f1_macro", "roc_auc", "accuracy")]
    [True, False, False, False]
    """
    name = getattr(getattr(scorer, "_score_func", None), "__name__", "")
    if name.endswith("likelihood_ratio"):
        return True
    # The Brier score has a `pos_label`, but it is the same for both classes.
    return takes_pos_label(scorer) and "brier" not in name


def takes_pos_label(scorer: Scorer) -> bool:
    """Return whether the metric of a scorer has a `pos_label`, and uses it."""
    return needs_pos_label(scorer) and arguments_of(scorer).get("average", "binary") == "binary"


def for_positive_class(scorer: Scorer, pos_label: object, other: object) -> Scorer:
    """Return the scorer with `pos_label` as the positive class, unless it has its own.

    `other` is the label of the other class. Scorers that treat both classes alike are
    returned unchanged.
    """
    if "pos_label" in arguments_of(scorer):
        return scorer
    if takes_pos_label(scorer):
        return with_arguments(scorer, pos_label=pos_label)
    if not scores_one_class(scorer):
        return scorer
    labels = np.array([other, pos_label])
    order = np.argsort(labels)
    return LabelMappingScorer(scorer, labels[order], order)


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
    shown_names : dict of str to str
        The names under which scores of the positive class are shown: "f1 ('bad')".
    """

    scorers: dict[str, Scorer]
    single: bool = False
    user_defined: frozenset[str] = frozenset()
    is_default: bool = False
    shown_names: dict[str, str] = field(default_factory=dict)

    @property
    def needs_labels(self) -> bool:
        """Whether a score depends on the predicted labels."""
        return any("predict" in response_methods(scorer) for scorer in self.scorers.values())

    def shown(self, name: str) -> str:
        """Return the name under which a score is shown."""
        return self.shown_names.get(name, name)

    def first(self) -> Scoring:
        """Return a Scoring with only the first scorer."""
        name, scorer = next(iter(self.scorers.items()))
        user_defined, shown = self.user_defined & {name}, self.shown_names
        return Scoring({name: scorer}, True, user_defined, shown_names=shown)


def resolve_scoring(
    scoring: ScoringParam, task: Task, n_classes: int, positive: PositiveClass | None = None
) -> Scoring:
    """Convert the `scoring` parameter, which must be valid, to scorers.

    Examples
    --------
    >>> list(resolve_scoring(["r2", "neg_mean_poisson_deviance"], "regression", 0).scorers)
    ['r2', 'neg_mean_poisson_deviance']
    """
    single = isinstance(scoring, str) or callable(scoring)
    if scoring is None:
        code = 1 if positive is None else positive.code
        named: Mapping[str, Any] = default_scorers(task, n_classes, code)
    elif isinstance(scoring, Mapping):
        named = scoring
    elif isinstance(scoring, (list, tuple, set)):
        named = {name: name for name in scoring}
    elif isinstance(scoring, str):
        named = {scoring: scoring}
    else:
        function = getattr(scoring, "_score_func", scoring)
        named = {getattr(function, "__name__", "score"): scoring}
    scorers = {name: positive_class_scorer(given, positive) for name, given in named.items()}
    if task == "classification":
        scorers = {
            name: scorer_for_missing_classes(scorer, n_classes)
            if isinstance(named[name], str)
            else scorer
            for name, scorer in scorers.items()
        }
    user_defined = frozenset(
        name for name, given in named.items() if scoring is not None and callable(given)
    )
    shown = {
        name: shown_name(name, scorer, positive, of_codes=name not in user_defined)
        for name, scorer in scorers.items()
    }
    return Scoring(scorers, single, user_defined, scoring is None, shown)


def positive_class_scorer(scorer: str | Scorer, positive: PositiveClass | None) -> Scorer:
    """Return the scorer of a name, for class codes, or the user-defined one, for labels.

    If it needs a positive class and has none of its own, it gets `positive`. It is unchanged
    if possible, because backends replace the scorers of scikit-learn by faster metrics.
    """
    if isinstance(scorer, str):
        found = named_scorer(scorer)
        if positive is None or positive.code == 1:
            return found
        return for_positive_class(found, positive.code, 1 - positive.code)
    if positive is None or not hasattr(scorer, "_sign"):
        return scorer
    return for_positive_class(scorer, positive.label, positive.other)


def shown_name(
    name: str, scorer: Scorer, positive: PositiveClass | None, *, of_codes: bool
) -> str:
    """Return a name that states the class of a score of one class, such as "f1 ('bad')".

    `of_codes` is whether the scorer gets class codes. Otherwise, it may have a positive class
    of its own.
    """
    if positive is None or not scores_one_class(scorer):
        return name
    own = {} if of_codes else arguments_of(scorer)
    return f"{name} ({own.get('pos_label', positive.label)!r})"


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


def lower_is_better(name: str) -> bool:
    """Return whether a default score is a loss. Other scorers are greater for better models.

    Examples
    --------
    >>> lower_is_better("rmse"), lower_is_better("neg_log_loss")
    (True, False)
    """
    return name in ("log_loss", "rmse", "mae")
