"""Callbacks of a fit: the Protocol, its events, and the list that calls them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sktrainer.exceptions import CallbackError

MetricValues = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class FitBeginEvent:
    """A fit begins: parameters and data are valid, and the rows are split.

    Attributes
    ----------
    model : str
        Name of the model.
    task : {"classification", "regression"}
    n_rows : dict of str to int
        Number of rows in each set: train, validation and test.
    n_folds : int
        Number of folds of the cross-validation; 0 without one.
    """

    model: str
    task: str
    n_rows: Mapping[str, int]
    n_folds: int


@dataclass(frozen=True)
class StageEvent:
    """A stage begins: "cross-validate", "prepare", "fit", "evaluate" or "refit"."""

    name: str


@dataclass(frozen=True)
class IterationEvent:
    """An iteration (round, epoch or tree) ended.

    Attributes
    ----------
    fold : int or None
        Number of the fold, from 1. None: the final fit.
    iteration : int
        Counted from 1.
    max_iter : int or None
        Maximum number of iterations.
    metrics : dict of str to dict
        ``{"train": {metric: value}, "validation": {metric: value}}``; both keys are optional,
        and empty for a model that is not evaluated.
    metric : str
        Name of the metric that early stopping monitors.
    best_iteration, best_value : int or None, float
        The best iteration so far, and its value of `metric` (NaN if there is none).
    patience : int or None
        Iterations without improvement that remain before the fit stops. None: it does not
        stop early.
    seconds : float
        Since the fit began.
    greater_is_better : bool
        Whether a greater value of `metric` is better.
    """

    fold: int | None
    iteration: int
    max_iter: int | None
    metrics: MetricValues
    metric: str
    best_iteration: int | None
    best_value: float
    patience: int | None
    seconds: float
    greater_is_better: bool = False


@dataclass(frozen=True)
class FoldEndEvent:
    """A fold of the cross-validation ended.

    Attributes
    ----------
    fold : int
        Counted from 1.
    n_folds : int
    scores : dict of str to float
        Scores of the fold's test rows.
    seconds : float
    error : str or None
        Why the fold failed.
    """

    fold: int
    n_folds: int
    scores: Mapping[str, float]
    seconds: float
    error: str | None = None


@dataclass(frozen=True)
class FitEndEvent:
    """The fit ended.

    Attributes
    ----------
    stop_reason : str
        As `stop_reason_`.
    n_iter, best_iteration : int or None
    scores : dict of str to dict
        ``{set: {metric: value}}`` for train, validation and test.
    seconds : float
    """

    stop_reason: str
    n_iter: int | None
    best_iteration: int | None
    scores: Mapping[str, Mapping[str, float]]
    seconds: float


@dataclass(frozen=True)
class ErrorEvent:
    """The fit failed with an exception, which is raised after the callbacks."""

    error: BaseException


class Callback:
    """Base class of callbacks, whose methods do nothing.

    Any object with some of these methods can be passed as a callback of `ManagedTrainer`. The
    methods are called in the process of the trainer, also for folds in other processes. An
    exception in one of them ends the fit with a `CallbackError`, but is a warning once the
    model is trained. The trainer does not copy callbacks, so that they can be read after
    `fit`; clones of the trainer have copies.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> from sktrainer import ManagedTrainer
    >>> class StopAt(Callback):
    ...     def __init__(self, loss):
    ...         self.loss = loss
    ...
    ...     def on_iteration(self, event):
    ...         return event.best_value < self.loss
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = HistGradientBoostingClassifier()
    >>> stop = StopAt(loss=0.3)
    >>> trainer = ManagedTrainer(model, validation_size=0.2, callbacks=[stop], random_state=0)
    >>> trainer.fit(X, y).stop_reason_
    'callback'
    """

    def on_fit_begin(self, event: FitBeginEvent) -> None:
        """Called when a fit begins."""

    def on_stage(self, event: StageEvent) -> None:
        """Called when a stage begins."""

    def on_iteration(self, event: IterationEvent) -> bool | None:
        """Called after each iteration. Return True to stop the fit (of the fold)."""
        return None

    def on_fold_end(self, event: FoldEndEvent) -> None:
        """Called when a fold ended."""

    def on_fit_end(self, event: FitEndEvent) -> None:
        """Called when the fit ended."""

    def on_error(self, event: ErrorEvent) -> None:
        """Called when the fit failed."""


METHODS = tuple(name for name in vars(Callback) if name.startswith("on_"))
SKLEARN_METHODS = ("setup", "teardown", "on_fit_task_begin", "on_fit_task_end")


def is_callback(value: object) -> bool:
    """Return whether an object has a method of a callback.

    Examples
    --------
    >>> is_callback(Callback()), is_callback(Callback), is_callback(print)
    (True, False, False)
    """
    return not isinstance(value, type) and any(hasattr(value, name) for name in METHODS)


def is_fit_callback(value: object) -> bool:
    """Return whether an object has the methods of scikit-learn's callbacks.

    Examples
    --------
    >>> from sklearn.callback import ScoringMonitor
    >>> is_fit_callback(ScoringMonitor(scoring="r2")), is_fit_callback(Callback())
    (True, False)
    """
    return not isinstance(value, type) and all(hasattr(value, n) for n in SKLEARN_METHODS)


class CallbackList:
    """Calls the same method of all callbacks of a fit.

    Parameters
    ----------
    callbacks : iterable of object, default=()
    """

    def __init__(self, callbacks: Iterable[object] = ()) -> None:
        self.callbacks = tuple(callbacks)
        self._failed: set[tuple[int, str]] = set()
        # Whether a callback may draw from the global generators, as any of a user may.
        self.may_draw = any(getattr(each, "may_draw", True) for each in self.callbacks)

    def __bool__(self) -> bool:
        return bool(self.callbacks)

    @property
    def reads_iterations(self) -> bool:
        """Whether a callback has its own `on_iteration`."""
        inherited = Callback.on_iteration
        return any(
            getattr(type(each), "on_iteration", inherited) is not inherited
            for each in self.callbacks
        )

    def call(self, method: str, event: Any, warn: Callable[[str], None] | None = None) -> bool:
        """Call a method of every callback, and return whether one returned True.

        Parameters
        ----------
        method : str
        event : object
        warn : callable or None, default=None
            Called with the text of an error instead of raising it. A method that failed is
            not called again.

        Raises
        ------
        CallbackError
            If a callback raises an exception.
        """
        stop = False
        for i, callback in enumerate(self.callbacks):
            function = getattr(callback, method, None)
            if function is None or (i, method) in self._failed:
                continue
            try:
                stop = function(event) is True or stop
            except Exception as error:
                found = callback_error(callback, method, error)
                if warn is None:
                    raise found from error
                self._failed.add((i, method))
                warn(str(found))
        return stop


def callback_error(callback: object, method: str, error: Exception) -> CallbackError:
    """Return the error that names a callback and its method."""
    return CallbackError(
        f"the callback {type(callback).__name__}.{method} raised "
        f"{type(error).__name__}: {error}. Fix or remove the callback"
    )
