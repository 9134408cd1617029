"""Checked data and split sizes for the tests of each kind of split."""

import numpy as np
from hypothesis import strategies as st

from sktrainer.types import FitData


def checked(y, *, classes=True, **columns):
    y = np.asarray(y)
    if not classes:
        return FitData(np.zeros((len(y), 1)), y.astype(float), "regression", **columns)
    labels, codes = np.unique(y, return_inverse=True)
    return FitData(np.zeros((len(y), 1)), codes, "classification", labels, **columns)


def assert_sets_partition_rows(split, n_samples):
    parts = np.concatenate([split.train, split.validation, split.test])
    np.testing.assert_array_equal(np.sort(parts), np.arange(n_samples))


labels = st.lists(st.integers(0, 6), min_size=3, max_size=80)
seeds = st.integers(0, 2**31 - 2)


@st.composite
def sizes_of(draw, n):
    test = draw(st.integers(1, n - 2))
    return test, draw(st.integers(1, n - test - 1))
