"""Validation and encoding of targets of different shapes and types."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from sktrainer.data.targets import encode_target, lookup_codes, resolve_task
from sktrainer.exceptions import InputError


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [([True, False, True], "bool"), ([3, 10, 3], "int64"), ([1, 2.0, np.int64(1)], "float64")],
)
def test_object_array_of_numbers_gives_numeric_labels(labels, dtype):
    codes, classes = encode_target(np.array(labels, dtype=object), "classification")
    assert classes.dtype == dtype
    assert classes[codes].tolist() == labels


@pytest.mark.parametrize("shape", [pd.DataFrame, lambda y: y.reshape(-1, 1)])
def test_labels_in_a_column_are_encoded(shape):
    labels = np.array(["b", "a", "c"])
    assert lookup_codes(shape(labels), np.array(["a", "b"])).tolist() == [1, 0, -1]


def test_float16_labels_are_encoded():
    labels = np.array([2.0, 0.0, 1.0], dtype=np.float16)
    codes, classes = encode_target(labels[:2], "classification")
    assert (codes.tolist(), classes.tolist()) == ([1, 0], [0.0, 2.0])
    assert lookup_codes(labels, classes).tolist() == [1, 0, -1]


@pytest.mark.parametrize(
    ("y", "task"),
    [
        ([1.5, 2.0], "regression"),
        (np.arange(0, 210_000, 10_000), "regression"),
        (np.arange(0.0, 210_000.0, 10_000.0), "regression"),
        (np.arange(20), "classification"),
        (np.arange(20.0), "classification"),
        ([str(n) for n in range(40)], "classification"),
        (pd.Series([True, False]), "classification"),
    ],
)
def test_task_is_inferred_from_y(y, task):
    assert resolve_task("auto", BaseEstimator(), y) == task


@pytest.mark.parametrize("guessed", [True, False])
def test_error_for_one_class_explains_search_folds(guessed):
    with pytest.raises(InputError, match="at least 2 classes") as caught:
        encode_target(["no"] * 9, "classification", guessed=guessed)
    assert ("pass task='classification'" in str(caught.value)) == guessed


@pytest.mark.parametrize("kind", [int, float, "Int64"])
def test_many_consecutive_integers_are_ambiguous(kind):
    y = pd.Series(np.arange(17, 90)).astype(kind)
    with pytest.raises(InputError, match="all 73 whole numbers from 17 to 89"):
        resolve_task("auto", BaseEstimator(), y)
    assert resolve_task("regression", BaseEstimator(), y) == "regression"
