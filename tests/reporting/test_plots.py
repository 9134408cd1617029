from __future__ import annotations

import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from sktrainer.reporting import plots
from sktrainer.reporting.sentences import top_importances


def _drawings(report):
    return {
        "history": lambda ax=None: plots.plot_history(report.history, ax),
        "folds": lambda ax=None: plots.plot_folds(report.folds, ax),
    }


KINDS = ["history", "folds"]


@pytest.mark.parametrize("kind", KINDS)
def test_plot_uses_the_given_axes(report, kind):
    ax = Figure().add_subplot()
    assert _drawings(report)[kind](ax) is ax


@pytest.mark.parametrize("kind", KINDS)
def test_plots_do_not_import_pyplot(report, kind, monkeypatch):
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    axes = _drawings(report)[kind]()
    assert "<svg" in plots.figure_to_svg(axes)
    assert "matplotlib.pyplot" not in sys.modules


@pytest.mark.parametrize("kind", KINDS)
def test_svg_is_reproducible_and_rcparams_are_restored(report, kind):
    before = dict(mpl.rcParams)
    first, second = (plots.figure_to_svg(_drawings(report)[kind]()) for _ in range(2))
    assert first == second
    assert "<dc:date>" not in first
    assert dict(mpl.rcParams) == before


def test_history_plot_shows_both_sets_and_best_iteration(report):
    axes = plots.plot_history(report.history, best_iteration=20, iteration="round")
    assert [line.get_label() for line in axes.get_lines()] == ["train", "validation", "best"]
    assert axes.get_xlabel() == "round"


def test_wide_range_of_values_uses_log_scale(report):
    wide = report.history.assign(value=np.geomspace(1, 1e6, len(report.history)))
    assert plots.plot_history(wide).get_yscale() == "log"
    assert plots.plot_history(report.history).get_yscale() == "linear"


def test_unknown_metric_raises_and_lists_available_metrics(report):
    with pytest.raises(ValueError, match=r"metric='x' is not in the history; available: loss"):
        plots.plot_history(report.history, metric="x")
    with pytest.raises(ValueError, match="metric='x' is not in folds; available: accuracy"):
        plots.plot_folds(report.folds, metric="x")


def test_failed_folds_have_no_point(report):
    folds = report.folds.assign(accuracy=[np.nan, 0.9])
    axes = plots.plot_folds(folds, metric="accuracy")
    assert np.isnan(np.asarray(axes.get_lines()[-1].get_ydata())).tolist() == [True, False]
    plots.figure_to_svg(plots.plot_folds(folds.assign(accuracy=np.nan), metric="accuracy"))


def test_largest_importances_are_found_among_duplicate_names():
    weights = pd.Series([0.1, 0.2, -0.9, 0.5], index=["a", "b", "a", "b"])
    assert top_importances(weights, 2).tolist() == [-0.9, 0.5]


def test_missing_matplotlib_error_names_the_extra(report, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "sktrainer\[report\]"'):
        plots.plot_history(report.history)
