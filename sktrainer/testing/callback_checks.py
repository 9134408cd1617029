"""Contract checks of callbacks."""

from __future__ import annotations

from sktrainer.callbacks.base import (
    Callback,
    FitBeginEvent,
    FitEndEvent,
    FoldEndEvent,
    IterationEvent,
)
from sktrainer.exceptions import CallbackError
from sktrainer.testing.cases import Case, CheckNotApplicable, bit_identical, model_outputs


def check_callbacks_observe_and_stop(case: Case) -> None:
    """Check that callbacks get every iteration, change nothing, can stop and may fail."""
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
