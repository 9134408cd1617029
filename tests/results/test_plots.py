from __future__ import annotations

import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from sktrainer.results import plots


def _drawings(report):
    return {
        "history": lambda ax=None: plots.plot_history(report.history, ax),
        "folds": lambda ax=None: plots.plot_folds(report.folds, ax),
        "importances": lambda ax=None: plots.plot_importances(report.importances, ax),
        "confusion": lambda ax=None: plots.plot_confusion(report.confusion, ax),
    }


KINDS = ["history", "folds", "importances", "confusion"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_drawn_on_the_axes_that_were_passed(report, kind):
    ax = Figure().add_subplot()
    assert _drawings(report)[kind](ax) is ax


@pytest.mark.parametrize("kind", KINDS)
def test_pyplot_is_neither_imported_nor_moved(report, kind, monkeypatch):
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    axes = _drawings(report)[kind]()
    assert "<svg" in plots.axes_svg(axes)
    assert "matplotlib.pyplot" not in sys.modules


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_picture_is_the_same_text_and_settings_are_put_back(report, kind):
    before = dict(mpl.rcParams)
    first, second = (plots.axes_svg(_drawings(report)[kind]()) for _ in range(2))
    assert first == second
    assert "<dc:date>" not in first
    assert dict(mpl.rcParams) == before


def test_history_has_a_line_for_each_set_and_marks_the_best(report):
    axes = plots.plot_history(report.history, best_iteration=20, iteration="round")
    assert [line.get_label() for line in axes.get_lines()] == ["train", "validation", "best"]
    assert axes.get_xlabel() == "round"


def test_values_over_decades_are_drawn_on_a_log_scale(report):
    wide = report.history.assign(value=np.geomspace(1, 1e6, len(report.history)))
    assert plots.plot_history(wide).get_yscale() == "log"
    assert plots.plot_history(report.history).get_yscale() == "linear"


def test_a_metric_that_is_not_there_is_refused_with_those_that_are(report):
    with pytest.raises(ValueError, match=r"expected a metric of the history \(loss\), got 'x'"):
        plots.plot_history(report.history, metric="x")
    with pytest.raises(ValueError, match="got 'x'"):
        plots.plot_folds(report.folds, metric="x")


def test_failed_folds_leave_a_gap(report):
    folds = report.folds.assign(accuracy=[np.nan, 0.9])
    axes = plots.plot_folds(folds, metric="accuracy")
    assert np.isnan(np.asarray(axes.get_lines()[-1].get_ydata())).tolist() == [True, False]
    plots.axes_svg(plots.plot_folds(folds.assign(accuracy=np.nan), metric="accuracy"))


def test_the_largest_weights_stand_on_top():
    weights = pd.Series([0.1, -0.9, np.nan, 0.5], index=["a", "b", "c", "d"])
    axes = plots.plot_importances(weights, limit=2)
    assert [text.get_text() for text in axes.get_yticklabels()] == ["b", "d"]


def test_a_missing_matplotlib_is_named_with_its_extra(report, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "sktrainer\[report\]"'):
        plots.plot_history(report.history)
