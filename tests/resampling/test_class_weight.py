"""Imbalance detection, class weights, samplers, and sample weights after resampling."""

import numpy as np
import pandas as pd
import pytest
from imblearn.combine import SMOTEENN
from imblearn.over_sampling import ADASYN, SMOTE, RandomOverSampler
from imblearn.under_sampling import NearMiss, RandomUnderSampler
from scipy import sparse
from sklearn.utils.class_weight import compute_sample_weight

from sktrainer.exceptions import InputError
from sktrainer.resampling.class_weight import (
    class_weights,
    count_classes,
    describe_imbalance,
    is_imbalanced,
    prior_shift,
)
from sktrainer.resampling.samplers import make_sampler, resample, sampler_notes
from sktrainer.types import Rows

METHODS = ("smote", "oversample", "undersample")


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [60, 25, 10])
    return Rows((rng.normal(size=(95, 4)) + y[:, None]).astype(np.float32), y)


def sampled(method, rows, *, categorical=(), seed=0, **kwargs):
    sampler = make_sampler(method, categorical, count_classes(rows.y, 3), seed)
    return resample(sampler, rows, **kwargs), sampler


class TestDescription:
    @pytest.mark.parametrize(
        ("counts", "expected"),
        [
            ([90, 10], True),
            ([80, 20], False),
            ([81, 19], True),
            ([50, 0, 50], False),
            ([0, 100], False),
            ([0, 0], False),
            ([100, 100, 10], True),
        ],
    )
    def test_class_below_40_percent_of_equal_share_is_imbalanced(self, counts, expected):
        assert is_imbalanced(np.array(counts)) is expected

    def test_counts_include_classes_without_rows(self):
        assert count_classes(np.array([0, 2, 2]), 4).tolist() == [1, 0, 2, 0]

    def test_shares_below_ten_percent_have_one_decimal(self):
        text = describe_imbalance(np.array(["n", "p"]), np.array([3_012, 151]))
        assert text == "n: 3,012 (95%), p: 151 (4.8%)"
        assert describe_imbalance(np.arange(2), np.array([99_999, 1])).endswith("1: 1 (<0.1%)")

    def test_many_classes_show_only_the_largest_and_smallest(self):
        text = describe_imbalance(np.arange(30), np.arange(30) + 1)
        assert text.startswith("29: 30 ") and text.endswith("0: 1 (0.2%)") and "20 more" in text

    def test_describe_imbalance_accepts_zero_rows(self):
        assert describe_imbalance(np.array(["a"]), np.array([0])) == "a: 0 (0%)"


class TestClassWeights:
    def test_weights_equal_sklearn_balanced_weights(self, rows):
        weights, _ = class_weights(rows.y, 3)
        np.testing.assert_array_equal(weights, compute_sample_weight("balanced", rows.y))

    def test_class_without_training_rows_has_weight_one(self):
        weights, per_class = class_weights(np.array([0, 0, 0, 2]), 4)
        np.testing.assert_array_equal(per_class[[1, 3]], 1)
        np.testing.assert_allclose(weights.sum(), 4)

    def test_integer_sample_weights_equal_repeated_rows(self, rows):
        repeats = np.random.default_rng(1).integers(0, 4, len(rows))
        _, by_weight = class_weights(rows.y, 3, repeats.astype(float))
        _, by_rows = class_weights(np.repeat(rows.y, repeats), 3)
        np.testing.assert_array_equal(by_weight, by_rows)

    def test_all_classes_have_the_same_total_weight(self, rows):
        given = np.random.default_rng(2).random(len(rows))
        weights, _ = class_weights(rows.y, 3, given)
        totals = np.bincount(rows.y, weights=weights)
        np.testing.assert_allclose(totals, given.sum() / 3)

    def test_sample_weight_is_not_modified(self, rows):
        given = np.ones(len(rows))
        given.flags.writeable = False
        class_weights(rows.y, 3, given)
        assert (given == 1).all()


class TestSamplers:
    @pytest.mark.parametrize("method", METHODS)
    def test_resampled_classes_are_balanced_and_reproducible(self, rows, method):
        (first, _), (second, _) = sampled(method, rows), sampled(method, rows)
        counts = np.bincount(first.y)
        assert counts.tolist() == [10 if method == "undersample" else 60] * 3
        np.testing.assert_array_equal(first.X, second.X)
        assert first.y.dtype == rows.y.dtype and first.X.dtype == np.float32

    @pytest.mark.parametrize("method", METHODS)
    def test_different_seed_gives_different_rows(self, rows, method):
        (first, _), (second, _) = sampled(method, rows), sampled(method, rows, seed=1)
        assert not np.array_equal(first.X, second.X)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("form", ["csr", "csc", "frame", "read-only", "fortran"])
    def test_container_type_and_dtypes_are_preserved(self, rows, method, form):
        X = {
            "csr": lambda: sparse.csr_array(rows.X),
            "csc": lambda: sparse.csc_matrix(rows.X),
            "frame": lambda: pd.DataFrame(rows.X, columns=list("abcd")).astype({"a": "int32"}),
            "read-only": lambda: rows.X[:],
            "fortran": lambda: np.asfortranarray(rows.X),
        }[form]()
        if form == "read-only":
            X.flags.writeable = False
        result, _ = sampled(method, Rows(X, rows.y))
        assert type(result.X) is type(X)
        if form == "frame":
            assert result.X.dtypes.tolist() == X.dtypes.tolist()
            assert result.X.columns.tolist() == X.columns.tolist()
        else:
            assert result.X.dtype == np.float32

    @pytest.mark.parametrize("method", METHODS)
    def test_missing_values_are_supported(self, rows, method):
        X = rows.X.copy()
        X[::3, 1] = np.nan
        result, _ = sampled(method, Rows(X, rows.y))
        assert len(np.unique(np.bincount(result.y))) == 1
        assert np.isnan(result.X[:, 1]).any() and not np.isnan(result.X[:, 0]).any()

    def test_user_defined_sampler_is_cloned_and_seeded(self, rows):
        own = RandomUnderSampler()
        sampler = make_sampler(own, (), count_classes(rows.y, 3), 7)
        assert sampler is not own and sampler.random_state is not None
        assert own.random_state is None and not hasattr(own, "sample_indices_")
        np.testing.assert_array_equal(sampled(own, rows)[0].X, sampled(own, rows)[0].X)

    def test_sampling_strategy_can_refer_to_labels(self, rows):
        own = RandomOverSampler(sampling_strategy={"rare": 40})
        classes = np.array(["common", "middle", "rare"], dtype=object)
        result, _ = sampled(own, rows, classes=classes)
        assert np.bincount(result.y).tolist() == [60, 25, 40]
        assert result.y.dtype == rows.y.dtype

    @pytest.mark.parametrize("method", [*METHODS, RandomUnderSampler()])
    def test_single_class_raises(self, method):
        with pytest.raises(InputError, match="at least 2 classes"):
            make_sampler(method, (), np.array([5, 0]), 0)

    def test_unsupported_missing_values_raise_with_a_suggestion(self, rows):
        X = rows.X.copy()
        X[0, 0] = np.nan
        with pytest.raises(
            InputError, match="ADASYN: the training rows contain missing values"
        ):
            sampled(ADASYN(), Rows(X, rows.y))

    def test_failing_sampler_reports_class_counts(self, rows):
        few = Rows(rows.X[:62], rows.y[:62])
        with pytest.raises(InputError, match=r"class counts \[60, 2\]"):
            sampled(SMOTE(), few)


class TestSampleWeights:
    @pytest.mark.parametrize("method", ["oversample", "undersample", NearMiss()])
    @pytest.mark.parametrize("form", [np.asarray, pd.DataFrame, sparse.csr_array])
    def test_sample_weights_follow_resampled_rows(self, rows, method, form):
        X = rows.X.copy()
        X[:, 0] = np.arange(len(X))
        result, _ = sampled(method, Rows(form(X), rows.y, np.arange(95) / 10))
        kept = result.X.toarray() if sparse.issparse(result.X) else np.asarray(result.X)
        np.testing.assert_allclose(result.sample_weight, kept[:, 0] / 10, rtol=1e-6)

    @pytest.mark.parametrize(
        "method", ["smote", SMOTEENN(), RandomOverSampler(shrinkage=0.5)], ids=str
    )
    def test_synthetic_rows_with_sample_weight_raise(self, rows, method):
        with pytest.raises(InputError, match="handle_imbalance='class_weight'"):
            sampled(method, Rows(rows.X, rows.y, np.ones(95)))

    def test_weights_follow_rows_with_missing_values(self, rows):
        X = rows.X.copy()
        X[:, 2] = np.nan
        result, _ = sampled("oversample", Rows(X, rows.y, np.ones(95)))
        assert len(result.sample_weight) == 180


class TestNotes:
    def test_small_classes_are_noted(self, rows):
        few = Rows(rows.X[[*range(60), 60, 85, 86, 87]], np.repeat([0, 1, 2], [60, 1, 3]))
        _, sampler = sampled("smote", few)
        notes = sampler_notes(sampler, np.array(["a", "b", "c"]))
        assert "class 'b': the only training row was repeated" in notes[0]
        assert "2 instead of 5 neighbors in class 'c'" in notes[1]

    def test_large_classes_and_other_samplers_have_no_notes(self, rows):
        classes = np.arange(3)
        assert all(sampler_notes(sampled(m, rows)[1], classes) == () for m in METHODS)


class TestPriorShift:
    def test_prior_shift_is_the_ratio_of_shares(self):
        shift = prior_shift(np.array([90.0, 10, 0]), np.array([30, 10, 0]))
        np.testing.assert_allclose(shift, [0.75 / 0.9, 0.25 / 0.1, 1])

    def test_unchanged_shares_give_shift_one(self):
        np.testing.assert_array_equal(prior_shift(np.array([3, 7]), np.array([6, 14])), [1, 1])
