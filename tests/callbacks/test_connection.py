"""Iterations of fits in other processes."""

from __future__ import annotations

import dataclasses
import io
import threading

import joblib
import pytest

from sktrainer.callbacks.base import CallbackList
from sktrainer.callbacks.connection import accept_observers
from sktrainer.callbacks.observer import RunObserver
from sktrainer.callbacks.progress import Progress
from sktrainer.exceptions import CallbackError
from sktrainer.testing.callback_checks import Recorder


def fit(observer, fold: int, n_iter: int) -> int:
    """Return the iteration at which the observer stopped a fit, in another process."""
    with observer.fit(f"fold {fold}", n_iter, fold) as on_iteration:
        if on_iteration is None:
            return -1
        for i in range(1, n_iter + 1):
            if on_iteration(i, {"validation": {"loss": 1.0 / i}}):
                on_iteration.raise_error()
                return i
    return n_iter


def run_observer(*callbacks, verbose=0, stream=None) -> RunObserver:
    return RunObserver(Progress(verbose, stream or io.StringIO()), CallbackList(callbacks))


def in_processes(observer, n_iter=20) -> list[int]:
    tasks = (joblib.delayed(fit)(observer, fold, n_iter) for fold in (1, 2))
    return joblib.Parallel(2, backend="loky")(tasks)


@pytest.mark.slow
def test_callbacks_get_all_iterations_and_can_stop():
    recorder = Recorder(stop_at=7)
    with accept_observers(run_observer(recorder)) as observer:
        assert in_processes(observer) == [7, 7]
    assert recorder.iterations(1) == recorder.iterations(2) == [*range(1, 8)]


@pytest.mark.slow
def test_error_of_a_callback_is_raised_in_the_other_process():
    with (
        accept_observers(run_observer(Recorder(fail_at=3))) as observer,
        pytest.raises(CallbackError, match="Recorder.on_iteration raised ValueError"),
    ):
        in_processes(observer)


def test_display_does_not_wait_for_an_answer():
    stream = io.StringIO()
    with accept_observers(run_observer(verbose=2, stream=stream)) as observer:
        assert observer.reads_every_iteration
        assert fit(observer, 1, 3) == 3
    assert len(stream.getvalue().splitlines()) == 3
    with accept_observers(run_observer(verbose=1)) as observer:
        assert not observer.reads_every_iteration
        assert fit(observer, 1, 3) == 3


def test_fit_goes_on_if_the_run_does_not_listen():
    with accept_observers(run_observer(Recorder())) as observer:
        pass
    assert fit(observer, 1, 5) == -1


def test_other_key_is_refused_and_the_run_goes_on():
    recorder = Recorder()
    with accept_observers(run_observer(recorder)) as observer:
        stranger = dataclasses.replace(observer, key=b"wrong")
        assert fit(stranger, 1, 5) == -1
        assert fit(observer, 1, 5) == 5
    assert recorder.iterations(1) == [1, 2, 3, 4, 5]


def test_no_thread_remains():
    before = threading.active_count()
    with accept_observers(run_observer(Recorder())) as observer:
        fit(observer, 1, 2)
    assert threading.active_count() == before
