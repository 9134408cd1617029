"""Contract checks of callbacks."""

from __future__ import annotations

import json
import random
import sys
import tempfile
from typing import Any

import numpy as np

from sktrainer.callbacks.base import (
    Callback,
    FitBeginEvent,
    FitEndEvent,
    FoldEndEvent,
    IterationEvent,
)
from sktrainer.exceptions import CallbackError
from sktrainer.testing.cases import Case, CheckNotApplicable, bit_identical, model_outputs
from sktrainer.tracking.jsonl import JsonlTracker
from sktrainer.trainer import ManagedTrainer


def check_callbacks_observe_and_stop(case: Case) -> None:
    """Check that callbacks get every iteration, change nothing, can stop and may fail.

    They draw from the global generators, as callbacks that predict do.
    """
    X, y = case.table()
    plain, recorder = case.trainer().fit(X, y), Recorder()
    observed = case.trainer(callbacks=[recorder]).fit(X, y)
    assert bit_identical(
        model_outputs(plain, case.probe()), model_outputs(observed, case.probe())
    ), "a fit with a callback gives other predictions"
    assert plain.history_.drop(columns="seconds").equals(
        observed.history_.drop(columns="seconds")
    )
    assert type(recorder.events[0]) is FitBeginEvent
    end = recorder.events[-1]
    assert isinstance(end, FitEndEvent)
    assert (end.stop_reason, end.n_iter) == (observed.stop_reason_, observed.n_iter_)
    iterations = recorder.iterations()
    assert iterations == sorted(set(iterations)), "iterations are repeated or out of order"
    if not iterations or max(iterations) < 3:
        raise CheckNotApplicable("the model reports no iterations during the fit")
    assert iterations[-1] == observed.n_iter_
    stops = case.trainer(callbacks=[Recorder(stop_at=2)]).fit(X, y)
    if iterations[0] == 1:  # forests report batches of trees, AdaBoost after the fit
        assert stops.stop_reason_ in ("callback", observed.stop_reason_)
    message = ""
    try:
        case.trainer(callbacks=[Recorder(fail_at=1)]).fit(X, y)
    except CallbackError as error:
        message = str(error)
    assert "Recorder.on_iteration raised ValueError: of the callback" in message, (
        "an exception of a callback does not end the fit"
    )


def check_callbacks_of_folds(case: Case) -> None:
    """Check that folds in other processes and in this one report the same iterations."""
    X, y = case.table()
    found = []
    for n_jobs in (1, 2):
        recorder = Recorder()
        case.trainer(cv=2, n_jobs=n_jobs, callbacks=[recorder]).fit(X, y)
        ends = [event.fold for event in recorder.events if isinstance(event, FoldEndEvent)]
        assert ends == [1, 2]
        found.append({fold: recorder.iterations(fold) for fold in (1, 2, None)})
    assert found[0] == found[1]


def check_callbacks_of_sklearn(case: Case) -> None:
    """Check that scikit-learn's callbacks get usable models, change nothing and can stop."""
    X, y = case.table()
    plain, recorder = case.trainer().fit(X, y), TaskRecorder()
    observed = case.trainer(callbacks=[recorder]).fit(X, y)
    expected = model_outputs(plain, case.probe())
    assert bit_identical(expected, model_outputs(observed, case.probe())), (
        "a fit with a callback of scikit-learn gives other predictions"
    )
    assert plain.history_.drop(columns="seconds").equals(
        observed.history_.drop(columns="seconds")
    )
    # The last task is the fit of the final model; the root has its result.
    assert bit_identical(expected, model_outputs(recorder.fits[-1], case.probe()))
    models = {fitted.n_iter_: fitted for fitted in recorder.iterations}
    if plain.best_iteration_ not in models:
        raise CheckNotApplicable("the model reports no iterations, or not their models")
    best = models[plain.best_iteration_]
    assert bit_identical(expected, model_outputs(best, case.probe())), (
        "the fitted estimator of the best iteration is not the trained model"
    )


class TaskRecorder:
    """Callback of scikit-learn that records tasks, and stops or fails in one of them.

    Attributes
    ----------
    tasks : list of str
        Names of the tasks, in the order in which they began.
    iterations, fits : list of ManagedTrainer
        Fitted estimators of the last tasks that have no subtasks, and of the others.
    rows : dict
        Rows that the last iteration got.
    """

    def __init__(self, stop_at: int | None = None, fail_in: str | None = None) -> None:
        self.stop_at = stop_at
        self.fail_in = fail_in
        self.tasks: list[str] = []
        self.iterations: list[ManagedTrainer] = []
        self.fits: list[ManagedTrainer] = []
        self.rows: dict[str, Any] = {}
        self.n_teardowns = 0

    def setup(self, estimator: Any, context: Any) -> None:
        """Do nothing."""

    def teardown(self, estimator: Any, context: Any) -> None:
        """Count the calls; fail if the time has come."""
        self.n_teardowns += 1
        if self.fail_in == "teardown":
            raise ValueError("of the callback")

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Record the task."""
        self.tasks.append(context.task_name)
        if context.max_subtasks != 0:
            self.iterations.clear()

    def on_fit_task_end(
        self,
        estimator: Any,
        context: Any,
        *,
        X: Any = None,
        y: Any = None,
        metadata: Any = None,
        fitted_estimator: Any = None,
        **validation: Any,
    ) -> bool:
        """Record the fitted estimator; stop or fail if the time has come."""
        draw_globally()
        is_leaf = context.max_subtasks == 0 and context.parent is not None
        if fitted_estimator is not None:
            (self.iterations if is_leaf else self.fits).append(fitted_estimator)
        if is_leaf:
            self.rows = {"X": X, "y": y, "metadata": metadata, **validation}
        if self.fail_in == context.task_name and context.parent is not None:
            raise ValueError("of the callback")
        return is_leaf and self.stop_at is not None and context.task_id + 1 >= self.stop_at

    def names(self) -> list[str]:
        """Return the names of the tasks without repetitions of the previous name."""
        pairs = zip(self.tasks, ["", *self.tasks], strict=False)
        return [name for name, before in pairs if name != before or name == "fit"]


def draw_globally() -> None:
    """Draw from all global generators that are in use."""
    random.random()  # noqa: S311 - as a callback may do
    np.random.random()  # noqa: NPY002 - as a callback may do
    if (torch := sys.modules.get("torch")) is not None:
        torch.rand(1)


def check_trackers_change_nothing(case: Case) -> None:
    """Check that a recorded fit is bit-identical, and that its record is complete."""
    X, y = case.table()
    with tempfile.TemporaryDirectory() as folder:
        recorded = case.trainer(trackers=[JsonlTracker(folder)]).fit(X, y)
        metrics = recorded.run_path_.joinpath("metrics.jsonl").read_text("utf-8").splitlines()
        run = json.loads(recorded.run_path_.joinpath("run.json").read_bytes())
    assert bit_identical(
        model_outputs(case.fitted, case.probe()), model_outputs(recorded, case.probe())
    ), "a fit with a tracker gives other predictions"
    assert run["status"] == "finished"
    assert run["scores"].keys() == set(recorded.scores_.index)
    rows = [json.loads(line) for line in metrics]
    iterations = [row["iteration"] for row in rows]
    assert iterations == sorted(set(iterations)), "iterations are repeated or out of order"
    if rows:
        assert iterations[-1] == recorded.n_iter_


class Recorder(Callback):
    """Callback that records all events, and stops or fails at an iteration."""

    def __init__(self, stop_at: int | None = None, fail_at: int | None = None) -> None:
        self.stop_at = stop_at
        self.fail_at = fail_at
        self.events: list[object] = []

    def on_fit_begin(self, event: FitBeginEvent) -> None:
        """Record the event."""
        self.events.append(event)

    def on_iteration(self, event: IterationEvent) -> bool:
        """Record the event; stop or fail if the time has come."""
        self.events.append(event)
        draw_globally()
        if self.fail_at is not None and event.iteration >= self.fail_at:
            raise ValueError("of the callback")
        return self.stop_at is not None and event.iteration >= self.stop_at

    def on_fold_end(self, event: FoldEndEvent) -> None:
        """Record the event."""
        self.events.append(event)

    def on_fit_end(self, event: FitEndEvent) -> None:
        """Record the event."""
        self.events.append(event)

    def iterations(self, fold: int | None = None) -> list[int]:
        """Return the iterations of the final fit or of a fold."""
        events = [event for event in self.events if isinstance(event, IterationEvent)]
        return [event.iteration for event in events if event.fold == fold]
