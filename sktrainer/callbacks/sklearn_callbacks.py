"""Callbacks of scikit-learn: a fit as a tree of tasks.

This API of scikit-learn 1.9 is experimental and partly private. Only this module uses it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, Self

import sklearn

from sktrainer.callbacks.base import callback_error, is_fit_callback
from sktrainer.exceptions import CallbackError, ParameterError, warn_caller
from sktrainer.runtime.global_state import exclusive_global_state

if TYPE_CHECKING:
    from sklearn.callback._callback_context import CallbackContext

# Keyword-only parameters that a hook may have. scikit-learn does not know the last three: a
# hook that its estimators also call has `**kwargs` instead.
VALIDATION = ("X_val", "y_val", "metadata_val")
HOOK_PARAMETERS = ("X", "y", "metadata", "fitted_estimator", *VALIDATION)
HOOKS = ("on_fit_task_begin", "on_fit_task_end")

_signature = lru_cache()(inspect.signature)


class TaskRows(Protocol):
    """Rows of a task, in the columns and labels of the user."""

    def value(self, name: str) -> object:
        """Return the value of a hook parameter other than `fitted_estimator`."""

    def attributes(self, model: Any, n_iter: int | None) -> Mapping[str, Any]:
        """Return the fitted attributes of the trainer if training had ended with `model`."""


class SklearnCallbackMixin:
    """Mixin that lets scikit-learn's meta-estimators pass their callbacks to the trainer."""

    callbacks: Any

    def set_callbacks(self, *callbacks: object) -> Self:
        """Set callbacks of scikit-learn, such as `sklearn.callback.ProgressBar`.

        They are the same objects for all clones of the trainer. scikit-learn's own
        meta-estimators use this method to pass their callbacks on.

        Parameters
        ----------
        *callbacks : object
            Callbacks that replace those of the previous call. None: remove them.

        Returns
        -------
        self
        """
        _api().mixin.set_callbacks(self, *callbacks)
        return self


class _Api:
    """The functions of scikit-learn that are used here."""

    def __init__(self) -> None:
        from sklearn.callback import CallbackSupportMixin
        from sklearn.callback._callback_support import callback_management_context

        self.mixin: Any = CallbackSupportMixin
        self.management: Any = callback_management_context


def _api() -> _Api:
    try:
        return _Api()
    except ImportError as error:
        raise ImportError(
            f"scikit-learn {sklearn.__version__} does not have the callbacks of scikit-learn "
            "1.9. Install scikit-learn 1.9, or remove the callback"
        ) from error


class FitTask:
    """A task of a fit: the whole fit, a fold, or an iteration. It can be pickled.

    Parameters
    ----------
    context : CallbackContext
        Position of the task in scikit-learn's tree of tasks. It has the callbacks.
    trainer : ManagedTrainer
        The estimator that is passed to the callbacks.
    """

    def __init__(self, context: CallbackContext, trainer: Any) -> None:
        self._context = context
        self._trainer = trainer
        self._rows: TaskRows | None = None
        self._n_subtasks = 0

    @property
    def callbacks(self) -> list[object]:
        """The callbacks of scikit-learn, those of a search around the trainer included."""
        return list(self._context._callbacks)

    @property
    def reads_models(self) -> bool:
        """Whether a callback reads the fitted estimator at the end of a task."""
        return any(
            "fitted_estimator" in _parameters(callback.on_fit_task_end)
            for callback in self._context._callbacks
        )

    def subtask(self, name: str, max_subtasks: int | None = 0) -> FitTask:
        """Return a task that is a part of this one; 0 subtasks: it has no parts itself."""
        context, self._n_subtasks = self._context, self._n_subtasks + 1
        if context.max_subtasks is not None:  # a retry trains more iterations than planned
            context.max_subtasks = max(context.max_subtasks, self._n_subtasks)
        child = context.subcontext(task_name=name, max_subtasks=max_subtasks)
        return FitTask(child, self._trainer)

    def begin(self, rows: TaskRows | None = None) -> None:
        """Call the callbacks when the task begins."""
        self._rows = rows
        self._call("on_fit_task_begin", None)

    def end(self, attributes: Callable[[], Mapping[str, Any]] | None = None) -> bool:
        """Call the callbacks at the end of the task, and return whether one wants to stop.

        `attributes` returns the fitted attributes; None: there is no fitted estimator.
        """
        return self._call("on_fit_task_end", attributes)

    def end_fit(self, model: Any, n_iter: int | None) -> None:
        """End the task with a trained model, which outlives the errors of callbacks."""
        rows = self._rows
        with warn_of_errors():
            self.end(None if rows is None else lambda: rows.attributes(model, n_iter))

    def end_iteration(self, name: str, number: int, snapshot: Callable[[], Any] | None) -> bool:
        """Add an iteration that just ended; `snapshot` returns its model."""
        rows, task = self._rows, self.subtask(name)
        task.begin(rows)
        if snapshot is None or rows is None:
            return task.end()
        return task.end(lambda: rows.attributes(snapshot(), number))

    def _call(self, hook: str, attributes: Callable[[], Mapping[str, Any]] | None) -> bool:
        stop = False
        values: dict[str, object] = {}
        # A hook that predicts may draw from the global generators.
        with exclusive_global_state():
            for callback in self._context._callbacks:
                try:
                    function = getattr(callback, hook)
                    names = _parameters(function)
                    for name in names - values.keys():
                        values[name] = self._value(name, attributes)
                    given = {name: values[name] for name in names}
                    stop = bool(function(self._trainer, self._context, **given)) or stop
                except Exception as error:
                    raise callback_error(callback, hook, error) from error
        return stop

    def _value(self, name: str, attributes: Callable[[], Mapping[str, Any]] | None) -> object:
        if name != "fitted_estimator":
            return None if self._rows is None else self._rows.value(name)
        if attributes is None:
            return None
        # `copy.copy` would encode and decode the networks of the trainer.
        fitted = object.__new__(type(self._trainer))
        vars(fitted).update({**vars(self._trainer), **attributes()})
        if self._rows is not None:
            fitted._remember_columns(self._rows.value("X"))
        return fitted


def _parameters(function: Callable[..., object]) -> set[str]:
    """Return the values that a hook reads: its keyword-only parameters."""
    parameters = _signature(function).parameters.values()
    names = {p.name for p in parameters if p.kind == p.KEYWORD_ONLY}
    return names.union(*(VALIDATION for p in parameters if p.kind == p.VAR_KEYWORD))


def hook_problems(callbacks: Iterable[object]) -> list[str]:
    """Return a message for each hook of a scikit-learn callback that cannot be called."""
    problems = []
    for callback in filter(is_fit_callback, callbacks):
        for hook in HOOKS:
            unknown = sorted(_parameters(getattr(callback, hook)) - set(HOOK_PARAMETERS))
            if unknown:
                problems.append(
                    f"the hook {type(callback).__name__}.{hook} has the unknown parameters "
                    f"{', '.join(unknown)}; expected some of {', '.join(HOOK_PARAMETERS)}"
                )
    return problems


@contextmanager
def warn_of_errors() -> Iterator[None]:
    """Issue errors of callbacks as warnings, because the model is trained."""
    try:
        yield
    except CallbackError as error:
        warn_caller(str(error))


@contextmanager
def root_task(trainer: Any) -> Iterator[FitTask | None]:
    """Set up the callbacks of scikit-learn for one fit; None if there are none.

    The task ends with the enclosed block, in which the trainer is fitted.

    Raises
    ------
    ParameterError
        If a callback cannot be called, or must be set on the meta-estimator.
    CallbackError
        If the `setup` of a callback raises an exception.
    """
    before = list(getattr(trainer, "_skl_callbacks", ()))
    given = trainer.callbacks if isinstance(trainer.callbacks, (list, tuple)) else ()
    own = [c for c in given if is_fit_callback(c) and not any(c is other for other in before)]
    if not before and not own:
        yield None
        return
    problems = hook_problems([*before, *own])
    if hasattr(trainer, "_parent_callback_ctx"):
        name = trainer._parent_callback_ctx.estimator_name
        problems += [
            f"callbacks: {type(callback).__name__} shows the tasks of {name}, in which this "
            f"trainer is; pass it to {name}(...).set_callbacks instead"
            for callback in own
            if hasattr(callback, "max_propagation_depth")
        ]
    if problems:
        raise ParameterError(problems)
    trainer._skl_callbacks = [*before, *own]
    max_subtasks = 1 + (trainer.cv is not None) + (trainer.refit is True)
    try:
        with _torn_down(trainer):
            task = FitTask(_set_up(trainer, max_subtasks), trainer)
            yield task
            with warn_of_errors():
                task.end(dict)
    finally:
        if before:
            trainer._skl_callbacks = before
        else:
            del trainer._skl_callbacks


def _set_up(trainer: Any, max_subtasks: int) -> CallbackContext:
    try:
        context: CallbackContext = _api().mixin._init_callback_context(
            trainer, max_subtasks=max_subtasks
        )
    except Exception as error:
        started = getattr(trainer, "_skl_callbacks_to_teardown", None)
        if not started:
            raise
        raise callback_error(started[-1], "setup", error) from error
    return context


@contextmanager
def _torn_down(trainer: Any) -> Iterator[None]:
    """Tear the callbacks down. An error of it is a warning, because the model is trained."""
    error: BaseException | None = None
    try:
        with _api().management(trainer):
            try:
                yield
            except BaseException as raised:
                error = raised
                raise
    except Exception as raised:
        if error is raised:
            raise
        text = f"a callback raised {type(raised).__name__} in its teardown: {raised}"
        if error is None:
            warn_caller(text)
        else:
            error.add_note(text)
            raise error from None
