from __future__ import annotations

import json

import jsonschema
import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn import metrics
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.svm import LinearSVC

from sktrainer import ManagedTrainer, TrainingReport
from sktrainer.training import evaluation

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(600, 4)), columns=list("abcd"))
SIGNAL = X["a"] - X["b"] + RNG.normal(size=600)
LABELS = np.where(SIGNAL > 1.2, "bad", "good")
CLASSES = pd.cut(SIGNAL, 4, labels=list("wxyz")).astype(str)
TARGET = SIGNAL.to_numpy() + 10
TIMES = X.assign(day=pd.date_range("2024-01-01", periods=600, freq="h"))
BOOSTED = {"n_estimators": 30, "num_leaves": 4, "verbose": -1}


def _fitted(model, features=X, y=LABELS, fit=None, **params):
    return ManagedTrainer(model, random_state=0, audit=False, **params).fit(
        features, y, **(fit or {})
    )


@pytest.fixture(scope="module")
def trainers():
    two_outputs = np.column_stack([TARGET, TARGET**2])
    return {
        "test": _fitted(LGBMClassifier(**BOOSTED), test_size=0.25, cv=3),
        "folds": _fitted(LogisticRegression(), cv=3),
        "classes": _fitted(LGBMClassifier(**BOOSTED), y=CLASSES, test_size=0.25),
        "decision": _fitted(LinearSVC(), test_size=0.25),
        "time": _fitted(
            LGBMRegressor(**BOOSTED),
            TIMES,
            TARGET,
            split="time",
            time_column="day",
            test_size=0.3,
        ),
        "outputs": _fitted(LinearRegression(), y=two_outputs, test_size=0.25),
        "groups": _fitted(
            Ridge(),
            y=TARGET,
            fit={"groups": np.arange(600) // 20},
            split="group",
            test_size=0.3,
        ),
        "unscored": _fitted(Ridge(), y=TARGET),
    }


def test_reports_of_every_kind_conform_to_the_schema(trainers):
    schema = TrainingReport.json_schema()
    chunks = ManagedTrainer(SGDClassifier(random_state=0), random_state=0)
    chunks.partial_fit(X[:300], LABELS[:300], classes=["bad", "good"])
    chunks.partial_fit(X[300:], LABELS[300:])
    for trainer in (*trainers.values(), chunks):
        jsonschema.validate(json.loads(trainer.report_.to_json()), schema)


def test_curves_are_those_of_the_test_predictions(trainers):
    trainer = trainers["test"]
    rows = trainer.split_.test
    section = trainer.report_.evaluation
    assert (section["source"], section["n_rows"]) == ("test", len(rows))
    (curve,) = section["curves"]
    assert curve["label"] == "bad"
    score = trainer.predict_proba(X.iloc[rows])[:, 0]
    expected = metrics.roc_auc_score(LABELS[rows] == "bad", score)
    assert curve["roc_auc"] == pytest.approx(expected)
    assert trainer.scores_.loc["test", "roc_auc"] == pytest.approx(expected)


def test_out_of_fold_predictions_are_evaluated_without_test_rows(trainers):
    trainer = trainers["folds"]
    section, oof = trainer.report_.evaluation, trainer.oof_predictions_
    assert (section["source"], section["n_rows"]) == ("out-of-fold", 600)
    expected = metrics.roc_auc_score(LABELS == "bad", oof["probability_bad"])
    assert section["curves"][0]["roc_auc"] == pytest.approx(expected)
    assert trainer.report_.confusion_set == "out-of-fold"
    confusion = metrics.confusion_matrix(LABELS, oof["prediction"])
    np.testing.assert_array_equal(trainer.report_.confusion, confusion)


def test_test_scores_have_intervals_and_folds_have_their_own(trainers):
    report = trainers["test"].report_
    scores = report.scores.loc["test"]
    assert list(report.intervals.index) == list(scores.index)
    assert (report.intervals["low"] <= scores).all()
    assert (report.intervals["high"] >= scores).all()
    assert report.intervals_note == "95% interval: 200 bootstrap resamples of the test rows"
    summary = report.cv_summary
    n_test, n_train = report.folds["test_rows"], report.folds["train_rows"]
    std = report.folds["roc_auc"].std(ddof=1)
    half = 4.302653 * std * np.sqrt(1 / 3 + (n_test / n_train).mean())
    assert summary.loc["roc_auc", "high"] - summary.loc["roc_auc", "mean"] == pytest.approx(
        half
    )
    assert trainers["folds"].report_.intervals is None


def test_every_fold_has_its_validation_curve(trainers):
    report = trainers["test"].report_
    curves = report.fold_history
    assert sorted(set(curves["fold"])) == [1, 2, 3]
    assert set(curves["metric"]) == {report.fitting["metric"]}
    best = curves.groupby("fold")["value"].idxmin()
    expected = report.folds["best_iteration"]
    assert curves.loc[best, "iteration"].tolist() == expected.tolist()
    assert trainers["folds"].report_.fold_history is None


def test_classes_have_a_curve_each(trainers):
    section = trainers["classes"].report_.evaluation
    assert {curve["label"] for curve in section["curves"]} == set(CLASSES)
    assert "thresholds" not in section


def test_decision_values_have_curves_without_calibration(trainers):
    trainer = trainers["decision"]
    section = trainer.report_.evaluation
    expected = trainer.scores_.loc["test", "roc_auc"]
    assert section["curves"][0]["roc_auc"] == pytest.approx(expected)
    assert "calibration" not in section


def test_errors_are_in_time_order_for_a_split_by_time(trainers):
    trainer = trainers["time"]
    (errors,) = trainer.report_.evaluation["errors"]
    rows = trainer.split_.test
    residuals = TARGET[rows] - trainer.predict(TIMES.iloc[rows])
    first = np.array_split(residuals, len(errors["by_time"]["50%"]))[0]
    assert errors["by_time"]["50%"][0] == pytest.approx(np.median(first))
    assert errors["absolute_error"]["100%"] == pytest.approx(np.abs(residuals).max())
    note = "bootstrap resamples of the test rows, whose errors are not autocorrelated in time"
    assert note in trainer.report_.intervals_note


def test_each_output_has_errors(trainers):
    report = trainers["outputs"].report_
    assert [e["output"] for e in report.evaluation["errors"]] == ["output 0", "output 1"]
    assert list(report.intervals.index) == ["r2", "rmse", "mae"]


def test_groups_are_resampled_as_a_whole(trainers):
    assert "of the 9 groups of test rows" in trainers["groups"].report_.intervals_note


def test_model_without_held_out_predictions_is_not_evaluated(trainers):
    report = trainers["unscored"].report_
    assert report.evaluation == {}
    assert report.intervals is None
    assert report.confusion_set == "train"


def test_curves_of_many_rows_are_computed_from_a_random_part(monkeypatch):
    monkeypatch.setattr(evaluation, "MOST_ROWS", 100)
    report = _fitted(LogisticRegression(), test_size=0.5).report_
    assert report.evaluation["n_rows"] == 300
    assert report.evaluation["n_used"] == 100
    assert sum(report.evaluation["calibration"]["rows"]) == 100
    assert report.intervals is None
    assert report.intervals_note == "no intervals: with 300 test rows, they are narrow"


def test_report_contains_no_row_of_the_data(trainers):
    for name in ("time", "test"):
        text = trainers[name].report_.to_json()
        assert not any(repr(float(value)) in text for value in X["a"])
    values = TARGET[trainers["time"].split_.test]
    section = json.dumps(trainers["time"].report_.evaluation)
    assert sum(repr(float(value)) in section for value in values) == 0
