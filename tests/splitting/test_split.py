"""Public functions of the splitting stage: kinds, sizes, seeds, errors and notes."""

import numpy as np
import pytest

from sktrainer.exceptions import InputError
from sktrainer.splitting.notes import fold_notes, small_data_notes
from sktrainer.splitting.plan import SplitPlan, resolve_kind
from sktrainer.splitting.split import (
    split_folds,
    split_inner_folds,
    split_rows,
    split_validation,
)
from sktrainer.types import FitData, Rows

KINDS = ("random", "stratified", "group", "time")


def classification(y, **columns):
    classes, codes = np.unique(np.asarray(y), return_inverse=True)
    return FitData(np.zeros((len(codes), 1)), codes, "classification", classes, **columns)


def regression(n, **columns):
    return FitData(np.zeros((n, 1)), np.arange(float(n)), "regression", **columns)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return classification(
        rng.choice(["a", "b", "c"], p=[0.6, 0.3, 0.1], size=400),
        groups=rng.integers(0, 60, 400),
        time=rng.integers(0, 90, 400).astype("datetime64[D]"),
    )


class TestKind:
    @pytest.mark.parametrize(
        ("task", "has_groups", "has_time", "kind"),
        [
            ("classification", False, False, "stratified"),
            ("regression", False, False, "random"),
            ("classification", True, False, "group"),
            ("regression", False, True, "time"),
            ("classification", True, True, "time"),
        ],
    )
    def test_auto_depends_on_task_groups_and_time(self, task, has_groups, has_time, kind):
        given = {"task": task, "has_groups": has_groups, "has_time": has_time}
        assert resolve_kind("auto", **given) == kind


class TestSizes:
    @pytest.mark.parametrize("kind", ["random", "stratified", "time"])
    @pytest.mark.parametrize(
        ("test_size", "validation_size", "expected"),
        [
            (0.2, 0.1, (7, 1, 2)),
            (3, None, (7, 0, 3)),
            (0.01, 2, (7, 2, 1)),
            (None,) * 2 + ((10, 0, 0),),
        ],
    )
    def test_fractions_are_of_all_rows_and_counts_are_exact(
        self, kind, test_size, validation_size, expected
    ):
        plan = SplitPlan(kind, test_size=test_size, validation_size=validation_size)
        split, _ = split_rows(classification([0, 1] * 5), plan)
        assert (len(split.train), len(split.validation), len(split.test)) == expected

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize(("test", "validation"), [(400, None), (0.6, 0.4), (1, 399)])
    def test_sizes_that_leave_no_training_row_are_refused(self, table, kind, test, validation):
        with pytest.raises(InputError, match="at least one training row"):
            split_rows(table, SplitPlan(kind, test_size=test, validation_size=validation))

    def test_single_row_cannot_be_split(self):
        with pytest.raises(InputError, match="pass more rows"):
            split_rows(regression(1), SplitPlan("random", test_size=0.2))

    def test_user_validation_rows_replace_the_validation_set(self, table):
        own = FitData(**{**vars(table), "validation": Rows(np.zeros((1, 1)), np.zeros(1))})
        plan = SplitPlan("random", test_size=0.2, validation_size=0.2)
        split, _ = split_rows(own, plan)
        assert len(split.validation) == 0 and len(split.train) == 320
        assert len(split_validation(own, split.train, plan)[1]) == 0


class TestSeeds:
    @pytest.mark.parametrize("kind", KINDS)
    def test_one_seed_gives_one_split(self, table, kind):
        plan = SplitPlan(kind, seed=3, test_size=0.2, validation_size=0.1)
        first, second = split_rows(table, plan)[0], split_rows(table, plan)[0]
        for part in ("train", "validation", "test"):
            np.testing.assert_array_equal(first.positions(part), second.positions(part))

    @pytest.mark.parametrize("kind", ["random", "stratified", "group"])
    def test_another_seed_gives_another_split(self, table, kind):
        plans = [SplitPlan(kind, seed=seed, test_size=0.2) for seed in (0, 1)]
        tests = [set(split_rows(table, plan)[0].test) for plan in plans]
        assert tests[0] != tests[1]

    def test_test_set_does_not_depend_on_the_validation_size(self, table):
        splits = [
            split_rows(table, SplitPlan("stratified", test_size=0.2, validation_size=size))[0]
            for size in (None, 0.3)
        ]
        np.testing.assert_array_equal(splits[0].test, splits[1].test)

    def test_order_of_the_given_rows_changes_nothing(self, table):
        plan = SplitPlan("random", validation_size=0.1)
        rows = np.arange(300)
        forward, backward = (split_validation(table, r, plan)[1] for r in (rows, rows[::-1]))
        np.testing.assert_array_equal(forward, backward)


class TestFolds:
    @pytest.mark.parametrize("kind", ["random", "stratified", "group"])
    def test_each_given_row_is_tested_once(self, table, kind):
        rows = np.arange(50, 400)
        folds = split_folds(table, rows, SplitPlan(kind), 5)
        np.testing.assert_array_equal(np.sort(np.concatenate([t for _, t in folds])), rows)
        for train, test in folds:
            np.testing.assert_array_equal(np.union1d(train, test), rows)
            assert len(np.intersect1d(train, test)) == 0

    def test_validation_fraction_refers_to_the_rows_of_the_fold(self, table):
        plan = SplitPlan("stratified", validation_size=0.1)
        for fold_train, _ in split_folds(table, np.arange(400), plan, 2):
            train, validation, _ = split_validation(table, fold_train, plan)
            assert len(validation) == 20
            np.testing.assert_array_equal(np.union1d(train, validation), np.sort(fold_train))

    @pytest.mark.parametrize("kind", KINDS)
    def test_small_folds_keep_most_rows_for_training(self, table, kind):
        plan = SplitPlan(kind, validation_size=0.1)
        for rows in (np.arange(60), np.arange(400)):
            train, validation, _ = split_validation(table, rows, plan)
            assert len(validation) == pytest.approx(0.1 * len(rows), abs=6)
            assert len(train) + len(validation) == len(rows)

    def test_validation_set_as_large_as_the_fold_is_refused(self, table):
        plan = SplitPlan("random", validation_size=200)
        with pytest.raises(InputError, match="more folds"):
            split_validation(table, np.arange(200), plan)

    @pytest.mark.parametrize("kind", KINDS)
    def test_too_many_folds_are_refused(self, table, kind):
        with pytest.raises(InputError, match="expected at most"):
            split_folds(table, np.arange(400), SplitPlan(kind), 401)


class TestInnerFolds:
    def test_folds_are_of_the_kind_of_the_split(self, table):
        rows = np.arange(100, 400)
        for kind in KINDS:
            plan = SplitPlan(kind)
            found = split_inner_folds(table, rows, plan, 5)
            expected = split_folds(table, rows, plan, 5)
            for (train, held), (expected_train, expected_held) in zip(
                found, expected, strict=True
            ):
                np.testing.assert_array_equal(train, expected_train)
                np.testing.assert_array_equal(held, expected_held)

    def test_few_groups_or_a_long_gap_give_fewer_folds(self):
        by_group = classification([0, 1] * 30, groups=np.arange(60) % 3)
        assert len(split_inner_folds(by_group, np.arange(60), SplitPlan("group"), 5)) == 3
        plan = SplitPlan("time", gap=12)
        assert len(split_inner_folds(regression(60), np.arange(60), plan, 5)) == 3

    def test_rows_of_one_group_are_refused(self):
        one = regression(60, groups=np.zeros(60))
        with pytest.raises(InputError, match="at least 2 groups"):
            split_inner_folds(one, np.arange(60), SplitPlan("group"), 5)


class TestNotes:
    def test_missing_classes_are_listed_with_their_counts(self):
        data = classification(["common"] * 50 + ["rare"])
        _, notes = split_rows(data, SplitPlan("stratified", test_size=0.2))
        assert notes == ("the test set has no row of class 'rare' (1 row)",)

    def test_class_without_training_rows_gives_a_note(self):
        data = classification([0] * 9 + [1])
        _, notes = split_rows(data, SplitPlan("time", test_size=0.2))
        expected = (
            "the training set has no row of class 1 (1 row), which the model cannot learn"
        )
        assert notes == (expected,)

    def test_many_rare_classes_are_counted_instead_of_listed(self):
        data = classification([0] * 100 + list(range(1, 21)))
        _, notes = split_rows(data, SplitPlan("stratified", test_size=5))
        assert "15 more" in notes[0]

    def test_groups_in_several_sets_give_a_note(self, table):
        _, notes = split_rows(table, SplitPlan("random", test_size=0.2))
        assert any("groups have rows in more than one set" in note for note in notes)

    @pytest.mark.parametrize("kind", ["random", "stratified"])
    def test_folds_that_ignore_groups_give_a_note(self, table, kind):
        folds = split_folds(table, np.arange(400), SplitPlan(kind), 4)
        assert (
            "of 60 groups have both training and test rows in 4 of 4 folds"
            in (fold_notes(table, folds)[0])
        )

    def test_folds_that_keep_groups_together_give_no_note(self, table):
        folds = split_folds(table, np.arange(400), SplitPlan("group"), 4)
        assert fold_notes(table, folds) == ()

    def test_folds_without_a_class_give_a_note(self):
        data = classification([0] * 18 + [1, 1, 2])
        folds = split_folds(data, np.arange(21), SplitPlan("stratified"), 3)
        assert fold_notes(data, folds) == (
            "no training row of class 2 (1 row) in up to 1 of 3 folds",
            "no test row of classes 2 (1 row), 1 (2 rows) in up to 2 of 3 folds",
        )

    def test_regression_has_no_class_notes(self):
        data = regression(20)
        folds = split_folds(data, np.arange(20), SplitPlan("random"), 3)
        assert fold_notes(data, folds) == ()
        assert split_rows(data, SplitPlan("random", test_size=1))[1] == ()


class TestSmallData:
    @staticmethod
    def notes(data, **sizes):
        kind = "group" if data.groups is not None else "stratified"
        return small_data_notes(data, split_rows(data, SplitPlan(kind, **sizes))[0])

    def test_few_rows_note_accuracy_uncertainty_and_suggest_leave_one_out(self):
        notes = self.notes(classification([0, 1] * 25), test_size=0.2)
        assert len(notes) == 2
        assert notes[0].startswith("the test set has only 10 rows: its accuracy has a 95%")
        assert "up to ±31 points" in notes[0]
        assert "cv=LeaveOneOut()" in notes[1]

    def test_few_rows_note_rmse_uncertainty(self):
        data = regression(40)
        split, _ = split_rows(data, SplitPlan("random", test_size=8))
        note = small_data_notes(data, split)[0]
        assert "RMSE" in note and "±49%" in note

    def test_few_rows_of_a_class_give_a_note(self):
        first, second = self.notes(classification([0] * 480 + [1] * 20), test_size=0.1)
        assert "class 1 (2 rows)" in first and "50 points" in first and "cv=5" in second

    def test_grouped_data_suggests_leave_one_group_out(self):
        data = classification([0, 1] * 20, groups=np.repeat(np.arange(10), 4))
        assert "LeaveOneGroupOut" in self.notes(data, test_size=0.2)[-1]

    def test_time_split_suggests_folds_in_time_order(self):
        data = regression(20)
        split, _ = split_rows(data, SplitPlan("time", test_size=0.2))
        assert "time order" in small_data_notes(data, split)[-1]

    @pytest.mark.parametrize("sizes", [{"test_size": 0.2}, {}])
    def test_enough_rows_or_no_set_give_no_note(self, sizes):
        assert self.notes(classification([0, 1] * 200), **sizes) == ()
