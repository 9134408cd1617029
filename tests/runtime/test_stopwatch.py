from __future__ import annotations

import math
import threading
import time

import pytest

from sktrainer.runtime.stopwatch import Stopwatch, Usage

COLUMNS = ["stage", "seconds", "cpu_seconds", "memory_increase_mb"]


def test_stages_keep_their_order_and_repeated_ones_are_merged():
    watch = Stopwatch()
    with watch.stage("split"):
        pass
    with pytest.raises(KeyError), watch.stage("fit"):
        raise KeyError
    watch.add("split", Usage(2.0, 1.0, 50.0))
    frame = watch.to_frame()
    assert list(frame.columns) == COLUMNS
    assert frame["stage"].tolist() == ["split", "fit"]
    assert watch.usage("split").seconds > 2.0
    assert watch.usage("split").memory_increase_mb == 50.0
    assert watch.usage("never") == Usage()
    assert watch.elapsed > 0


def test_empty_stopwatch_has_the_same_columns():
    timed = Stopwatch()
    timed.add("fit", Usage(1.0))
    frame = Stopwatch().to_frame()
    assert frame.empty
    assert frame.dtypes.equals(timed.to_frame().dtypes)


def test_gpu_memory_is_a_column_if_there_is_any():
    watch = Stopwatch()
    watch.add("fit", Usage(1.0, gpu_memory_mb=96.0))
    watch.add("fit", Usage(1.0, gpu_memory_mb=80.0))
    assert watch.to_frame()["gpu_memory_mb"].tolist() == [96.0]


def test_waiting_needs_no_cpu_time_and_computing_does():
    watch = Stopwatch()
    with watch.stage("wait"):
        time.sleep(0.1)
    with watch.stage("compute"):
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
    frame = watch.to_frame().set_index("stage")
    assert frame.loc["wait", "seconds"] > 0.09
    assert frame.loc["wait", "cpu_seconds"] < 0.09
    assert frame.loc["compute", "cpu_seconds"] == pytest.approx(0.1, rel=0.5)


def test_memory_and_cpu_time_are_unknown_beside_a_fit_of_another_thread():
    watch, other = Stopwatch(), Stopwatch()

    def fit_elsewhere():
        with other.whole_fit(), other.stage("fit"):
            pass

    with watch.whole_fit(), watch.stage("fit"):
        thread = threading.Thread(target=fit_elsewhere)
        thread.start()
        thread.join()
    for each in (watch, other):
        assert math.isnan(each.usage("fit").cpu_seconds)
        assert math.isnan(each.memory_increase_mb)
        assert each.usage("fit").seconds > 0


def test_a_fit_inside_a_fit_does_not_hide_its_memory():
    outer, inner = Stopwatch(), Stopwatch()
    with outer.whole_fit(), outer.stage("fit"), inner.whole_fit(), inner.stage("fit"):
        pass
    assert outer.usage("fit").cpu_seconds >= 0
    assert inner.usage("fit").cpu_seconds >= 0


def test_unknown_clock_and_memory_are_nan():
    watch = Stopwatch(None, measures_memory=False)
    with watch.stage("fit"):
        pass
    assert watch.to_frame()[["cpu_seconds", "memory_increase_mb"]].isna().all(axis=None)
