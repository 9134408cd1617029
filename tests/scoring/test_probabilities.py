"""Corrections of predicted probabilities, checked against held-out rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from sktrainer.resampling.class_weight import class_weights, prior_shift
from sktrainer.resampling.samplers import make_sampler, resample
from sktrainer.scoring.probabilities import correct_priors, expand_class_columns
from sktrainer.types import Rows


class TestCorrectPriors:
    @given(
        raw=arrays(float, (5, 3), elements=st.floats(1e-6, 1)),
        shift=arrays(float, 3, elements=st.floats(1e-3, 1e3)),
    )
    def test_correction_undoes_a_prior_shift(self, raw, shift):
        true = raw / raw.sum(axis=1, keepdims=True)
        shifted = true * shift / (true * shift).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(correct_priors(shifted, shift), true, rtol=1e-9)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_corrected_rows_sum_to_one_and_keep_dtype(self, dtype):
        given_rows = np.array([[0.2, 0.8], [1.0, 0.0], [0.5, 0.5]], dtype=dtype)
        given_rows.flags.writeable = False
        corrected = correct_priors(given_rows, np.array([0.1, 9.0]))
        assert corrected.dtype == dtype
        np.testing.assert_allclose(corrected.sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_array_equal(corrected[1], [1, 0])

    def test_row_of_zeros_is_unchanged(self):
        corrected = correct_priors(np.array([[0.0, 0.0], [0.5, 0.5]]), np.array([1.0, 3.0]))
        np.testing.assert_allclose(corrected, [[0.0, 0.0], [0.75, 0.25]])

    def test_removed_class_has_zero_probability(self):
        corrected = correct_priors(np.array([[0.4, 0.6, 0.0]]), np.array([1.0, 1.0, 0.0]))
        np.testing.assert_allclose(corrected, [[0.4, 0.6, 0.0]])

    def test_zero_rows_are_accepted(self):
        assert correct_priors(np.empty((0, 2)), np.ones(2)).shape == (0, 2)

    def test_binary_ranking_is_preserved(self):
        positive = np.linspace(0, 1, 11)
        corrected = correct_priors(
            np.column_stack([1 - positive, positive]), np.array([0.5, 6])
        )
        assert (np.diff(corrected[:, 1]) > 0).all()


class TestExpandColumns:
    def test_complete_columns_return_the_input_itself(self):
        given_rows = np.ones((2, 3)) / 3
        assert expand_class_columns(given_rows, np.arange(3), 3) is given_rows
        assert expand_class_columns(given_rows, None, 3) is given_rows

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_classes_without_training_rows_get_zeros(self, dtype):
        expanded = expand_class_columns(
            np.array([[0.3, 0.7]], dtype=dtype), np.array([1, 3]), 5
        )
        np.testing.assert_array_equal(expanded, np.array([[0, 0.3, 0, 0.7, 0]], dtype=dtype))
        assert expanded.dtype == dtype


def drawn(n, seed):
    """Return rows with known probabilities; about one in twelve is positive."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    true = 1 / (1 + np.exp(3.2 - X @ np.array([1.2, -0.8])))
    return X, (rng.random(n) < true).astype(int), true


MODELS = {
    "logistic": LogisticRegression(),
    "lightgbm": LGBMClassifier(
        n_estimators=60, num_leaves=7, learning_rate=0.08, n_jobs=1, verbose=-1, random_state=0
    ),
}


@pytest.mark.parametrize("method", ["class_weight", "undersample", "oversample", "smote"])
@pytest.mark.parametrize("model", MODELS)
def test_corrected_probabilities_match_those_without_resampling(model, method):
    X, y, _ = drawn(12_000, 0)
    X_test, y_test, true = drawn(20_000, 1)
    plain = MODELS[model].fit(X, y).predict_proba(X_test)
    before = np.bincount(y)
    if method == "class_weight":
        rows = Rows(X, y, class_weights(y, 2)[0])
    else:
        rows = resample(make_sampler(method, (), before, seed=0), Rows(X, y))
    after = np.bincount(rows.y, weights=rows.sample_weight)
    shifted = MODELS[model].fit(rows.X, rows.y, rows.sample_weight).predict_proba(X_test)
    corrected = correct_priors(shifted, prior_shift(before, after))
    brier = [brier_score_loss(y_test, p[:, 1]) for p in (plain, shifted, corrected)]
    assert shifted[:, 1].mean() > 2.5 * true.mean()
    assert abs(corrected[:, 1].mean() - true.mean()) < 0.12 * true.mean()
    assert brier[1] > 1.5 * brier[0]
    assert brier[2] < 1.03 * brier[0]
