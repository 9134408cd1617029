from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn import metrics
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge

from sktrainer import ManagedTrainer, compare
from sktrainer.exceptions import InputError

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(500, 3)), columns=list("abc"))
Y = np.where(X["a"] + RNG.normal(size=500) > 0, "yes", "no")


def _fitted(model, features=X, y=Y, **params):
    options = {"random_state": 0, "audit": False, **params}
    return ManagedTrainer(model, **options).fit(features, y)


@pytest.fixture(scope="module")
def tested():
    boosted = LGBMClassifier(n_estimators=20, verbose=-1)
    return [_fitted(model, test_size=0.3) for model in (LogisticRegression(), boosted)]


def test_test_scores_have_paired_differences_with_intervals(tested):
    found = compare(*tested, names=["linear", "boosted"], X=X, y=Y)
    assert found.comparable
    rows = found.differences.set_index("metric")
    first, second = (trainer.scores_.loc["test"] for trainer in tested)
    for metric in ("accuracy", "roc_auc", "log_loss"):
        expected = second[metric] - first[metric]
        assert rows.loc[metric, "difference"] == pytest.approx(expected)
        assert rows.loc[metric, "low"] < expected < rows.loc[metric, "high"]
    test = tested[0].split_.test
    right = [trainer.predict(X.iloc[test]) == Y[test] for trainer in tested]
    paired = right[1].astype(float) - right[0]
    width = rows.loc["accuracy", "high"] - rows.loc["accuracy", "low"]
    assert width == pytest.approx(2 * 1.96 * paired.std() / np.sqrt(len(test)), rel=0.25)


def test_run_does_not_differ_from_itself(tested):
    found = compare(tested[0], tested[0], X=X, y=Y)
    assert (found.differences[["difference", "low", "high"]] == 0).all(axis=None)
    assert list(found.runs.index) == ["LogisticRegression 1", "LogisticRegression 2"]


def test_test_scores_without_data_have_no_intervals(tested):
    found = compare(*tested)
    assert found.differences[["low", "high"]].isna().all(axis=None)
    assert found.note == "Pass X and y for intervals of the differences."


def test_fold_scores_are_paired():
    runs = [_fitted(model, cv=4) for model in (LogisticRegression(), DummyClassifier())]
    found = compare(*runs)
    row = found.differences.set_index("metric").loc["accuracy"]
    folds = [run.report_.folds for run in runs]
    paired = folds[1]["accuracy"] - folds[0]["accuracy"]
    assert row["difference"] == pytest.approx(paired.mean())
    half = 3.182446 * paired.std(ddof=1) * np.sqrt(1 / 4 + 1 / 3)
    assert row["high"] - row["difference"] == pytest.approx(half)
    assert row["high"] < 0


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"test_size": 0.3, "features": X + 1}, "different data"),
        ({"test_size": 0.3, "random_state": 1}, "scored on different rows"),
        ({"cv": 3}, "scored on different rows"),
    ],
)
def test_runs_on_other_data_or_rows_are_marked(tested, other, reason):
    found = compare(tested[0], _fitted(LogisticRegression(), **other), X=X, y=Y)
    assert not found.comparable
    assert reason in found.warnings[0]
    assert found.differences.empty
    assert str(found).startswith("NOT COMPARABLE: ")
    assert "<h3>Not comparable</h3>" in found._repr_html_()


def test_files_are_compared_by_their_names(tested, tmp_path):
    for name, trainer in zip(("linear", "boosted"), tested, strict=True):
        trainer.save(tmp_path / f"{name}.skt")
    found = compare(tmp_path / "linear.skt", str(tmp_path / "boosted.skt"), X=X, y=Y)
    assert list(found.scores.columns) == ["linear", "boosted"]
    expected = compare(*tested, names=["linear", "boosted"], X=X, y=Y)
    pd.testing.assert_frame_equal(found.differences, expected.differences)


def test_parameters_that_differ_are_listed():
    runs = [_fitted(LogisticRegression(C=c), cv=3) for c in (1.0, 2.0)]
    found = compare(*runs, names=["one", "two"])
    assert found.parameters.to_dict("index") == {"estimator__C": {"one": "1.0", "two": "2.0"}}
    text = str(found)
    assert "Parameters that differ" in text
    assert "includes 0" in text


def test_page_is_self_contained_and_overlays_curves(tested, tmp_path):
    found = compare(*tested, names=["<linear>", "boosted"], X=X, y=Y)
    page = found.to_html(tmp_path / "comparison.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert "<linear>" not in page and "&lt;linear&gt;" in page
    assert re.findall(r"<figcaption>(.*?)</figcaption>", page) == ["ROC curves"]
    area = metrics.roc_auc_score(
        Y[tested[0].split_.test], tested[0].predict_proba(X.iloc[tested[0].split_.test])[:, 1]
    )
    assert f"(AUC = {area:.3f})" in page


def test_to_dict_is_json_compatible(tested):
    plain = json.loads(json.dumps(compare(*tested).to_dict(), allow_nan=False))
    assert plain["differences"][0]["low"] is None
    assert plain["runs"]["LogisticRegression"]["scored_on"] == "test rows"


def test_wrong_arguments_are_refused(tested):
    with pytest.raises(InputError, match="at least two runs, got 1"):
        compare(tested[0])
    with pytest.raises(InputError, match="run 1 is not fitted"):
        compare(tested[0], ManagedTrainer(Ridge()))
    with pytest.raises(InputError, match="2 different names"):
        compare(*tested, names=["a", "a"])
    with pytest.raises(InputError, match="X has 10 rows, but the runs were fitted on 500"):
        compare(*tested, X=X[:10], y=Y[:10])


def test_differences_of_grouped_runs_need_the_groups():
    groups = np.repeat(np.arange(50), 10)
    params = {"random_state": 0, "audit": False, "test_size": 0.3}
    models = LogisticRegression(), LGBMClassifier(n_estimators=20, verbose=-1)
    runs = [ManagedTrainer(model, **params).fit(X, Y, groups=groups) for model in models]
    without = compare(*runs, X=X, y=Y)
    assert without.differences["low"].isna().all()
    assert "pass groups" in without.note
    found = compare(*runs, X=X, y=Y, groups=groups)
    assert found.differences["low"].notna().all()
    assert "resamples of the 15 groups of test rows, paired" in found.note
    table = X.assign(patient=groups)
    named = [ManagedTrainer(m, **params).fit(table, Y, groups="patient") for m in models]
    again = compare(*named, X=table, y=Y, groups="patient")
    pd.testing.assert_frame_equal(again.differences, found.differences)


def test_differences_of_runs_in_time_order_are_resampled_in_blocks():
    noise = RNG.normal(size=520)
    for i in range(1, len(noise)):
        noise[i] += 0.9 * noise[i - 1]
    y = X["a"].to_numpy() + noise[20:]
    runs = [_fitted(Ridge(a), y=y, split="time", test_size=0.4) for a in (0.1, 300.0)]
    found = compare(*runs, names=["weak", "strong"], X=X, y=y)
    assert re.search(r"resamples of blocks of \d+ test rows in time order, paired", found.note)
    assert found.differences["low"].notna().all()


def test_only_parameters_that_somebody_set_are_compared():
    runs = [
        _fitted(model, cv=3) for model in (LogisticRegression(), LGBMClassifier(verbose=-1))
    ]
    assert list(compare(*runs).parameters.index) == ["estimator__verbose"]
