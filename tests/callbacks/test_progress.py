from __future__ import annotations

import io
import threading
import warnings

import joblib
import pytest
import rich.console  # noqa: F401 - draws from Python's generator when it is imported

from sktrainer.callbacks import progress as module
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
        with progress.fit_line("m", 3) as display:
            assert display is None
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
    return Progress(1).enabled


def test_only_the_main_process_prints():
    assert Progress(1).enabled
    workers = joblib.Parallel(2, backend="loky")(
        joblib.delayed(_is_active_in_a_worker)() for _ in range(2)
    )
    assert workers == [False, False]


def test_rich_is_imported_only_for_a_bar():
    assert "rich" not in vars(module)
    assert "rich" not in vars(resources)


def test_long_lines_are_broken_at_spaces_in_a_narrow_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    text = "Data split: 70% train (28,000), 10% validation (4,000), stratified"
    lines = _output(1, lambda progress: progress.show(text), Terminal()).splitlines()
    assert lines == [
        "✓ Data split: 70% train (28,000), 10%",
        "  validation (4,000), stratified",
    ]
    assert _output(1, lambda progress: progress.show(text)) == f"✓ {text}\n"


def test_first_table_that_fits_is_printed(monkeypatch):
    def write(progress):
        progress.show_block(lambda: "wide " * 10, lambda: "narrow")

    monkeypatch.setenv("COLUMNS", "40")
    assert _output(1, write, Terminal()) == "    narrow\n"
    monkeypatch.setenv("COLUMNS", "80")
    assert "wide" in _output(1, write, Terminal())
    assert "wide" in _output(1, write)
