"""Properties of each kind of split, on generated tables."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sktrainer.exceptions import InputError
from sktrainer.splitting.plan import SplitPlan
from sktrainer.splitting.split import split_folds, split_rows, split_validation
from sktrainer.types import FitData


def checked(y, *, classes=True, **columns):
    y = np.asarray(y)
    if not classes:
        return FitData(np.zeros((len(y), 1)), y.astype(float), "regression", **columns)
    labels, codes = np.unique(y, return_inverse=True)
    return FitData(np.zeros((len(y), 1)), codes, "classification", labels, **columns)


def assert_parted(split, n_samples):
    parts = np.concatenate([split.train, split.validation, split.test])
    np.testing.assert_array_equal(np.sort(parts), np.arange(n_samples))


labels = st.lists(st.integers(0, 6), min_size=3, max_size=80)
seeds = st.integers(0, 2**31 - 2)


@st.composite
def sizes_of(draw, n):
    test = draw(st.integers(1, n - 2))
    return test, draw(st.integers(1, n - test - 1))


class TestRandomAndStratified:
    @given(y=labels, data=st.data(), seed=seeds, shuffle=st.booleans())
    @pytest.mark.parametrize("kind", ["random", "stratified"])
    def test_sets_are_disjoint_complete_and_have_exact_sizes(
        self, kind, y, data, seed, shuffle
    ):
        test, validation = data.draw(sizes_of(len(y)))
        plan = SplitPlan(
            kind, shuffle=shuffle, seed=seed, test_size=test, validation_size=validation
        )
        split, _ = split_rows(checked(y), plan)
        assert_parted(split, len(y))
        assert (len(split.test), len(split.validation)) == (test, validation)
        for part in ("train", "validation", "test"):
            assert (np.diff(split.positions(part)) > 0).all()

    @given(y=labels, data=st.data(), seed=seeds)
    def test_every_class_keeps_a_training_row_if_possible(self, y, data, seed):
        test, validation = data.draw(sizes_of(len(y)))
        n_train = len(y) - test - validation
        plan = SplitPlan("stratified", seed=seed, test_size=test, validation_size=validation)
        table = checked(y)
        split, _ = split_rows(table, plan)
        n_learnt = len(np.unique(table.y[split.train]))
        assert n_learnt == min(n_train, table.n_classes)

    @given(
        counts=st.lists(st.integers(3, 30), min_size=1, max_size=8),
        seed=seeds,
        share=st.floats(0.01, 0.25),
    )
    def test_each_class_is_within_one_row_of_its_quota(self, counts, seed, share):
        table = checked(np.repeat(np.arange(len(counts)), counts))
        split, _ = split_rows(table, SplitPlan("stratified", seed=seed, test_size=share))
        held = np.bincount(table.y[split.test], minlength=len(counts))
        quota = held.sum() * np.array(counts) / sum(counts)
        assert (np.abs(held - quota) < 1).all()

    def test_unshuffled_random_puts_training_first_and_test_last(self):
        plan = SplitPlan("random", shuffle=False, test_size=2, validation_size=3)
        split, _ = split_rows(checked(np.arange(10), classes=False), plan)
        np.testing.assert_array_equal(split.train, np.arange(5))
        np.testing.assert_array_equal(split.validation, [5, 6, 7])
        np.testing.assert_array_equal(split.test, [8, 9])

    def test_unshuffled_stratified_holds_out_the_last_rows_of_each_class(self):
        table = checked([0] * 5 + [1] * 5)
        split, _ = split_rows(table, SplitPlan("stratified", shuffle=False, test_size=4))
        np.testing.assert_array_equal(split.test, [3, 4, 8, 9])

    def test_fewer_held_out_rows_than_classes_are_allowed(self):
        split, _ = split_rows(checked(np.arange(10) // 2), SplitPlan("stratified", test_size=2))
        assert len(split.test) == 2

    def test_one_row_per_class_keeps_the_training_size(self):
        split, notes = split_rows(checked(np.arange(30)), SplitPlan("stratified", test_size=10))
        assert len(split.train) == 20 and "the model cannot learn" in notes[0]

    @given(y=labels, seed=seeds, n_folds=st.integers(2, 6), shuffle=st.booleans())
    def test_folds_balance_rows_and_classes(self, y, seed, n_folds, shuffle):
        assume(len(y) >= n_folds)
        table = checked(y)
        plan = SplitPlan("stratified", seed=seed, shuffle=shuffle)
        tests = [test for _, test in split_folds(table, np.arange(len(y)), plan, n_folds)]
        counts = np.array([np.bincount(table.y[t], minlength=table.n_classes) for t in tests])
        assert np.ptp(counts, axis=0).max() <= 1 and np.ptp(counts.sum(axis=1)) <= 1

    def test_unshuffled_random_folds_are_blocks_in_row_order(self):
        table = checked(np.arange(7), classes=False)
        folds = split_folds(table, np.arange(7), SplitPlan("random", shuffle=False), 3)
        assert [t.tolist() for _, t in folds] == [[0, 1, 2], [3, 4], [5, 6]]


group_tables = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=4, max_size=80
).filter(lambda rows: len({group for group, _ in rows}) >= 3)


class TestGroups:
    @given(table=group_tables, seed=seeds, data=st.data(), classes=st.booleans())
    def test_groups_stay_together_and_all_rows_are_used(self, table, seed, data, classes):
        groups, y = map(np.array, zip(*table, strict=True))
        test, validation = data.draw(sizes_of(len(y)))
        table = checked(y, classes=classes, groups=groups)
        plan = SplitPlan("group", seed=seed, test_size=test, validation_size=validation)
        try:
            split, _ = split_rows(table, plan)
        except InputError as error:
            # After the test set, only one group or too few rows may remain.
            assume("group" not in str(error) and "training row" not in str(error))
            raise
        assert_parted(split, len(y))
        sets = [set(groups[split.positions(part)]) for part in ("train", "validation", "test")]
        assert all(sets) and sum(map(len, sets)) == len(set(groups))

    @given(table=group_tables, seed=seeds, n_folds=st.integers(2, 5), classes=st.booleans())
    def test_folds_are_not_empty_and_never_share_a_group(self, table, seed, n_folds, classes):
        groups, y = map(np.array, zip(*table, strict=True))
        assume(n_folds <= len(set(groups)))
        table = checked(y, classes=classes, groups=groups)
        folds = split_folds(table, np.arange(len(y)), SplitPlan("group", seed=seed), n_folds)
        np.testing.assert_array_equal(
            np.sort(np.concatenate([t for _, t in folds])), np.arange(len(y))
        )
        for train, test in folds:
            assert len(train) and len(test)
            assert not set(groups[train]) & set(groups[test])

    def test_size_is_met_if_groups_allow_it(self):
        groups = np.repeat([f"g{i}" for i in range(50)], np.arange(1, 51))
        table = checked(np.zeros(len(groups)), classes=False, groups=groups)
        split, notes = split_rows(table, SplitPlan("group", test_size=255, validation_size=100))
        assert (len(split.test), len(split.validation), notes) == (255, 100, ())

    def test_group_split_keeps_class_frequencies_and_training_rows(self):
        rng = np.random.default_rng(0)
        groups = np.repeat(np.arange(80), 10)
        y = np.repeat(rng.random(80) < 0.2, 10).astype(int)
        y[groups < 2] = 2
        for seed in range(5):
            split, _ = split_rows(
                checked(y, groups=groups), SplitPlan("group", seed=seed, test_size=0.25)
            )
            assert set(y[split.train]) == {0, 1, 2}
            shares = [
                np.bincount(y[p], minlength=3) / len(p) for p in (split.test, np.arange(800))
            ]
            assert np.abs(shares[0] - shares[1]).max() < 0.03

    def test_one_large_group_gives_a_note(self):
        table = checked([0] * 10, groups=np.array(["big"] * 9 + ["small"]))
        split, notes = split_rows(table, SplitPlan("group", test_size=5))
        assert len(split.test) in (1, 9) and "groups are kept together" in notes[0]

    def test_single_group_is_refused(self):
        table = checked([0, 1, 0], groups=np.array(["only"] * 3, dtype=object))
        with pytest.raises(InputError, match="at least 2 groups"):
            split_rows(table, SplitPlan("group", test_size=1))
        with pytest.raises(InputError, match="at least 2 groups"):
            split_folds(table, np.arange(3), SplitPlan("group"), 2)

    def test_more_folds_than_groups_are_refused(self):
        table = checked(np.zeros(9), groups=np.arange(9) // 3)
        with pytest.raises(InputError, match="cv=3 or fewer"):
            split_folds(table, np.arange(9), SplitPlan("group"), 4)


times = st.lists(st.integers(0, 15), min_size=4, max_size=60)


class TestTime:
    @given(time=times, data=st.data())
    def test_sets_are_in_time_order_and_equal_times_stay_together(self, time, data):
        time = np.array(time)
        test, validation = data.draw(sizes_of(len(time)))
        table = checked(np.zeros(len(time)), classes=False, time=time)
        try:
            split, notes = split_rows(
                table, SplitPlan("time", test_size=test, validation_size=validation)
            )
        except InputError as error:
            assume("training row" not in str(error))
            raise
        assert_parted(split, len(time))
        in_order = time[np.concatenate([split.train, split.validation, split.test])]
        assert (np.diff(in_order) >= 0).all()
        if not any("in the middle" in note for note in notes):
            assert time[split.train].max() < time[split.validation].min()
            assert time[split.validation].max() < time[split.test].min()

    @given(time=times, n_folds=st.integers(2, 5))
    def test_each_fold_trains_on_earlier_rows(self, time, n_folds):
        time = np.array(time).astype("datetime64[h]")
        table = checked(np.zeros(len(time)), classes=False, time=time)
        assume(len(time) > n_folds)
        try:
            folds = split_folds(table, np.arange(len(time)), SplitPlan("time"), n_folds)
        except InputError as error:
            assume("earlier time" not in str(error))
            raise
        assert len(folds) == n_folds
        for train, test in folds:
            assert time[train].max() < time[test].min()

    def test_row_order_is_used_without_a_time_column(self):
        split, notes = split_rows(checked([0, 1] * 5), SplitPlan("time", test_size=3))
        np.testing.assert_array_equal(split.test, [7, 8, 9])
        assert notes == ()

    def test_positions_are_in_time_order(self):
        table = checked(np.zeros(5), classes=False, time=np.array([5.0, 3, 1, 2, 4]))
        split, _ = split_rows(table, SplitPlan("time", test_size=2))
        np.testing.assert_array_equal(split.train, [2, 3, 1])
        np.testing.assert_array_equal(split.test, [4, 0])
        whole, _ = split_rows(table, SplitPlan("time"))
        np.testing.assert_array_equal(whole.train, [2, 3, 1, 4, 0])

    def test_equal_times_in_all_rows_give_a_note(self):
        table = checked(np.zeros(10), classes=False, time=np.ones(10))
        split, notes = split_rows(table, SplitPlan("time", test_size=4))
        assert len(split.test) == 4 and "in the middle" in notes[0]

    def test_validation_set_holds_the_latest_of_the_given_rows(self):
        table = checked(np.zeros(10), classes=False, time=np.arange(10)[::-1])
        train, validation, _ = split_validation(
            table, np.arange(4, 10), SplitPlan("time", validation_size=2)
        )
        np.testing.assert_array_equal(validation, [5, 4])
        np.testing.assert_array_equal(train, [9, 8, 7, 6])
