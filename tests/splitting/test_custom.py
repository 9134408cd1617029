"""Splitter objects and (train, test) pairs, for held-out sets and folds."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    LeaveOneGroupOut,
    LeaveOneOut,
    PredefinedSplit,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
)

from sktrainer.exceptions import InputError
from sktrainer.splitting.plan import SplitPlan
from sktrainer.splitting.split import split_folds, split_rows, split_validation
from sktrainer.types import FitData

N = 120


@pytest.fixture
def table():
    X = pd.DataFrame({"day": np.arange(N)})
    codes = np.arange(N) % 3
    groups = np.arange(N) // 5
    return FitData(X, codes, "classification", np.array(["x", "y", "z"]), groups=groups)


def splitters():
    return [
        KFold(4),
        KFold(4, shuffle=True),
        StratifiedKFold(3, shuffle=True),
        GroupKFold(3),
        StratifiedGroupKFold(3),
        ShuffleSplit(7),
        ShuffleSplit(2, train_size=0.3),
        StratifiedShuffleSplit(3, random_state=np.random.RandomState(0)),
        GroupShuffleSplit(2),
        TimeSeriesSplit(3),
        TimeSeriesSplit(3, gap=2, max_train_size=50),
        RepeatedKFold(n_splits=3, n_repeats=2),
        RepeatedStratifiedKFold(n_splits=3, n_repeats=2),
        LeaveOneOut(),
        LeaveOneGroupOut(),
        PredefinedSplit(np.arange(N) % 6),
    ]


def state(splitter):
    """Return the attributes of a splitter as text, with the state of a random generator."""
    held = vars(splitter).items()
    return [
        (
            name,
            str(value.get_state(legacy=False)) if hasattr(value, "get_state") else str(value),
        )
        for name, value in held
    ]


@pytest.mark.parametrize("splitter", splitters(), ids=lambda s: type(s).__name__)
class TestEverySplitter:
    def test_sets_and_folds_are_disjoint_and_reproducible(self, splitter, table):
        before = state(splitter)
        plan = SplitPlan("splitter", splitter, test_size=0.25, validation_size=0.1)
        first, second = split_rows(table, plan)[0], split_rows(table, plan)[0]
        for part in ("train", "validation", "test"):
            np.testing.assert_array_equal(first.positions(part), second.positions(part))
            assert len(first.positions(part))
        parts = np.concatenate([first.train, first.validation, first.test])
        assert len(np.unique(parts)) == len(parts)
        for rows in (np.arange(N), np.arange(20, N)):
            folds = split_folds(table, rows, plan, splitter)
            again = split_folds(table, rows, plan, splitter)
            for (train, test), (train_again, test_again) in zip(folds, again, strict=True):
                np.testing.assert_array_equal(train, train_again)
                np.testing.assert_array_equal(test, test_again)
                assert not set(train) & set(test) and set(train) | set(test) <= set(rows)
        assert state(splitter) == before


class TestHoldouts:
    @pytest.mark.parametrize(
        ("splitter", "n_test"),
        [
            (KFold(10), 24),
            (ShuffleSplit(3, train_size=0.1), 24),
            (TimeSeriesSplit(9), 24),
            (RepeatedKFold(n_splits=9), 24),
            (GroupShuffleSplit(), 25),
            (LeaveOneOut(), 1),
        ],
        ids=lambda s: type(s).__name__,
    )
    def test_size_is_as_close_as_the_splitter_allows(self, table, splitter, n_test):
        split, notes = split_rows(table, SplitPlan("splitter", splitter, test_size=0.2))
        assert len(split.test) == n_test
        unmet = any("does not support this size" in note for note in notes)
        assert unmet == isinstance(splitter, LeaveOneOut)

    def test_time_series_split_holds_out_the_last_rows(self, table):
        plan = SplitPlan("splitter", TimeSeriesSplit(), test_size=20, validation_size=10)
        split, _ = split_rows(table, plan)
        np.testing.assert_array_equal(split.test, np.arange(100, 120))
        np.testing.assert_array_equal(split.validation, np.arange(90, 100))

    def test_splitter_gets_the_rows_in_time_order(self, table):
        day = np.random.default_rng(0).permutation(N)
        table = replace(table, X=pd.DataFrame({"day": day}), time=day)
        splitter = TimeSeriesSplit(3, gap=7)
        plan = SplitPlan("splitter", splitter, test_size=0.2, validation_size=0.1)
        split, _ = split_rows(table, plan)
        assert sorted(day[split.test]) == list(range(96, 120))
        assert sorted(day[split.validation]) == list(range(77, 89))
        assert sorted(day[split.train]) == list(range(70))
        folds = split_folds(table, np.arange(N), SplitPlan("time"), splitter)
        expected = splitter.split(np.zeros((N, 1)))
        for (train, test), (expected_train, expected_test) in zip(folds, expected, strict=True):
            np.testing.assert_array_equal(day[train], expected_train)
            np.testing.assert_array_equal(day[test], expected_test)

    def test_user_defined_splitter_gets_table_and_groups_in_time_order(self, table):
        day = np.random.default_rng(0).permutation(N)
        table = replace(table, X=pd.DataFrame({"day": day}), time=day, groups=day % 7)

        class Checked:
            def split(self, X, y, groups):
                np.testing.assert_array_equal(X["day"], np.sort(X["day"]))
                np.testing.assert_array_equal(groups, X["day"] % 7)
                yield np.arange(len(X) - 9), np.arange(len(X) - 9, len(X))

        for rows in (np.arange(N), np.arange(0, N, 2)):
            ((_, test),) = split_folds(table, rows, SplitPlan("time"), Checked())
            assert sorted(day[test]) == sorted(day[rows])[-9:]

    def test_groups_reach_the_splitter(self, table):
        plan = SplitPlan("splitter", GroupKFold(), test_size=0.2, validation_size=0.2)
        split, _ = split_rows(table, plan)
        sets = [set(table.groups[split.positions(p)]) for p in ("train", "validation", "test")]
        assert sum(map(len, sets)) == 24

    def test_rows_left_out_by_a_splitter_give_a_note(self, table):
        plan = SplitPlan("splitter", TimeSeriesSplit(gap=4), test_size=20)
        split, notes = split_rows(table, plan)
        assert len(split.train) == 96
        assert any("leaves out 4 rows" in note for note in notes)

    def test_error_of_a_splitter_is_reported(self):
        data = FitData(np.zeros((4, 1)), np.array([0, 0, 0, 1]), "classification", np.arange(2))
        plan = SplitPlan("splitter", StratifiedShuffleSplit(), test_size=2)
        with pytest.raises(InputError, match="StratifiedShuffleSplit could not split 4 rows"):
            split_rows(data, plan)

    def test_exhausted_predefined_split_is_reported(self, table):
        only = PredefinedSplit(np.where(np.arange(N) < 30, 0, -1))
        plan = SplitPlan("splitter", only, test_size=0.2, validation_size=0.2)
        with pytest.raises(InputError, match="at least one split for a validation set"):
            split_rows(table, plan)


class ByDay:
    """User-defined splitter that reads X and the original labels."""

    def __init__(self):
        self.seen = []

    def split(self, X, y=None):
        assert list(X.columns) == ["day"] and set(y) <= {"x", "y", "z"}
        for day in (60, 90):
            is_later = X["day"].to_numpy() >= day
            yield np.flatnonzero(~is_later), np.flatnonzero(is_later)


class TestForeignSplitter:
    def test_foreign_splitter_gets_original_rows_and_labels(self, table):
        split, _ = split_rows(table, SplitPlan("splitter", ByDay(), test_size=0.2))
        np.testing.assert_array_equal(split.test, np.arange(90, 120))

    def test_foreign_splitter_gets_only_the_rows_to_split(self, table):
        folds = split_folds(table, np.arange(0, N, 2), SplitPlan("random"), ByDay())
        np.testing.assert_array_equal(folds[1][1], np.arange(90, 120, 2))

    def test_split_with_an_empty_side_is_refused(self, table):
        with pytest.raises(InputError, match="training and test rows in each split"):
            split_folds(table, np.arange(50), SplitPlan("random"), ByDay())


class TestFolds:
    @pytest.mark.parametrize(
        ("splitter", "n_folds"),
        [(KFold(3), 6), (RepeatedKFold(n_splits=3, n_repeats=2), 12), (LeaveOneGroupOut(), 24)],
        ids=lambda s: type(s).__name__,
    )
    def test_integer_cv_sets_n_splits_of_the_splitter(self, table, splitter, n_folds):
        plan = SplitPlan("splitter", splitter)
        assert len(split_folds(table, np.arange(N), plan, 6)) == n_folds

    def test_leave_one_out_gives_one_fold_per_row(self, table):
        assert (
            len(split_folds(table, np.arange(30), SplitPlan("stratified"), LeaveOneOut())) == 30
        )

    def test_pairs_are_table_positions_without_held_out_rows(self, table):
        pairs = ((np.arange(60), np.arange(60, N)), (np.arange(N) >= 60, np.arange(N) < 60))
        folds = split_folds(table, np.arange(100), SplitPlan("random"), iter(pairs))
        np.testing.assert_array_equal(folds[0][1], np.arange(60, 100))
        np.testing.assert_array_equal(folds[1][0], np.arange(60, 100))

    @pytest.mark.parametrize(
        ("pairs", "message"),
        [
            ([(np.arange(5), np.arange(4, 9))], "disjoint training and test rows"),
            ([(np.arange(5), [N])], "row positions"),
            ([(np.arange(5), [0.5])], "row positions"),
            ([(np.arange(5), [])], "training and test rows in each split"),
            ([1, 2], "pairs"),
            ([], "at least one"),
        ],
    )
    def test_invalid_pairs_are_refused(self, table, pairs, message):
        with pytest.raises(InputError, match=message):
            split_folds(table, np.arange(N), SplitPlan("random"), pairs)

    def test_splitter_also_splits_validation_sets_of_folds(self, table):
        plan = SplitPlan("splitter", GroupKFold(), validation_size=0.1)
        for fold_train, _ in split_folds(table, np.arange(N), plan, 4):
            train, validation, _ = split_validation(table, fold_train, plan)
            assert not set(table.groups[train]) & set(table.groups[validation])
            assert len(validation) in range(5, 11)
