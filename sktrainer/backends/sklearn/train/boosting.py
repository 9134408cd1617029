"""Iterative training of scikit-learn's boosting models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice, repeat
from typing import Any

from sklearn.metrics import get_scorer, get_scorer_names

from sktrainer.backends.base import FitRequest, watched_fit
from sktrainer.backends.sklearn.checkpoint import fit_in_segments
from sktrainer.backends.sklearn.parameters import fit_rows, override_params, truncate
from sktrainer.backends.sklearn.snapshots import LOSS_CHECKS, first_iterations
from sktrainer.backends.sklearn.train.base import IterationStrategy
from sktrainer.backends.sklearn.train.validation import SECONDS_UNKNOWN, ValidationScorer
from sktrainer.callbacks.early_stopping import EvalMetric, Monitor
from sktrainer.types import Array, ModelFit, Scorer


class HistGradientBoostingStrategy(IterationStrategy):
    """One fit in which scikit-learn itself evaluates the validation rows.

    Training one round at a time would bin the table again in each round, so that the history
    is replayed into the monitor after the fit, or after each round if somebody observes it.
    scikit-learn compares a round with the round `n_iter_no_change` before it rather than with
    the best round. With ``tol=0`` it therefore never stops before the monitor does; any extra
    rounds are dropped.
    """

    iteration = "round"
    count_parameter = "max_iter"
    stops_by_default = True
    inner_folds_by_default = True
    segmented_training = True
    equals_plain_fit = True

    def fit_with_monitor(self, request: FitRequest, validation: ValidationScorer) -> ModelFit:
        """Fit with the validation rows, replay the rounds and keep the best one."""
        model, monitor, rows = request.model, request.monitor, validation.rows
        options: dict[str, Any] = {"X_val": rows.X, "y_val": rows.y}
        if rows.sample_weight is not None:
            options["sample_weight_val"] = rows.sample_weight
        scoring = _scoring(monitor.metric)
        scale = loss_scale(model) if scoring == "loss" else 1.0
        n_iter = 0
        with override_params(
            model,
            early_stopping=True,
            n_iter_no_change=monitor.n_iter_no_change,
            tol=monitor.tol / scale,  # scikit-learn compares its unscaled loss
            scoring=scoring,
        ):
            for begin in fit_in_segments(request, "max_iter", model.max_iter):
                replay = _Replay(request, validation, begin)
                with replay.after_each_round():
                    fit_rows(model, request.train, **options)
                n_iter = replay.record_rounds()
        stopped = monitor.stopped or model.n_iter_ < model.max_iter
        outcome = watched_fit(request, n_iter, stopped=stopped)
        best = outcome.best_iteration or n_iter
        # scikit-learn has no public way to drop rounds. `n_iter_` is a property that counts
        # `_predictors`.
        truncate(model, best, "_predictors")
        truncate(model, best + 1, "train_score_", "validation_score_")
        return outcome

    def fit_n_iterations(self, request: FitRequest, n_iter: int) -> None:
        """Fit `n_iter` rounds."""
        with override_params(request.model, max_iter=n_iter, early_stopping=False):
            for _ in fit_in_segments(request, "max_iter", n_iter):
                fit_rows(request.model, request.train)


class _Replay:
    """Records the rounds after `begin` of a HistGradientBoosting model into the monitor."""

    def __init__(self, request: FitRequest, validation: ValidationScorer, begin: int) -> None:
        self._model = request.model
        self._monitor = request.monitor
        self._validation = validation
        self._n_iter = begin
        self._values: Iterator[Array] | None = None

    def record_rounds(self) -> int:
        """Record the rounds that are new; return the number of the last one.

        Entry 0 of the scores is from before the first round.
        """
        while self._n_iter + 1 < len(self._model.validation_score_):
            if self._monitor.stopped:
                break
            self._n_iter += 1
            parts = self._metrics(self._n_iter)
            self._monitor.snapshot = partial(first_iterations, self._model, self._n_iter)
            self._monitor.record(self._n_iter, parts, seconds=self._seconds)
        return self._n_iter

    @property
    def _seconds(self) -> float | None:
        return None if self._monitor.is_observed else SECONDS_UNKNOWN

    def _metrics(self, i: int) -> dict[str, dict[str, float]]:
        model, metric = self._model, self._monitor.metric
        train, score = model.train_score_[i], model.validation_score_[i]
        if metric.scorer is None:  # scikit-learn stores a loss with a negative sign
            scale = loss_scale(model)
            return {"train": {"loss": -scale * train}, "validation": {"loss": -scale * score}}
        if self._values is None:
            self._values = islice(_staged(model, self._validation), i - 1, None)
        loss = self._validation.loss(self._validation.predicted(next(self._values)))
        return {"train": {metric.name: train}, "validation": {"loss": loss, metric.name: score}}

    @contextmanager
    def after_each_round(self) -> Iterator[None]:
        """Record each round during the fit if somebody observes it.

        scikit-learn has no callbacks for this model. It calls one of two private methods after
        each round with validation rows, and stops if the method returns True.
        """
        model = self._model
        known = all(hasattr(model, name) for name in LOSS_CHECKS)
        if not self._monitor.is_observed or not known:
            yield
            return

        def recorded(check: Callable[..., bool]) -> Callable[..., bool]:
            def wrapper(*args: Any, **kwargs: Any) -> bool:
                stop = check(*args, **kwargs)
                self.record_rounds()
                return stop or self._monitor.stopped

            return wrapper

        for name in LOSS_CHECKS:
            setattr(model, name, recorded(getattr(model, name)))
        try:
            yield
        finally:
            for name in LOSS_CHECKS:
                delattr(model, name)


def loss_scale(model: Any) -> float:
    """Return the factor that converts the library's loss to the recorded loss.

    HistGradientBoosting minimizes half the squared error. The history has the full squared
    error, so that losses are comparable across libraries.
    """
    return 2.0 if getattr(model, "loss", None) == "squared_error" else 1.0


def _scoring(metric: EvalMetric) -> str | Scorer:
    """Return the `scoring` parameter for HistGradientBoosting.

    A built-in scorer is passed by name: only then does scikit-learn reuse the predictions of
    earlier rounds instead of predicting with all trees after each round.
    """
    name = metric.name
    if metric.scorer is None:
        return "loss"
    is_builtin = name in get_scorer_names() and repr(get_scorer(name)) == repr(metric.scorer)
    return name if is_builtin else metric.scorer


def _staged(model: Any, validation: ValidationScorer) -> Iterator[Array]:
    """Yield the predictions for the validation rows after each round, at linear total cost."""
    if validation.classes is None:
        yield from model.staged_predict(validation.rows.X)
    else:
        yield from model.staged_predict_proba(validation.rows.X)


class GradientBoostingStrategy(IterationStrategy):
    """One fit with a monitor callback that is called after each round."""

    iteration = "round"
    stops_by_default = True
    inner_folds_by_default = True
    segmented_training = True
    equals_plain_fit = True

    def fit_with_monitor(self, request: FitRequest, validation: ValidationScorer) -> ModelFit:
        """Fit with a monitor and keep the best round."""
        model = request.model
        with override_params(model, n_iter_no_change=None), request.defer_signals():
            for begin in fit_in_segments(request, "n_estimators", model.n_estimators):
                monitor = _RoundMonitor(request, validation, begin)
                fit_rows(model, request.train, monitor=monitor)
        n_iter = model.n_estimators_
        outcome = watched_fit(request, n_iter, stopped=request.monitor.stopped)
        model.n_estimators_ = outcome.best_iteration or n_iter
        truncate(
            model,
            model.n_estimators_,
            "estimators_",
            "train_score_",
            "oob_improvement_",
            "oob_scores_",
        )
        if hasattr(model, "oob_scores_"):
            model.oob_score_ = model.oob_scores_[-1]
        return outcome

    def fit_n_iterations(self, request: FitRequest, n_iter: int) -> None:
        """Fit `n_iter` rounds."""
        with override_params(request.model, n_estimators=n_iter, n_iter_no_change=None):
            for _ in fit_in_segments(request, "n_estimators", n_iter):
                observer = _RoundObserver(request.monitor)
                fit_rows(request.model, request.train, monitor=observer)


class _RoundMonitor:
    """Callback for `GradientBoosting.fit(monitor=...)` that evaluates the validation rows.

    The staged predictors are generators over the growing ensemble: each step adds only the
    trees of one round to the previous sum. `begin` is the number of rounds trained before.
    """

    def __init__(self, request: FitRequest, validation: ValidationScorer, begin: int) -> None:
        self._checkpoint = request.checkpoint
        self._validation = validation
        self._begin = begin
        self._values: Iterator[Array] | None = None
        self._decisions: Iterator[Array | None] = repeat(None)

    def __call__(self, i: int, model: Any, variables: dict[str, Any]) -> bool:
        if self._values is None:
            self._values = islice(_staged(model, self._validation), self._begin, None)
            if model.loss == "exponential":
                decisions = model.staged_decision_function(self._validation.rows.X)
                self._decisions = islice(decisions, self._begin, None)
        decision = next(self._decisions)
        if decision is not None and decision.shape[1] == 1:
            decision = decision[:, 0]  # shape (n, 1) here, (n,) in `decision_function`
        predicted = self._validation.predicted(next(self._values), decision)
        self._validation.monitor.snapshot = partial(first_iterations, model, i + 1)
        stop = self._validation.record(i + 1, predicted, train_loss=train_loss(model, i))
        if self._checkpoint is not None:
            self._checkpoint.raise_if_interrupted()
        return stop


class _RoundObserver:
    """Callback for `GradientBoosting.fit(monitor=...)` without validation rows."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def __call__(self, i: int, model: Any, variables: dict[str, Any]) -> bool:
        loss = train_loss(model, i)
        values = {} if loss is None else {"train": {"loss": loss}}
        self._monitor.snapshot = partial(first_iterations, model, i + 1)
        return self._monitor.observe(i + 1, values)


def train_loss(model: Any, i: int) -> float | None:
    """Return the recorded training loss of GradientBoosting in round `i` (counted from 0).

    scikit-learn stores twice the log loss for two classes. Return None for the Huber loss:
    its threshold changes in each round, so that it is not comparable with the validation loss.
    """
    if model.loss == "huber":
        return None
    is_doubled = model.loss == "log_loss" and model.n_classes_ == 2
    return float(model.train_score_[i]) / (2.0 if is_doubled else 1.0)


class AdaBoostStrategy(IterationStrategy):
    """One complete fit, followed by an evaluation of its staged predictions.

    AdaBoost can neither be stopped nor continued. Early stopping therefore saves no time; it
    only selects the best number of rounds. A fit ends early if a round fits the training rows
    perfectly.
    """

    iteration = "round"

    def fit_with_monitor(self, request: FitRequest, validation: ValidationScorer) -> ModelFit:
        """Fit all rounds, evaluate them one by one and keep the best."""
        model, n_iter = request.model, 0
        fit_rows(model, request.train)
        for n_iter, values in enumerate(_staged(model, validation), start=1):
            request.monitor.snapshot = partial(first_iterations, model, n_iter)
            if validation.record(n_iter, validation.predicted(values)):
                break
        outcome = watched_fit(request, n_iter, stopped=request.monitor.stopped)
        best = outcome.best_iteration or n_iter
        truncate(model, best, "estimators_", "estimator_weights_", "estimator_errors_")
        truncate(
            model, best, "samplers_", "pipelines_"
        )  # RUSBoostClassifier (imbalanced-learn)
        return outcome
