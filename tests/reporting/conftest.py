"""Example reports: one with every section filled, one nearly empty, one of a regression."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sktrainer.callbacks.history import history_frame
from sktrainer.reporting.report import TrainingReport
from sktrainer.types import MetricValue


def evaluations(n_iter: int = 30) -> list[MetricValue]:
    rounds = range(1, n_iter + 1)
    train = [MetricValue(i, "train", "loss", 1.0 / i, i / 10) for i in rounds]
    return train + [MetricValue(i, "validation", "loss", 1.2 / i, i / 10) for i in rounds]


@pytest.fixture
def report() -> TrainingReport:
    """A binary classification with folds, resampling and early stopping."""
    parts = ["train", "validation", "test"]
    scores = pd.DataFrame(
        {"accuracy": [0.991, 0.95, 0.94], "roc_auc": [1.0, 0.98, 0.9712]}, index=parts
    )
    folds = pd.DataFrame(
        {"fold": [1, 2], "accuracy": [0.93, 0.95], "roc_auc": [0.96, 0.98], "seconds": [1.0, 2]}
    )
    labels = ["no", "yes"]
    return TrainingReport(
        "LGBMClassifier",
        "classification",
        data={
            "rows": 1000,
            "columns": 3,
            "target": "paid",
            "class_counts": {"no": 900, "yes": 100},
        },
        split={
            "kind": "stratified",
            "rows": {"train": 700, "validation": 100, "test": 200},
            "reason": "decided by the task",
        },
        preprocessing=(
            {"name": "age", "kind": "number", "treatment": "as it is", "n_missing": 0},
            {"name": "town", "kind": "text", "treatment": "category codes", "n_levels": 7},
        ),
        imbalance={
            "method": "smote",
            "before": {"no": 630, "yes": 70},
            "after": {"no": 630, "yes": 630},
        },
        fitting={
            "n_iter": 30,
            "best_iteration": 20,
            "max_iter": 1000,
            "iteration": "round",
            "stop_reason": "early_stopping",
            "patience": 10,
            "metric": "loss",
            "best_value": 0.06,
            "seconds": 3.1,
        },
        scores=scores,
        confusion=pd.DataFrame([[180, 3], [9, 8]], index=labels, columns=labels),
        importances=pd.Series([0.7, 0.3], index=["age", "town"]),
        history=history_frame(evaluations()),
        folds=folds,
        cv_summary=pd.DataFrame(
            {"mean": [0.94, 0.97], "std": [0.01, 0.01]}, index=scores.columns
        ),
        seeds={"random_state": 0},
        parameters={"estimator__n_estimators": "1000"},
        versions={"sktrainer": "0.1.0"},
        stages=pd.DataFrame(
            {
                "stage": ["split", "fit"],
                "seconds": [0.1, 3.1],
                "cpu_seconds": [0.1, 5.9],
                "memory_increase_mb": [0.3, 112.0],
            }
        ),
        notes=("Class imbalance: no: 630, yes: 70; handled by smote",),
        created="2026-01-15T10:30:45+00:00",
    )


@pytest.fixture
def bare_report() -> TrainingReport:
    """A report that only contains the model and the task."""
    return TrainingReport("Ridge", "regression", created="2026-01-15T10:30:45+00:00")


@pytest.fixture
def regression_report() -> TrainingReport:
    """A regressor without iterations, classes or folds, and with a missing score."""
    scores = pd.DataFrame({"r2": [0.9, np.nan], "rmse": [51234.5, 60321.25]})
    return TrainingReport(
        "Ridge",
        "regression",
        data={"rows": 10, "columns": 2, "target_summary": {"mean": 1.5, "std": 0.5}},
        split={"kind": "random", "rows": {"train": 8, "test": 2}},
        fitting={"n_iter": None, "stop_reason": "single_fit", "seconds": 0.01},
        scores=scores.set_axis(["train", "test"]),
    )
