from __future__ import annotations

import time

import pandas as pd
import pytest

from sktrainer.callbacks.history import (
    evals_result,
    history_frame,
    recorded_eval_metric,
    values_at_iteration,
)
from sktrainer.types import MetricValue


def _entries(n_iter):
    return [
        MetricValue(i, part, metric, i / 2, i / 100)
        for i in range(1, n_iter + 1)
        for part in ("train", "validation")
        for metric in ("loss", "auc")
    ]


def test_history_has_one_row_per_value():
    frame = history_frame(_entries(3))
    assert list(frame.columns) == ["iteration", "set", "metric", "value", "seconds"]
    assert len(frame) == 12
    auc = frame[(frame["set"] == "validation") & (frame["metric"] == "auc")]
    assert auc["value"].tolist() == [0.5, 1.0, 1.5]
    assert auc["iteration"].tolist() == [1, 2, 3]


def test_empty_history_has_the_same_dtypes():
    assert history_frame([]).dtypes.equals(history_frame(_entries(1)).dtypes)
    assert history_frame([]).dtypes["iteration"] == "int64"
    assert history_frame([]).dtypes["value"] == "float64"


def test_empty_and_filled_histories_can_be_concatenated():
    both = pd.concat([history_frame([]), history_frame(_entries(2))])
    assert both.dtypes.equals(history_frame(_entries(2)).dtypes)


def test_100_000_values_take_less_than_a_second():
    entries = _entries(25_000)
    start = time.perf_counter()
    frame, nested = history_frame(entries), evals_result(entries)
    assert time.perf_counter() - start < 1.0
    assert len(frame) == 100_000
    assert len(nested["train"]["loss"]) == 25_000


def test_nested_lists_keep_the_order_of_iterations():
    nested = evals_result(_entries(2))
    assert nested == {
        "train": {"loss": [0.5, 1.0], "auc": [0.5, 1.0]},
        "validation": {"loss": [0.5, 1.0], "auc": [0.5, 1.0]},
    }


@pytest.mark.parametrize("part", ["train", "validation"])
def test_both_sets_are_present_in_an_empty_history(part):
    assert evals_result([])[part] == {}


def _curves(**curves):
    return [
        MetricValue(i, "validation", name, value, 0.0)
        for name, values in curves.items()
        for i, value in enumerate(values, start=1)
    ]


@pytest.mark.parametrize(
    ("curves", "requested", "tol", "found"),
    [
        ({"loss": [3, 1, 2], "auc": [0.1, 0.2, 0.3]}, "loss", 0.0, "loss"),
        ({"rmse": [3, 1, 2]}, "loss", 0.0, "rmse"),
        ({"auc": [0.1, 0.9, 0.3], "error": [0.3, 0.2, 0.1]}, "loss", 0.0, "auc"),
        ({"auc": [0.1, 0.9, 0.3], "error": [0.3, 0.1, 0.2]}, "loss", 0.0, "loss"),
        ({"auc": [0.1, 0.9, 0.3], "error": [0.3, 0.2, 0.1]}, "loss", 0.1, "loss"),
        ({}, "loss", 0.0, "loss"),
    ],
)
def test_recorded_name_of_watched_metric(curves, requested, tol, found):
    best = 2 if curves else None
    assert recorded_eval_metric(_curves(**curves), best, requested, tol) == found


def test_values_at_an_iteration_are_validation_metrics():
    assert values_at_iteration(_entries(3), 3) == {"loss": 1.5, "auc": 1.5}
