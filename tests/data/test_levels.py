"""Levels are compared as strings, independent of the dtype."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sktrainer.data.columns import FEW_ROWS
from sktrainer.data.levels import Levels, fit_levels

CELLS = st.one_of(
    st.none(), st.text(max_size=2), st.integers(-2, 2), st.booleans(), st.floats(-2, 2)
)


@given(st.lists(CELLS, min_size=1, max_size=FEW_ROWS))
def test_codes_are_the_same_in_training_and_prediction(values):
    cells = np.empty(len(values), dtype=object)
    cells[:] = values
    codes, levels = fit_levels(cells)
    reader = Levels(np.array(levels, dtype=object))
    assert reader.read(cells).tolist() == codes.tolist()
    many = np.tile(cells, FEW_ROWS + 1)
    assert reader.read(many)[: len(cells)].tolist() == codes.tolist()


@pytest.mark.parametrize("dtype", ["str", "object", "category", "string[pyarrow]"])
def test_codes_follow_the_string_order(dtype):
    cells = pd.Series(["b", None, "a", "c"], dtype=dtype).array
    codes, levels = fit_levels(cells)
    assert codes.tolist() == [1, -1, 0, 2] and levels == ["a", "b", "c"]


def test_ordered_categories_keep_order_and_drop_unused_ones():
    cells = pd.Categorical(["high", "low"], ["low", "mid", "high"], ordered=True)
    assert fit_levels(cells)[1] == ["low", "high"]


def test_numeric_categories_are_sorted_as_numbers():
    assert fit_levels(pd.Categorical([10, 9, 1]))[1] == ["1", "9", "10"]


def test_categories_with_the_same_string_are_one_level():
    codes, levels = fit_levels(pd.Categorical([1, "1", "b"]))
    assert codes.tolist() == [0, 0, 1] and levels == ["1", "b"]


def test_lookup_table_is_not_pickled():
    levels = Levels(np.array(["a", "b"], dtype=object))
    before = pickle.dumps(levels)
    levels.read(np.array(["a"], dtype=object))
    assert pickle.dumps(levels) == before
    assert pickle.loads(before).read(np.array(["b"], dtype=object)).tolist() == [1]


@given(st.lists(st.text(max_size=4), min_size=1, unique=True))
def test_pickled_levels_are_restored_exactly(strings):
    levels = Levels(np.array([*strings, "\ud800", "a\x00b"], dtype=object))
    again = pickle.loads(pickle.dumps(levels)).levels
    assert again.dtype == object and again.tolist() == levels.levels.tolist()
    assert all(type(text) is str for text in again)
