"""Out-of-fold predictions, and scores of the test rows of all folds together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold, LeaveOneOut, RepeatedKFold, cross_val_predict
from sklearn.svm import LinearSVC

from sktrainer import DataWarning, ManagedTrainer, load
from tests.stubs import FailsOnRow

RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 2))
NUMBERS = X @ [2.0, -1.0] + 0.3 * RNG.normal(size=48)
LABELS = np.where(X[:, 0] + RNG.normal(size=48) > 0.9, "bad", "good")
OPTIONS = {"preprocessor": None, "random_state": 0}


def means(trainer):
    prefix = "mean_test_"
    results = trainer.cv_results_.items()
    return {k.removeprefix(prefix): v[0] for k, v in results if k.startswith(prefix)}


def test_leave_one_out_scores_a_perfect_classifier_with_one():
    rows = np.r_[np.arange(15.0), np.arange(100.0, 115.0)][:, None]
    trainer = ManagedTrainer(LogisticRegression(), cv=LeaveOneOut(), random_state=0)
    found = means(trainer.fit(rows, np.repeat([0, 1], 15)))
    perfect = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "roc_auc")
    assert {name: found[name] for name in perfect} == dict.fromkeys(perfect, 1.0)


def test_leave_one_out_scores_equal_those_of_scikit_learn(tmp_path):
    model = LogisticRegression()
    trainer = ManagedTrainer(model, cv=LeaveOneOut(), **OPTIONS).fit(X, LABELS)
    predicted = cross_val_predict(model, X, LABELS, cv=LeaveOneOut())
    likely = cross_val_predict(model, X, LABELS, cv=LeaveOneOut(), method="predict_proba")
    found, is_bad = means(trainer), LABELS == "bad"
    assert found["f1"] == metrics.f1_score(LABELS, predicted, pos_label="bad")
    assert found["recall"] == metrics.recall_score(LABELS, predicted, pos_label="bad")
    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(is_bad, likely[:, 0]))
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(LABELS, predicted))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(LABELS, likely))
    assert list(trainer.oof_predictions_["prediction"]) == list(predicted)
    np.testing.assert_allclose(trainer.oof_predictions_["probability_bad"], likely[:, 0])
    text = " ".join(trainer.report_.full().split())
    assert "since a fold has only one test row" in text
    assert f"f1 ('bad') {found['f1']:.3f} - - 0.00 pooled rows of 48 folds" in text
    assert "pooled rows of 48 folds" in trainer.report_.to_html(tmp_path / "r.html").read_text()


def test_rmse_and_r2_of_small_folds_are_those_of_all_rows():
    trainer = ManagedTrainer(LinearRegression(), cv=LeaveOneOut(), **OPTIONS).fit(X, NUMBERS)
    predicted = cross_val_predict(LinearRegression(), X, NUMBERS, cv=LeaveOneOut())
    found = means(trainer)
    assert found["rmse"] == pytest.approx(metrics.root_mean_squared_error(NUMBERS, predicted))
    assert found["r2"] == pytest.approx(metrics.r2_score(NUMBERS, predicted))
    assert found["mae"] == pytest.approx(metrics.mean_absolute_error(NUMBERS, predicted))
    assert found["rmse"] > found["mae"]


def test_metrics_of_large_folds_are_means_over_folds():
    trainer = ManagedTrainer(LinearRegression(), cv=4, **OPTIONS).fit(X, NUMBERS)
    folds = [trainer.cv_results_[f"split{i}_test_rmse"][0] for i in range(4)]
    assert means(trainer)["rmse"] == pytest.approx(np.mean(folds))
    assert not trainer.report_.cv_summary["pooled"].any()


@pytest.mark.filterwarnings("ignore::sktrainer.DataWarning")
def test_f1_is_pooled_if_a_class_is_missing_in_a_fold():
    order = np.argsort(LABELS, kind="stable")  # unshuffled folds: some have one class only
    rows, y = np.tile(X[order], (2, 1)), np.tile(LABELS[order], 2)
    folds = KFold(4)
    options = {**OPTIONS, "audit": False}  # the rows occur twice
    trainer = ManagedTrainer(LogisticRegression(), cv=folds, split="random", **options)
    trainer.fit(rows, y)
    predicted = cross_val_predict(LogisticRegression(), rows, y, cv=folds)
    assert means(trainer)["f1"] == metrics.f1_score(y, predicted, pos_label="bad")
    reason = "since a class is missing in the test rows of some folds"
    assert any(reason in note for note in trainer.report_.notes)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_user_defined_scorer_is_pooled_with_the_original_labels():
    scorer = metrics.make_scorer(metrics.f1_score, pos_label="good")
    trainer = ManagedTrainer(
        LogisticRegression(), cv=LeaveOneOut(), scoring={"mine": scorer}, **OPTIONS
    ).fit(X, LABELS)
    predicted = trainer.oof_predictions_["prediction"].to_numpy()
    assert means(trainer)["mine"] == metrics.f1_score(LABELS, predicted, pos_label="good")


@pytest.mark.filterwarnings("ignore::sktrainer.SmallDataWarning")
def test_rows_of_no_fold_are_missing_and_repeated_rows_are_averaged():
    folds = RepeatedKFold(n_splits=2, n_repeats=2, random_state=0)
    trainer = ManagedTrainer(LinearRegression(), cv=folds, test_size=8, **OPTIONS)
    table = trainer.fit(X, NUMBERS).oof_predictions_
    used = np.sort(np.concatenate([trainer.split_.train, trainer.split_.validation]))
    assert list(table.index[table["prediction"].isna()]) == sorted(trainer.split_.test)
    assert set(table.loc[used, "n_folds"]) == {2}
    total = np.zeros(len(used))
    for train, test in folds.split(used):
        model = LinearRegression().fit(X[used[train]], NUMBERS[used[train]])
        total[test] += model.predict(X[used[test]])
    np.testing.assert_allclose(table.loc[used, "prediction"], total / 2)


@pytest.mark.filterwarnings("ignore::sktrainer.SmallDataWarning")
@pytest.mark.parametrize("labels", [LABELS, (LABELS == "bad").astype(int), LABELS == "bad"])
def test_labels_of_rows_without_prediction_are_none_and_can_be_saved(labels, tmp_path):
    trainer = ManagedTrainer(LinearSVC(), cv=2, test_size=8, **OPTIONS).fit(X, labels)
    table = trainer.oof_predictions_
    assert list(table.columns) == ["prediction", "n_folds"]
    predicted = table["prediction"].dropna()
    assert len(predicted) == 40
    assert set(predicted) <= set(labels.tolist())
    again = load(trainer.save(tmp_path / "m.skt")).oof_predictions_
    pd.testing.assert_frame_equal(again, table)


def test_several_outputs_have_one_column_each():
    targets = np.column_stack([NUMBERS, -NUMBERS])
    trainer = ManagedTrainer(LinearRegression(), cv=3, **OPTIONS).fit(X, targets)
    table = trainer.oof_predictions_
    assert list(table.columns) == ["prediction_0", "prediction_1", "n_folds"]
    np.testing.assert_allclose(table["prediction_0"], -table["prediction_1"])


def test_results_of_finished_folds_are_loaded_from_a_checkpoint(tmp_path):
    options = {"cv": 3, "checkpoint": tmp_path, **OPTIONS}
    first = ManagedTrainer(LogisticRegression(), **options).fit(X, LABELS)
    second = ManagedTrainer(LogisticRegression(), **options).fit(X, LABELS)
    pd.testing.assert_frame_equal(first.oof_predictions_, second.oof_predictions_)
    pd.testing.assert_frame_equal(first.report_.cv_summary, second.report_.cv_summary)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_failed_fold_is_left_out_of_every_mean(tmp_path):
    rows = np.arange(60.0).reshape(-1, 1)
    trainer = ManagedTrainer(FailsOnRow(), cv=3, scoring="r2", split="random", random_state=0)
    trainer.set_params(audit=False).fit(rows, np.arange(60.0))
    scores = [trainer.cv_results_[f"split{i}_test_score"][0] for i in range(3)]
    mean = trainer.cv_results_["mean_test_score"][0]
    assert mean == pytest.approx(np.nanmean(scores))
    assert mean == trainer.report_.cv_summary.loc["r2", "mean"]
    assert "2 of 3 folds" in trainer.report_.full()
    assert "over 2 of 3 folds" in repr(trainer.report_)
    assert "2 of 3 folds" in trainer.report_.to_html(tmp_path / "r.html").read_text()
    assert (trainer.oof_predictions_["n_folds"] == 0).sum() == 20


def test_score_that_cannot_be_computed_is_named_with_the_reason():
    class TwoQuantiles(LinearRegression):
        def predict(self, X):
            return np.column_stack([super().predict(X)] * 2)

    trainer = ManagedTrainer(TwoQuantiles(), cv=3, test_size=0.25, random_state=0, audit=False)
    with pytest.warns(DataWarning) as caught:
        trainer.fit(np.tile(X, (3, 1)), np.tile(NUMBERS, 3))
    texts = [str(warning.message) for warning in caught]
    reason = "the model predicts 2 values per row, but y has 1."
    (text,) = [t for t in texts if "could not be computed" in t]
    start = "r2, rmse, mae could not be computed in 3 of 3 folds (fold 1: "
    assert text.startswith(start + reason)
    with pytest.warns(DataWarning) as caught:
        trainer.set_params(cv=None).fit(np.tile(X, (3, 1)), np.tile(NUMBERS, 3))
    (text,) = [str(w.message) for w in caught if "could not be computed" in str(w.message)]
    start = "r2, rmse, mae of the train and test rows could not be computed: "
    assert text.startswith(start + reason)
    with pytest.raises(ValueError, match="r2 cannot be computed: the model predicts 2 values"):
        trainer.score(X, NUMBERS)
