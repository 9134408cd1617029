"""Splits and folds of each kind in a complete fit."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import ShuffleSplit, TimeSeriesSplit

from sktrainer import ManagedTrainer, SmallDataWarning
from sktrainer.testing import bit_identical, mixed_table

X, Y = mixed_table(300, "classification")
GROUPS = np.random.default_rng(0).integers(0, 40, 300)
BOOSTING = HistGradientBoostingClassifier(max_iter=15)


def parts(trainer):
    return [trainer.split_.train, trainer.split_.validation, trainer.split_.test]


def test_sets_contain_each_row_once():
    trainer = ManagedTrainer(BOOSTING, test_size=0.2, validation_size=0.1, random_state=0)
    trainer.fit(X, Y)
    assert sorted(np.concatenate(parts(trainer))) == list(range(300))
    assert [len(part) for part in parts(trainer)] == [210, 30, 60]
    assert trainer.split_.kind == "stratified"


def test_groups_stay_together():
    trainer = ManagedTrainer(BOOSTING, test_size=0.2, validation_size=0.1, cv=3, random_state=0)
    trainer.fit(X, Y, groups=GROUPS)
    sets = [set(GROUPS[part]) for part in parts(trainer)]
    assert trainer.split_.kind == "group"
    assert not (sets[0] & sets[1] or sets[0] & sets[2] or sets[1] & sets[2])


@pytest.mark.parametrize("as_text", [False, True])
def test_time_split_is_in_time_order(as_text):
    rng = np.random.default_rng(0)
    when = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.permutation(300), "D"))
    table = X.assign(when=when.dt.strftime("%Y-%m-%d") if as_text else when)
    trainer = ManagedTrainer(
        BOOSTING, test_size=0.2, validation_size=0.1, time_column="when", random_state=0
    ).fit(table, Y)
    train, validation, test = (when.iloc[part] for part in parts(trainer))
    assert trainer.split_.kind == "time"
    assert train.max() < validation.min() <= validation.max() < test.min()


def test_scikit_learn_splitters_are_supported():
    splitter = TimeSeriesSplit(n_splits=4)
    trainer = ManagedTrainer(LogisticRegression(), split=splitter, test_size=0.2, cv=3)
    trainer.fit(X, Y)
    assert trainer.split_.train.max() < trainer.split_.test.min()
    assert splitter.n_splits == 4
    shuffled = ManagedTrainer(
        LogisticRegression(), split=ShuffleSplit(5, random_state=0), test_size=0.3
    ).fit(X, Y)
    assert len(shuffled.split_.test) == 90


def test_user_validation_rows_replace_the_validation_set():
    X_val, y_val = mixed_table(50, "classification", seed=3)
    trainer = ManagedTrainer(BOOSTING, random_state=0).fit(X, Y, X_val=X_val, y_val=y_val)
    assert len(trainer.split_.validation) == 0
    assert len(trainer.split_.train) == 300
    assert trainer.report_.split["rows"]["validation"] == 50
    assert "validation" in trainer.scores_.index


def test_no_rows_are_held_out_without_early_stopping():
    trainer = ManagedTrainer(LogisticRegression(), random_state=0).fit(X, Y)
    assert len(trainer.split_.train) == 300
    assert list(trainer.scores_.index) == ["train"]


def test_validation_size_is_respected_without_early_stopping():
    trainer = ManagedTrainer(LogisticRegression(), validation_size=0.1).fit(X, Y)
    assert list(trainer.scores_.index) == ["train", "validation"]


def test_class_with_one_row_stays_in_training():
    y = Y.copy()
    y.iloc[11] = "only one"
    with pytest.warns(UserWarning, match="only one"):
        trainer = ManagedTrainer(BOOSTING, test_size=0.2, cv=4, random_state=0).fit(X, y)
    assert 11 in trainer.split_.train
    assert trainer.predict_proba(X).shape == (300, 3)
    assert np.isfinite(trainer.cv_results_["mean_test_accuracy"]).all()


def test_small_data_warning_suggests_leave_one_out():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ManagedTrainer(LogisticRegression(), test_size=0.2).fit(X.iloc[:40], Y.iloc[:40])
    messages = [str(w.message) for w in caught if issubclass(w.category, SmallDataWarning)]
    assert any("the test set has only 8 rows" in message for message in messages)
    assert any("LeaveOneOut()" in message for message in messages)
    assert {w.filename for w in caught} == {__file__}


def test_rows_with_weight_zero_are_in_no_set():
    weight = np.ones(300)
    weight[:50] = 0.0
    trainer = ManagedTrainer(BOOSTING, test_size=0.2, random_state=0)
    trainer.fit(X, Y, sample_weight=weight)
    assert min(np.concatenate(parts(trainer))) == 50


def test_target_may_be_a_column_of_the_table():
    table = X.assign(label=Y)
    by_name = ManagedTrainer(LogisticRegression(), random_state=0).fit(table, "label")
    by_value = ManagedTrainer(LogisticRegression(), random_state=0).fit(X, Y)
    assert bit_identical(by_name.predict_proba(X), by_value.predict_proba(X))
    assert by_name.score(table, "label") == by_value.score(X, Y)
    assert "label" not in by_name.feature_names_in_
