"""Tables of scores for display."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sktrainer.reporting.score_tables import folds_summary, scores_table


def test_last_set_has_the_constant_beside_it_and_each_metric_its_digits():
    scores = pd.DataFrame(
        {"r2": [0.91234, 0.8], "rmse": [51234.5, 60321.25]}, index=["train", "test"]
    )
    table = scores_table(scores, scores * 0.5, {"r2": "R2"})
    assert list(table.columns) == ["train", "test", "constant"]
    assert list(table.loc["R2"]) == ["0.912", "0.800", "0.400"]
    assert list(table.loc["rmse"]) == ["51,234", "60,321", "30,161"]


def test_table_without_constants_has_one_column_per_set():
    scores = pd.DataFrame({"r2": [0.9, np.nan]}, index=["train", "test"])
    assert scores_table(scores, pd.DataFrame(), {}).loc["r2"].to_dict() == {
        "train": "0.900",
        "test": "-",
    }


def test_summary_of_folds_states_what_each_score_is_computed_on():
    summary = pd.DataFrame(
        {
            "mean": [0.9, 0.8, 0.7],
            "std": [0.01, 0.02, np.nan],
            "constant": [0.5, np.nan, 0.0],
            "n_folds": [10, 9, 10],
            "pooled": [False, False, True],
        },
        index=["accuracy", "roc_auc", "f1"],
    )
    table = folds_summary(summary, 10, {"f1": "f1 ('bad')"})
    assert list(table["computed on"]) == [
        "10 folds",
        "9 of 10 folds",
        "pooled rows of 10 folds",
    ]
    assert list(table.loc["f1 ('bad')"])[:3] == ["0.700", "-", "0.00"]
