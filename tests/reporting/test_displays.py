from __future__ import annotations

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.calibration import CalibrationDisplay
from sklearn.metrics import ConfusionMatrixDisplay, PrecisionRecallDisplay, RocCurveDisplay

from sktrainer.exceptions import InputError
from sktrainer.reporting import displays
from sktrainer.reporting.html import render_page
from sktrainer.scoring.curves import classification_curves
from sktrainer.scoring.error_summary import summarize_errors


def _classes(n_classes, n_rows=500):
    generator = np.random.default_rng(0)
    y = generator.integers(n_classes, size=n_rows)
    raw = generator.random((n_rows, n_classes)) + 0.5 * np.eye(n_classes)[y]
    labels = [f"$c{i}" for i in range(n_classes)]
    found = classification_curves(
        y, labels, raw / raw.sum(axis=1, keepdims=True), None, 1 if n_classes == 2 else None
    )
    return {**found, "source": "test"}


@pytest.fixture
def binary(report):
    return dataclasses.replace(report, evaluation=_classes(2))


@pytest.fixture
def many(report):
    return dataclasses.replace(report, evaluation=_classes(5))


@pytest.fixture
def regression(regression_report):
    generator = np.random.default_rng(0)
    y = generator.lognormal(3, 2, 400)
    errors = summarize_errors(y, y * generator.lognormal(0, 0.3, 400), time=np.arange(400))
    section = {"source": "out-of-fold", "n_rows": 400, "errors": [errors]}
    return dataclasses.replace(regression_report, evaluation=section)


def _axes():
    return Figure().add_subplot()


def test_curves_are_displays_of_scikit_learn(binary, many):
    for report, n_curves in ((binary, 1), (many, 5)):
        roc = displays.plot_roc_curve(report, _axes())
        precision = displays.plot_precision_recall_curve(report, _axes())
        assert isinstance(roc, RocCurveDisplay)
        assert isinstance(precision, PrecisionRecallDisplay)
        assert len(roc.fpr) == len(precision.recall) == n_curves
        label = roc.ax_.get_legend().get_texts()[0].get_text()
        area = report.evaluation["curves"][0]["roc_auc"]
        assert label == f"{report.evaluation['curves'][0]['label']} (AUC = {area:.2f})"


def test_calibration_shows_the_bins(binary):
    display = displays.plot_calibration_curve(binary, _axes())
    assert isinstance(display, CalibrationDisplay)
    bins = binary.evaluation["calibration"]
    np.testing.assert_array_equal(display.line_.get_xdata(), bins["predicted"])
    np.testing.assert_array_equal(display.line_.get_ydata(), bins["observed"])


def test_confusion_matrix_has_the_counts_and_labels(report):
    display = displays.plot_confusion_matrix(report, _axes())
    assert isinstance(display, ConfusionMatrixDisplay)
    assert display.text_[1, 0].get_text() == "9"
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == ["no", "yes"]


def test_thresholds_weigh_errors_by_their_cost(binary):
    table = binary.evaluation["thresholds"]
    display = displays.plot_thresholds(
        binary, _axes(), false_positive_cost=1, false_negative_cost=10
    )
    expected = np.add(table["false_positives"], np.multiply(10, table["false_negatives"]))
    np.testing.assert_array_equal(display.cost, expected)
    drawn = display.ax_.get_lines()[-1].get_ydata()
    np.testing.assert_allclose(drawn, expected / expected.max())
    assert display.ax_.get_xlabel() == "threshold of class $c1"


def test_prediction_errors_use_log_axes_over_decades(regression):
    display = displays.plot_prediction_errors(regression, _axes())
    assert display.ax_.get_xscale() == display.ax_.get_yscale() == "log"
    n_cells = sum(len(patch.get_path().vertices) // 5 for patch in display.ax_.patches)
    assert n_cells == np.count_nonzero(display.errors["counts"])


@pytest.mark.parametrize(
    ("against", "key"), [("prediction", "predicted"), ("time", "position")]
)
def test_residuals_show_the_median_of_each_bin(regression, against, key):
    display = displays.plot_residuals(regression, _axes(), against=against)
    bins = regression.evaluation["errors"][0][f"by_{against}"]
    line = display.ax_.get_lines()[0]
    np.testing.assert_array_equal(line.get_xdata(), bins[key])
    np.testing.assert_array_equal(line.get_ydata(), bins["50%"])


def test_fold_curves_have_one_line_per_fold_and_a_log_axis(report):
    history = pd.DataFrame(
        {
            "fold": [1, 1, 2, 2],
            "iteration": [1, 2, 1, 2],
            "metric": "loss",
            "value": [900.0, 1.0, 800.0, 0.9],
        }
    )
    shown = dataclasses.replace(report, fold_history=history)
    display = displays.plot_fold_curves(shown, _axes())
    assert [line.get_label() for line in display.ax_.get_lines()] == ["1", "2"]
    assert display.ax_.get_yscale() == "log"
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("round", "loss")


def test_page_draws_the_confusion_matrix_of_many_classes(report):
    labels = [f"<c{i}>" for i in range(20)]
    counts = 7 * np.eye(20, dtype=int)
    counts[3, 4] = 3
    confusion = pd.DataFrame(counts, index=labels, columns=labels)
    page = render_page(dataclasses.replace(report, confusion=confusion))
    section = page.partition("<h3>Confusion matrix (test rows)</h3>")[2].partition(
        "</section>"
    )[0]
    assert section.count(">7</text>") == 20
    assert section.count(">3</text>") == 1
    assert section.count("&lt;c3&gt;") == 2
    assert "<table" not in section


def test_missing_values_are_named(report, regression, binary):
    with pytest.raises(InputError, match=r"no curves \(it has: n_rows, errors\)"):
        displays.plot_roc_curve(regression, _axes())
    with pytest.raises(InputError, match=r"no errors .*Set test_size or cv"):
        displays.plot_prediction_errors(report, _axes())
    with pytest.raises(InputError, match="no confusion matrix"):
        displays.plot_confusion_matrix(regression, _axes())
    with pytest.raises(InputError, match="validation curves of folds"):
        displays.plot_fold_curves(report, _axes())
    with pytest.raises(InputError, match="against must be"):
        displays.plot_residuals(regression, _axes(), against="tme")
    regression.evaluation["errors"][0]["by_time"] = {}
    with pytest.raises(InputError, match="no order in time"):
        displays.plot_residuals(regression, _axes(), against="time")


def test_display_without_axes_has_a_figure_of_its_own(binary):
    import matplotlib.pyplot as plt

    display = displays.plot_thresholds(binary)
    assert display.figure_ is display.ax_.figure
    plt.close(display.figure_)


@pytest.mark.parametrize(
    ("name", "captions"),
    [
        (
            "binary",
            [
                "ROC curve",
                "Precision and recall",
                "Scores by threshold",
                "Calibration",
                "Predicted probabilities",
            ],
        ),
        (
            "many",
            ["ROC curve", "Precision and recall", "Calibration", "Predicted probabilities"],
        ),
        (
            "regression",
            ["Predicted and actual values", "Residuals", "Residuals over time"],
        ),
    ],
)
def test_page_shows_every_plot(name, captions, request):
    page = render_page(request.getfixturevalue(name))
    assert re.findall(r"<figcaption>(.*?)</figcaption>", page) == captions
    assert not re.search(r"(src|href)=\"(?!#)", page)
