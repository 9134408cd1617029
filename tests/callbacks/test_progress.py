from __future__ import annotations

import io
import threading
import time
import warnings

import joblib
import pytest
import rich.console  # noqa: F401 - draws from Python's generator when it is imported

from sktrainer.callbacks import progress as module
from sktrainer.callbacks.early_stopping import EvalMetric, Monitor
from sktrainer.callbacks.progress import Progress
from sktrainer.exceptions import DataWarning, SktrainerWarning, warn_caller
from sktrainer.runtime import resources


class Terminal(io.StringIO):
    """Stream that claims to be a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


def _output(verbose, write, stream=None):
    target = stream or io.StringIO()
    write(Progress(verbose, target))
    return target.getvalue()


def test_stages_folds_and_tables_are_printed():
    def write(progress):
        progress.show("Data split: 80% train (80), 20% test (20)")
        progress.warn("Class imbalance: 0: 9, 1: 1")
        progress.show_fold(2, 10, {"roc_auc": 0.9, "f1": 12345.678}, seconds=1.25)
        progress.show_fold(10, 10, {}, seconds=0.5, error="ValueError: no")
        progress.show_block(lambda: "      f1\ntrain  1")

    assert _output(1, write).splitlines() == [
        "✓ Data split: 80% train (80), 20% test (20)",
        "⚠ Class imbalance: 0: 9, 1: 1",
        "  fold  2/10  roc_auc 0.9000  f1 12,346  1.2 s",
        "⚠ fold 10/10 failed after 0.5 s: ValueError: no",
        "          f1",
        "    train  1",
    ]


def test_verbose_zero_prints_nothing_but_issues_warnings():
    def write(progress):
        progress.show("x")
        progress.show_block(lambda: pytest.fail("the text was made"))
        progress.show_fold(1, 2, {}, seconds=1.0)
        with progress.iterations("m", 3) as shown:
            shown(1, {"validation": {"loss": 1.0}})
        with pytest.warns(DataWarning, match="mind this"):
            progress.warn("mind this", DataWarning)

    assert _output(0, write) == ""


def test_warning_points_at_the_line_of_user_code(tmp_path):
    caller = tmp_path / "caller.py"
    caller.write_text("\n\nfit()\n")
    inner = {"__name__": "sktrainer.trainer", "warn_caller": warn_caller}
    exec("def fit(): warn_caller('careful')", inner)
    wrapper = {"__name__": "sklearn.base", "fit": inner["fit"]}
    exec("def wrapped(): fit()", wrapper)
    names = {"__name__": "their_script", "fit": wrapper["wrapped"]}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exec(compile(caller.read_text(), str(caller), "exec"), names)
    assert [(w.filename, w.lineno, w.category) for w in caught] == [
        (str(caller), 3, SktrainerWarning)
    ]


def test_warning_from_a_joblib_pool_is_issued():
    def warn(_):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warn_caller("careful")
        return len(caught)

    assert joblib.Parallel(1)(joblib.delayed(warn)(i) for i in range(2)) == [1, 1]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_symbols_are_replaced_on_streams_without_unicode(encoding):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    progress = Progress(1, stream)
    progress.show("split …")
    progress.warn("0.9 ± 0.1 名")
    stream.flush()
    assert raw.getvalue().decode(encoding).splitlines() == [
        "+ split ...",
        "! 0.9 +/- 0.1 ?",
    ]


def test_stdout_is_looked_up_when_writing(capsys):
    progress = Progress(1)
    progress.show("here")
    assert capsys.readouterr().out == "✓ here\n"


def test_verbose_two_prints_every_iteration():
    monitor = Monitor(EvalMetric())

    def write(progress):
        with progress.iterations("LGBM", 1000) as shown:
            shown.set_monitor(monitor)
            for i, loss in enumerate([0.5, 0.4, 0.6], 1):
                values = {"train": {"loss": loss / 2}, "validation": {"loss": loss}}
                monitor.record(i, values)
                shown(i, values)

    lines = _output(2, write, Terminal()).splitlines()
    assert len(lines) == 3
    assert lines[2].startswith(
        "  LGBM      3/1,000  train loss 0.3000, validation loss 0.6000, best 0.4000 at 2"
    )


def test_non_terminal_gets_a_line_every_ten_seconds(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("sktrainer.callbacks.progress.time.monotonic", lambda: clock[0])

    def write(progress):
        with progress.iterations("m") as shown:
            for i in range(1, 36):
                clock[0] = float(i)
                shown(i, {"validation": {"loss": 1.0}})

    numbers = [line.split()[1] for line in _output(1, write).splitlines()]
    assert numbers == ["10", "20", "30"]


def test_terminal_bar_is_erased_and_lines_remain():
    def write(progress):
        with progress.iterations("LGBM [red]", 1000) as shown:
            for i in range(1, 4):
                time.sleep(0.12)
                shown(i, {"validation": {"loss": 0.5}})
            progress.show("a line [above] the bar")
            time.sleep(0.3)
        progress.show("after")

    text = _output(1, write, Terminal())
    assert "LGBM [red]" in text
    assert "validation loss 0.5000" in text
    assert "✓ a line [above] the bar" in text
    assert text.endswith("✓ after\n")


def test_bars_of_several_threads_share_one_display():
    terminal = Terminal()
    progress = Progress(1, terminal)
    barrier = threading.Barrier(3)

    def fit(name):
        with progress.iterations(name, 10) as shown:
            barrier.wait(5)
            for i in range(1, 11):
                time.sleep(0.03)
                shown(i, {"train": {"loss": 1.0}})
        progress.show(f"{name} done")

    threads = [threading.Thread(target=fit, args=(f"fold {i}",)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(3):
        assert f"✓ fold {i} done" in terminal.getvalue()
    assert progress._bars is not None
    assert not progress._bars.active


def test_interrupt_removes_the_bar():
    progress = Progress(1, Terminal())
    with pytest.raises(KeyboardInterrupt), progress.iterations("m", 5):
        raise KeyboardInterrupt
    assert progress._bars is not None
    assert not progress._bars.active


def test_lines_of_several_threads_do_not_mix():
    stream = io.StringIO()
    progress = Progress(1, stream)

    def write():
        for _ in range(200):
            progress.show("x" * 50)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(stream.getvalue().splitlines()) == {"✓ " + "x" * 50}


def _is_active_in_a_worker():
    return Progress(1)._enabled


def test_only_the_main_process_prints():
    assert Progress(1)._enabled
    workers = joblib.Parallel(2, backend="loky")(
        joblib.delayed(_is_active_in_a_worker)() for _ in range(2)
    )
    assert workers == [False, False]


@pytest.mark.parametrize("verbose", [0, 1])
def test_overhead_per_iteration_is_microseconds(verbose):
    values = {"train": {"loss": 1.0}, "validation": {"loss": 1.0}}
    with Progress(verbose, io.StringIO()).iterations("m", 10**6) as shown:
        start = time.perf_counter()
        for i in range(100_000):
            shown(i, values)
        seconds = time.perf_counter() - start
    assert seconds < 0.5


def test_rich_is_imported_only_for_a_bar():
    assert "rich" not in vars(module)
    assert "rich" not in vars(resources)
