"""Properties of time splits, on generated tables."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.model_selection import TimeSeriesSplit

from sktrainer.exceptions import InputError
from sktrainer.splitting.plan import SplitPlan
from sktrainer.splitting.split import split_folds, split_rows, split_validation
from tests.splitting.tables import assert_sets_partition_rows, checked, sizes_of

times = st.lists(st.integers(0, 15), min_size=4, max_size=60)


@given(time=times, data=st.data())
def test_sets_are_in_time_order_and_equal_times_stay_together(time, data):
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
    assert_sets_partition_rows(split, len(time))
    in_order = time[np.concatenate([split.train, split.validation, split.test])]
    assert (np.diff(in_order) >= 0).all()
    if not any("in the middle" in note for note in notes):
        assert time[split.train].max() < time[split.validation].min()
        assert time[split.validation].max() < time[split.test].min()


@given(time=times, n_folds=st.integers(2, 5))
def test_each_fold_trains_on_earlier_rows(time, n_folds):
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


def test_row_order_is_used_without_a_time_column():
    split, notes = split_rows(checked([0, 1] * 5), SplitPlan("time", test_size=3))
    np.testing.assert_array_equal(split.test, [7, 8, 9])
    assert notes == ()


def test_positions_are_in_time_order():
    table = checked(np.zeros(5), classes=False, time=np.array([5.0, 3, 1, 2, 4]))
    split, _ = split_rows(table, SplitPlan("time", test_size=2))
    np.testing.assert_array_equal(split.train, [2, 3, 1])
    np.testing.assert_array_equal(split.test, [4, 0])
    whole, _ = split_rows(table, SplitPlan("time"))
    np.testing.assert_array_equal(whole.train, [2, 3, 1, 4, 0])


def test_equal_times_in_all_rows_give_a_note():
    table = checked(np.zeros(10), classes=False, time=np.ones(10))
    split, notes = split_rows(table, SplitPlan("time", test_size=4))
    assert len(split.test) == 4 and "in the middle" in notes[0]


def test_validation_set_holds_the_latest_of_the_given_rows():
    table = checked(np.zeros(10), classes=False, time=np.arange(10)[::-1])
    train, validation, _ = split_validation(
        table, np.arange(4, 10), SplitPlan("time", validation_size=2)
    )
    np.testing.assert_array_equal(validation, [5, 4])
    np.testing.assert_array_equal(train, [9, 8, 7, 6])


@given(
    time=st.lists(st.integers(0, 200), min_size=60, max_size=80),
    gap=st.integers(0, 6),
    as_rows=st.booleans(),
    test=st.integers(1, 12),
    validation=st.integers(1, 12),
)
def test_gap_is_left_out_before_each_held_out_set(time, gap, as_rows, test, validation):
    dates = np.sort(time).astype("datetime64[D]")
    table = checked(np.zeros(len(time)), classes=False, time=dates)
    gap_days = np.timedelta64(gap, "D")
    plan = SplitPlan(
        "time",
        test_size=test,
        validation_size=validation,
        gap=gap if as_rows else gap_days,
    )
    try:
        split, _ = split_rows(table, plan)
        folds = split_folds(table, np.arange(len(time)), plan, 2)
    except InputError as error:
        assume(not any(text in str(error) for text in ("gap", "earlier time")))
        raise
    sets = [(split.train, split.validation), (split.validation, split.test), *folds]
    for earlier, later in sets:
        if as_rows:
            assert later.min() - earlier.max() > gap
        else:
            assert dates[later].min() - dates[earlier].max() > gap_days


def test_seven_rows_and_seven_days_are_the_same_gap_on_daily_rows():
    days = np.arange(100).astype("datetime64[D]")
    table = checked(np.zeros(100), classes=False, time=days)
    by_rows, by_days = (
        SplitPlan("time", test_size=0.2, gap=gap) for gap in (7, np.timedelta64(7, "D"))
    )
    for plan in (by_rows, by_days):
        split, notes = split_rows(table, plan)
        np.testing.assert_array_equal(split.train, np.arange(73))
        np.testing.assert_array_equal(split.test, np.arange(80, 100))
        assert notes == ()
        expected = TimeSeriesSplit(4, gap=7).split(np.zeros((100, 1)))
        found = split_folds(table, np.arange(100), plan, 4)
        for (train, test), (expected_train, expected_test) in zip(found, expected, strict=True):
            np.testing.assert_array_equal(train, expected_train)
            np.testing.assert_array_equal(test, expected_test)


def test_gap_that_leaves_no_training_rows_is_refused():
    table = checked(np.zeros(20), classes=False, time=np.arange(20).astype("datetime64[D]"))
    with pytest.raises(InputError, match=r"gap=16: .*Use a smaller gap or a smaller test_size"):
        split_rows(table, SplitPlan("time", test_size=4, gap=16))
    with pytest.raises(InputError, match=r"gap='9 days 00:00:00': .*smaller gap or fewer"):
        split_folds(table, np.arange(20), SplitPlan("time", gap=np.timedelta64(9, "D")), 3)
