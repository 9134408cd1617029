from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from sktrainer.data.audit.comparison import (
    CHANCE,
    category_distance,
    comparison_fix,
    comparison_severity,
    critical_distance,
    number_distances,
)
from tests.data.audit.rows import audited, classes, numbers

RNG = np.random.default_rng(0)


def test_distance_of_numbers_is_close_to_the_statistic_of_kolmogorov_and_smirnov():
    train = RNG.normal(size=(3, 500))
    held = RNG.normal([[0.0], [0.5], [2.0]], 1.0, size=(3, 200))
    expected = [ks_2samp(a, b).statistic for a, b in zip(train, held, strict=True)]
    assert number_distances(train, held) == pytest.approx(expected, abs=0.05)


def test_missing_values_count_as_a_value():
    full, gaps = np.ones((1, 10)), np.where(np.arange(10) < 4, np.nan, 1.0)[None]
    assert number_distances(full, gaps) == pytest.approx([0.4])
    assert category_distance(full[0], gaps[0]) == pytest.approx(0.4)


def test_critical_distance_is_rarely_exceeded_by_chance():
    least = critical_distance(300, 100, 1)
    assert 2 * np.exp(-2 * least**2 * 300 * 100 / 400) == pytest.approx(CHANCE)
    draws = number_distances(RNG.normal(size=(500, 300)), RNG.normal(size=(500, 100)))
    assert draws.max() < least


def test_difference_is_expected_unless_rows_are_drawn_at_random():
    X = numbers()
    y = classes(X)
    assert comparison_severity(audited(X, y)) == "warning"
    assert comparison_severity(audited(X, y, kind="time")) == "note"
    own = audited(X, y, kind="time", X_val=X, y_val=y)
    assert comparison_severity(own) == "warning"
    assert "shuffle=True" in comparison_fix(audited(X, y))
    assert "shuffle" not in comparison_fix(audited(X, y, kind="time"))
    assert "other validation rows" in comparison_fix(own)
