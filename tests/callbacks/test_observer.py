"""Iterations on their way from the monitor to the display and the callbacks."""

from __future__ import annotations

import io
import threading
import time

import pytest
import rich.console  # noqa: F401 - draws from Python's generator when it is imported

from sktrainer.callbacks.base import CallbackList
from sktrainer.callbacks.early_stopping import EvalMetric, Monitor
from sktrainer.callbacks.observer import RunObserver
from sktrainer.callbacks.progress import Progress
from sktrainer.exceptions import CallbackError
from sktrainer.testing.callback_checks import Recorder


class Terminal(io.StringIO):
    """Stream that claims to be a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


def observer(verbose=0, callbacks=(), stream=None):
    return RunObserver(Progress(verbose, stream or io.StringIO()), CallbackList(callbacks))


def test_event_has_best_iteration_and_patience():
    recorder = Recorder()
    with observer(callbacks=[recorder]).fit("m", 10, fold=2) as on_iteration:
        monitor = Monitor(EvalMetric(), n_iter_no_change=5, on_iteration=on_iteration)
        on_iteration.set_monitor(monitor)
        for i, loss in enumerate([0.5, 0.4, 0.6, 0.7], 1):
            assert monitor.record(i, {"validation": {"loss": loss}}) is False
    last = recorder.events[-1]
    assert (last.fold, last.iteration, last.max_iter) == (2, 4, 10)
    assert (last.metric, last.best_iteration, last.best_value) == ("loss", 2, 0.4)
    assert last.patience == 3
    assert last.metrics == {"validation": {"loss": 0.7}}
    assert last.seconds >= 0


def test_metric_has_the_name_that_is_shown():
    recorder = Recorder()
    metric = EvalMetric("f1", max, shown_name="f1 ('bad')")
    with observer(callbacks=[recorder]).fit("m", None) as on_iteration:
        monitor = Monitor(metric, on_iteration=on_iteration)
        on_iteration.set_monitor(monitor)
        monitor.record(1, {"validation": {"loss": 0.5, "f1": 0.25}})
    assert recorder.events[0].metric == "f1 ('bad')"
    assert recorder.events[0].metrics == {"validation": {"loss": 0.5, "f1 ('bad')": 0.25}}


def test_nobody_is_called_without_display_and_callbacks():
    class Other:
        def on_fit_end(self, event):
            pass

    with observer(callbacks=[Other()]).fit("m", 5) as on_iteration:
        assert on_iteration is None


def test_error_of_a_callback_stops_and_is_raised_later():
    with observer(callbacks=[Recorder(fail_at=1)]).fit("m", 5) as on_iteration:
        assert on_iteration(1, {}) is True
        with pytest.raises(CallbackError, match="Recorder.on_iteration raised ValueError"):
            on_iteration.raise_error()


def test_verbose_two_prints_every_iteration():
    stream = Terminal()
    with observer(2, stream=stream).fit("LGBM", 1000) as on_iteration:
        monitor = Monitor(EvalMetric(), on_iteration=on_iteration)
        on_iteration.set_monitor(monitor)
        for i, loss in enumerate([0.5, 0.4, 0.6], 1):
            monitor.record(i, {"train": {"loss": loss / 2}, "validation": {"loss": loss}})
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[2].startswith(
        "  LGBM      3/1,000  train loss 0.3000, validation loss 0.6000, best 0.4000 at 2"
    )


def test_pipe_gets_a_line_every_five_seconds(monkeypatch):
    clock, stream = [0.0], io.StringIO()
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    with observer(1, stream=stream).fit("m", None) as on_iteration:
        for i in range(1, 18):
            clock[0] = float(i)
            on_iteration(i, {"validation": {"loss": 1.0}})
    lines = stream.getvalue().splitlines()
    assert [line.split()[1] for line in lines] == ["5", "10", "15"]
    assert lines[0] == "  m  5  validation loss 1.000  5.0 s"


def test_fits_in_several_threads_share_one_display():
    terminal = Terminal()
    run = observer(1, stream=terminal)
    barrier = threading.Barrier(3)

    def fit(name):
        with run.fit(name, 10) as on_iteration:
            barrier.wait(5)
            for i in range(1, 11):
                time.sleep(0.03)
                on_iteration(i, {"train": {"loss": 1.0}})
        run.progress.show(f"{name} done")

    threads = [threading.Thread(target=fit, args=(f"fold {i}",)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(3):
        assert f"✓ fold {i} done" in terminal.getvalue()
    assert not run.progress._bars.active


def test_interrupt_removes_the_display():
    run = observer(1, stream=Terminal())
    with pytest.raises(KeyboardInterrupt), run.fit("m", 5):
        raise KeyboardInterrupt
    assert not run.progress._bars.active
