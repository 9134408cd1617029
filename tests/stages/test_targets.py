"""The target in the shapes and types in which it comes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sktrainer.stages._targets import check_target, known_codes


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [([True, False, True], "bool"), ([3, 10, 3], "int64"), ([1, 2.0, np.int64(1)], "float64")],
)
def test_numbers_among_objects_are_labels_as_the_numbers_are(labels, dtype):
    codes, classes = check_target(np.array(labels, dtype=object), "classification")
    assert classes.dtype == dtype
    assert classes[codes].tolist() == labels


@pytest.mark.parametrize("shape", [pd.DataFrame, lambda y: y.reshape(-1, 1)])
def test_labels_in_one_column_are_known_as_those_in_a_vector(shape):
    labels = np.array(["b", "a", "c"])
    assert known_codes(shape(labels), np.array(["a", "b"])).tolist() == [1, 0, -1]


def test_labels_of_half_precision_are_known():
    labels = np.array([2.0, 0.0, 1.0], dtype=np.float16)
    assert known_codes(labels, np.array([0.0, 2.0], dtype=np.float16)).tolist() == [1, 0, -1]
