from __future__ import annotations

import numpy as np

from sktrainer.scoring.error_summary import BINS, RESIDUAL_BINS, summarize_errors


def _rows(n_rows=1000, seed=0):
    generator = np.random.default_rng(seed)
    predicted = generator.uniform(0, 10, n_rows)
    return predicted + generator.normal(0, 1 + predicted), predicted


def test_counts_contain_every_row_once():
    y, predicted = _rows()
    summary = summarize_errors(y, predicted)
    counts = np.array(summary["counts"])
    assert counts.shape == (BINS, BINS)
    assert counts.sum() == 1000
    edges = np.array(summary["edges"])
    inside = (predicted >= edges[5]) & (predicted < edges[20])
    assert counts[5:20].sum() == inside.sum()


def test_extreme_values_are_counted_in_the_outer_bins():
    y = np.append(np.linspace(0, 1, 5000), 1e9)
    summary = summarize_errors(y, np.append(y[:-1], 0.5))
    assert summary["edges"][-1] < 2
    counts = np.array(summary["counts"])
    assert counts[BINS // 2 - 1 : BINS // 2 + 1, -1].sum() == 1


def test_values_that_span_decades_have_bins_of_equal_ratios():
    y = np.geomspace(1, 1e6, 500)
    edges = np.array(summarize_errors(y, y)["edges"])
    np.testing.assert_allclose(edges[1:] / edges[:-1], edges[1] / edges[0])


def test_residual_quantiles_follow_the_prediction():
    y, predicted = _rows(20_000)
    bins = summarize_errors(y, predicted)["by_prediction"]
    assert len(bins["predicted"]) == RESIDUAL_BINS
    assert np.all(np.diff(bins["predicted"]) > 0)
    width = np.array(bins["95%"]) - np.array(bins["5%"])
    expected = 2 * 1.645 * (1 + np.array(bins["predicted"]))
    np.testing.assert_allclose(width, expected, rtol=0.15)


def test_residuals_in_time_order_show_a_drift():
    time = np.random.default_rng(0).permutation(500)
    summary = summarize_errors(time / 100.0, np.zeros(500), time=time)
    medians = summary["by_time"]["50%"]
    assert np.all(np.diff(medians) > 0)
    assert summary["by_time"]["position"][0] == 0.5 / RESIDUAL_BINS
    assert summarize_errors(time / 100.0, np.zeros(500))["by_time"] == {}


def test_absolute_error_has_quantiles_up_to_the_maximum():
    y = np.arange(101.0)
    sizes = summarize_errors(y, np.zeros(101))["absolute_error"]
    assert sizes == {"50%": 50, "75%": 75, "90%": 90, "95%": 95, "99%": 99, "100%": 100}


def test_one_row_and_a_constant_are_summarized():
    for n_rows in (1, 7):
        summary = summarize_errors(np.full(n_rows, 3.0), np.full(n_rows, 3.0))
        assert np.array(summary["counts"]).sum() == n_rows
        assert summary["by_prediction"]["50%"] == [0.0]
