"""Folds of a fit: scores, failures and leave-one-out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import LeaveOneOut

from sktrainer import FitError, ManagedTrainer
from sktrainer.testing import mixed_table
from tests.stubs import AlwaysFails, FailsOnRow

X, Y = mixed_table(300, "classification")


def test_leave_one_out_works():
    trainer = ManagedTrainer(LogisticRegression(), cv=LeaveOneOut(), scoring="accuracy")
    trainer.fit(X.iloc[:25], Y.iloc[:25])
    assert len([k for k in trainer.cv_results_ if k.startswith("split")]) == 25


def test_shuffled_labels_have_a_cross_validated_auc_of_one_half():
    X_many, y_many = mixed_table(2_000, "classification")
    shuffled = y_many.sample(frac=1.0, random_state=1).to_numpy()
    trainer = ManagedTrainer(
        HistGradientBoostingClassifier(max_iter=30),
        cv=5,
        scoring="roc_auc",
        categorical_encoding="target",
        random_state=0,
    ).fit(X_many, shuffled)
    assert abs(trainer.cv_results_["mean_test_score"][0] - 0.5) < 0.05


def test_failed_fold_is_reported_and_others_are_kept():
    trainer = ManagedTrainer(FailsOnRow(), cv=3, scoring="r2", split="random", random_state=0)
    message = r"(?s)1 of 3 folds failed.*fold \d: .*row 7"
    with pytest.warns(FitFailedWarning, match=message) as caught:
        trainer.fit(np.arange(30.0).reshape(-1, 1), np.arange(30.0))
    assert [w.filename for w in caught] == [__file__]
    scores = [trainer.cv_results_[f"split{i}_test_score"][0] for i in range(3)]
    assert np.isnan(scores).sum() == 1


def test_error_lists_all_folds_if_every_fold_fails():
    with pytest.raises(FitError, match=r"(?s)all 3 folds failed.*fold 1: .*fold 3: "):
        ManagedTrainer(AlwaysFails(), cv=3).fit(X, np.arange(300.0))


def test_intervals_of_folds_stay_in_the_range_of_the_metric():
    X, y = mixed_table(60, "classification")
    trainer = ManagedTrainer(LogisticRegression(), cv=3, random_state=0).fit(X, y)
    summary = trainer.report_.cv_summary.drop(index="log_loss")
    assert (summary["high"] - summary["mean"] < summary["mean"] - summary["low"]).any()
    assert summary["high"].between(0, 1).all()
    assert summary["low"].between(0, 1).all()
