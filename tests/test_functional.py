"""Tests of `train_model` and `train_with_cv`: output, result and saved files."""

from __future__ import annotations

import re

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, r2_score

from sktrainer import (
    ClassImbalanceWarning,
    load,
    train_model,
    train_with_cv,
)
from sktrainer.serialization.model_records import MODEL_FILE
from sktrainer.testing import bit_identical, mixed_table
from tests.families import FAMILIES

X, Y = mixed_table(500, "classification")
RARE = Y.where((Y == "c0") | (np.arange(500) % 4 == 0), "c0")


def test_train_model_prints_every_stage(tmp_path, capsys):
    result = train_model(
        LGBMClassifier(n_estimators=300, min_child_samples=5),
        X,
        RARE,
        validation_size=0.1,
        save_path=tmp_path,
    )
    output = capsys.readouterr().out
    assert (
        "✓ Data split: 70% train (350), 10% validation (50), 20% test (100), stratified"
        in output
    )
    assert re.search(
        r"⚠ Class imbalance: c0: \d+ \(9\d%\), c1: \d+ \(\d(\.\d)?%\); handled by class_weight",
        output,
    )
    assert re.search(
        r"✓ LGBMClassifier stopped early at round \d+ of 300 \(best \d+\) in [\d.]+ s, "
        r"memory \+[\d,]+ MB",
        output,
    )
    assert re.search(r"^ +train +validation +test +constant$", output, re.M)
    assert re.search(r"^    f1 \('c1'\)( +\d\.\d+){4}$", output, re.MULTILINE)
    assert f"✓ Saved to {result.model_path}" in output


def test_train_model_saves_next_version_under_model_name(tmp_path):
    folder = tmp_path / "models"
    result = train_model(LogisticRegression(), X, Y, save_path=folder, verbose=0)
    assert result.model_path == folder / "logistic_regression" / "1" / MODEL_FILE
    again = train_model(LogisticRegression(), X, Y, save_path=folder, verbose=0)
    assert again.model_path.parent.name == "2"
    restored = load(result.model_path)
    assert bit_identical(restored.predict_proba(X), result.predict_proba(X))


def test_printed_result_is_a_short_summary(tmp_path):
    saved = train_model(LogisticRegression(), X, Y, save_path=tmp_path, verbose=0)
    folds = train_with_cv(LogisticRegression(), X, Y, cv=2, save_path=None, verbose=0)
    for result in (saved, folds):
        assert len(str(result).splitlines()) <= 15
        assert str(result).startswith("LogisticRegression for classification")
        assert re.fullmatch(
            r"<TrainingResult of LogisticRegression: accuracy 0\.\d+ .+>", repr(result)
        )
    assert f"Saved to {saved.model_path}" in str(saved)
    assert "Not saved" in str(folds)


@pytest.mark.parametrize(
    "name",
    ["XGBClassifier", "CatBoostClassifier", "SVC", "LGBMRegressor", "NeuralNetRegressor"],
)
def test_result_predicts_for_the_table_that_was_passed(name):
    case = FAMILIES[name]()
    X, y = case.table()
    result = train_model(
        case.estimator,
        X,
        y,
        save_path=None,
        verbose=0,
        handle_imbalance=None,
        **case.parameters,
    )
    rows = result.model.split_.test
    score = {"classification": accuracy_score, "regression": r2_score}[case.task]
    assert score(y[rows], result.predict(X)[rows]) == pytest.approx(
        result.scores.loc["test"].iloc[0]
    )
    assert hasattr(result, "predict_proba") == hasattr(result.model, "predict_proba")


def test_notebook_shows_scores_and_file(tmp_path):
    result = train_model(LogisticRegression(), X, Y, save_path=tmp_path / "a&b.skt", verbose=0)
    html = result._repr_html_()
    assert "roc_auc" in html
    assert "a&amp;b.skt" in html


def test_save_path_none_saves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = train_model(LogisticRegression(), X, Y, save_path=None, verbose=0)
    assert result.model_path is None
    assert list(tmp_path.iterdir()) == []


def test_train_with_cv_prints_folds_and_mean_score(capsys):
    result = train_with_cv(
        LGBMClassifier(n_estimators=50, min_child_samples=5), X, Y, cv=4, save_path=None
    )
    output = capsys.readouterr().out
    assert (
        len(re.findall(r"^  fold \d/4  accuracy 0\.\d+ .* \d+\.\d s$", output, re.MULTILINE))
        == 4
    )
    assert re.search(
        r"^    accuracy( +0\.\d+){2} +0\.\d+ to \d\.\d+ +0\.\d+ +4 folds$", output, re.MULTILINE
    )
    assert re.search(r"✓ LGBMClassifier fitted for \d+ rounds", output)
    assert len(result.report.folds) == 4
    assert result.cv_results["mean_test_accuracy"].shape == (1,)
    assert len(result.model.split_.train) == 500


def test_verbose_0_prints_nothing(capsys):
    train_with_cv(LogisticRegression(), X, Y, cv=3, save_path=None, verbose=0)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("train", [train_model, train_with_cv])
def test_functions_weight_rare_classes_unless_the_model_does(train):
    options = {"save_path": None, "verbose": 0}
    with pytest.warns(ClassImbalanceWarning, match="handled by class_weight"):
        result = train(LogisticRegression(), X, RARE, **options)
    assert result.report.imbalance["method"] == "class_weight"
    result = train(LogisticRegression(class_weight="balanced"), X, RARE, **options)
    assert result.report.imbalance["method"] != "class_weight"


def test_class_imbalance_warns_at_verbose_0():
    with pytest.warns(
        ClassImbalanceWarning, match=r"c1: \d+ .*handled by class_weight"
    ) as caught:
        train_model(LogisticRegression(), X, RARE, save_path=None, verbose=0)
    assert caught[0].filename == __file__


def test_nested_parameters_and_fit_arguments_are_passed_on():
    model = LGBMClassifier(n_estimators=20)
    result = train_model(
        model,
        X,
        Y,
        save_path=None,
        verbose=0,
        estimator__num_leaves=7,
        groups=np.arange(500) // 5,
        n_iter_no_change=3,
    )
    assert result.model.model_.num_leaves == 7
    assert model.num_leaves == 31
    assert result.model.split_.kind == "group"


def test_stratify_false_uses_a_random_split():
    result = train_model(LogisticRegression(), X, Y, save_path=None, verbose=0, stratify=False)
    assert result.model.split_.kind == "random"


def test_report_has_time_and_memory_of_each_stage():
    report = train_model(LogisticRegression(), X, Y, save_path=None, verbose=0).report
    assert set(report.stages["stage"]) >= {"check", "split", "prepare", "fit", "evaluate"}
    assert (report.stages["seconds"] >= 0).all()
    assert (report.stages["memory_increase_mb"] >= 0).all()
    assert report.stages["cpu_seconds"].sum() > 0
