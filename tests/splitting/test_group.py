"""Properties of group splits, on generated tables."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sktrainer.exceptions import InputError
from sktrainer.splitting.plan import SplitPlan
from sktrainer.splitting.split import split_folds, split_rows
from tests.splitting.tables import assert_sets_partition_rows, checked, seeds, sizes_of

group_tables = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=4, max_size=80
).filter(lambda rows: len({group for group, _ in rows}) >= 3)


@given(table=group_tables, seed=seeds, data=st.data(), classes=st.booleans())
def test_groups_stay_together_and_all_rows_are_used(table, seed, data, classes):
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
    assert_sets_partition_rows(split, len(y))
    sets = [set(groups[split.positions(part)]) for part in ("train", "validation", "test")]
    assert all(sets) and sum(map(len, sets)) == len(set(groups))


@given(table=group_tables, seed=seeds, n_folds=st.integers(2, 5), classes=st.booleans())
def test_folds_are_not_empty_and_never_share_a_group(table, seed, n_folds, classes):
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


def test_size_is_met_if_groups_allow_it():
    groups = np.repeat([f"g{i}" for i in range(50)], np.arange(1, 51))
    table = checked(np.zeros(len(groups)), classes=False, groups=groups)
    split, notes = split_rows(table, SplitPlan("group", test_size=255, validation_size=100))
    assert (len(split.test), len(split.validation), notes) == (255, 100, ())


def test_group_split_keeps_class_frequencies_and_training_rows():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(80), 10)
    y = np.repeat(rng.random(80) < 0.2, 10).astype(int)
    y[groups < 2] = 2
    for seed in range(5):
        split, _ = split_rows(
            checked(y, groups=groups), SplitPlan("group", seed=seed, test_size=0.25)
        )
        assert set(y[split.train]) == {0, 1, 2}
        shares = [np.bincount(y[p], minlength=3) / len(p) for p in (split.test, np.arange(800))]
        assert np.abs(shares[0] - shares[1]).max() < 0.03


def test_one_large_group_gives_a_note():
    table = checked([0] * 10, groups=np.array(["big"] * 9 + ["small"]))
    split, notes = split_rows(table, SplitPlan("group", test_size=5))
    assert len(split.test) in (1, 9) and "groups are kept together" in notes[0]


def test_single_group_is_refused():
    table = checked([0, 1, 0], groups=np.array(["only"] * 3, dtype=object))
    with pytest.raises(InputError, match="at least 2 groups"):
        split_rows(table, SplitPlan("group", test_size=1))
    with pytest.raises(InputError, match="at least 2 groups"):
        split_folds(table, np.arange(3), SplitPlan("group"), 2)


def test_more_folds_than_groups_are_refused():
    table = checked(np.zeros(9), groups=np.arange(9) // 3)
    with pytest.raises(InputError, match="cv=3 or fewer"):
        split_folds(table, np.arange(9), SplitPlan("group"), 4)
