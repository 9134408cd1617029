"""The live display, rendered at several widths."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from sktrainer.callbacks.progress_bars import ProgressBars
from tests.callbacks.test_observer import Terminal


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def rendered(bars: ProgressBars, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=24, force_terminal=False)
    console.print(bars)
    return console.file.getvalue().splitlines()


NAME = "HistGradientBoostingClassifier"
PARTS = ["validation loss 0.4700", "best 0.4631 at 13", "patience 12"]


@pytest.mark.parametrize("width", [40, 60, 90, 120, 200])
def test_line_fits_and_shows_more_in_a_wider_terminal(width, clock):
    bars = ProgressBars(Terminal())
    line = bars.open(NAME, 300)
    bars.update(line, NAME, 1, 300, PARTS)
    clock[0] += 10.0
    bars.update(line, NAME, 63, 300, PARTS)
    (text,) = rendered(bars, width)
    bars.close(line)
    assert len(text) <= width
    assert " 63/300" in text
    assert ("HistGradientBoostingClassifier" in text) == (width >= 90)
    assert ("validation loss 0.4700" in text) == (width >= 90)
    assert ("val loss 0.4700  0:38 left" in text) == (width == 60)
    assert ("━" in text) == (width != 60)  # values are more important
    assert ("0:10, 0:38 left" in text) == (width >= 120)
    assert ("best 0.4631 at 13  patience 12" in text) == (width == 200)


def test_part_of_a_fit_has_its_own_label_and_total(clock):
    bars = ProgressBars(Terminal())
    line = bars.open("LGBM", 300)
    bars.update(line, "inner fold 1/5", 20, 300, [])
    clock[0] += 10.0
    bars.update(line, "inner fold 1/5", 120, 300, [])
    (first,) = rendered(bars, 120)
    bars.update(line, "LGBM", 4, 120, [])
    (last,) = rendered(bars, 120)
    bars.close(line)
    assert first.split()[:3] == ["inner", "fold", "1/5"]
    assert "120/300" in first and "0:10, 0:18 left" in first
    assert last.split()[0] == "LGBM"
    assert "4/120" in last and "left" not in last


def test_model_that_reports_nothing_has_a_spinner_with_the_time(clock):
    bars = ProgressBars(Terminal())
    line = bars.open("SVC", 300)
    clock[0] += 75.0
    (text,) = rendered(bars, 80)
    bars.close(line)
    assert text.split()[1:] == ["SVC", "1:15"]
    assert "300" not in text


def test_more_fits_than_lines_are_counted(clock):
    bars = ProgressBars(Terminal())
    lines = [bars.open(f"fold {i}", 10) for i in range(1, 31)]
    texts = rendered(bars, 80)
    for line in lines:
        bars.close(line)
    assert len(texts) == 10
    assert texts[-1] == "  … and 21 more"


def test_display_is_erased_and_lines_remain():
    terminal = Terminal()
    bars = ProgressBars(terminal)
    line = bars.open("LGBM [red]", 1000)
    bars.update(line, "LGBM [red]", 10, 1000, ["validation loss 0.5000"])
    bars.print("✓ a line [above] the bar")
    time.sleep(0.4)
    bars.close(line)
    assert "LGBM [red]" in terminal.getvalue()
    assert "✓ a line [above] the bar" in terminal.getvalue()
    assert not bars.active
