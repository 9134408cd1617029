"""Properties of random and stratified splits, on generated tables."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sktrainer.splitting.plan import SplitPlan
from sktrainer.splitting.split import split_folds, split_rows
from tests.splitting.tables import assert_sets_partition_rows, checked, labels, seeds, sizes_of


@given(y=labels, data=st.data(), seed=seeds, shuffle=st.booleans())
@pytest.mark.parametrize("kind", ["random", "stratified"])
def test_sets_are_disjoint_complete_and_have_exact_sizes(kind, y, data, seed, shuffle):
    test, validation = data.draw(sizes_of(len(y)))
    plan = SplitPlan(
        kind, shuffle=shuffle, seed=seed, test_size=test, validation_size=validation
    )
    split, _ = split_rows(checked(y), plan)
    assert_sets_partition_rows(split, len(y))
    assert (len(split.test), len(split.validation)) == (test, validation)
    for part in ("train", "validation", "test"):
        assert (np.diff(split.positions(part)) > 0).all()


@given(y=labels, data=st.data(), seed=seeds)
def test_every_class_keeps_a_training_row_if_possible(y, data, seed):
    test, validation = data.draw(sizes_of(len(y)))
    n_train = len(y) - test - validation
    plan = SplitPlan("stratified", seed=seed, test_size=test, validation_size=validation)
    table = checked(y)
    split, _ = split_rows(table, plan)
    n_learned = len(np.unique(table.y[split.train]))
    assert n_learned == min(n_train, table.n_classes)


@given(
    counts=st.lists(st.integers(3, 30), min_size=1, max_size=8),
    seed=seeds,
    share=st.floats(0.01, 0.25),
)
def test_each_class_is_within_one_row_of_its_quota(counts, seed, share):
    table = checked(np.repeat(np.arange(len(counts)), counts))
    split, _ = split_rows(table, SplitPlan("stratified", seed=seed, test_size=share))
    held = np.bincount(table.y[split.test], minlength=len(counts))
    quota = held.sum() * np.array(counts) / sum(counts)
    assert (np.abs(held - quota) < 1).all()


def test_unshuffled_random_puts_training_first_and_test_last():
    plan = SplitPlan("random", shuffle=False, test_size=2, validation_size=3)
    split, _ = split_rows(checked(np.arange(10), classes=False), plan)
    np.testing.assert_array_equal(split.train, np.arange(5))
    np.testing.assert_array_equal(split.validation, [5, 6, 7])
    np.testing.assert_array_equal(split.test, [8, 9])


def test_unshuffled_stratified_holds_out_the_last_rows_of_each_class():
    table = checked([0] * 5 + [1] * 5)
    split, _ = split_rows(table, SplitPlan("stratified", shuffle=False, test_size=4))
    np.testing.assert_array_equal(split.test, [3, 4, 8, 9])


def test_fewer_held_out_rows_than_classes_are_allowed():
    split, _ = split_rows(checked(np.arange(10) // 2), SplitPlan("stratified", test_size=2))
    assert len(split.test) == 2


def test_one_row_per_class_keeps_the_training_size():
    split, notes = split_rows(checked(np.arange(30)), SplitPlan("stratified", test_size=10))
    assert len(split.train) == 20 and "the model cannot learn" in notes[0]


@given(y=labels, seed=seeds, n_folds=st.integers(2, 6), shuffle=st.booleans())
def test_folds_balance_rows_and_classes(y, seed, n_folds, shuffle):
    assume(len(y) >= n_folds)
    table = checked(y)
    plan = SplitPlan("stratified", seed=seed, shuffle=shuffle)
    tests = [test for _, test in split_folds(table, np.arange(len(y)), plan, n_folds)]
    counts = np.array([np.bincount(table.y[t], minlength=table.n_classes) for t in tests])
    assert np.ptp(counts, axis=0).max() <= 1 and np.ptp(counts.sum(axis=1)) <= 1


def test_unshuffled_random_folds_are_blocks_in_row_order():
    table = checked(np.arange(7), classes=False)
    folds = split_folds(table, np.arange(7), SplitPlan("random", shuffle=False), 3)
    assert [t.tolist() for _, t in folds] == [[0, 1, 2], [3, 4], [5, 6]]
