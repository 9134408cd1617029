"""Values of the parameters for splits and sampling that are refused before the split."""

from __future__ import annotations

import pytest
from sklearn.model_selection import KFold

from sktrainer.training.parameters import parameter_problems


@pytest.mark.parametrize("size", [0, 0.0, 1.0, 1.5, -1, True, "0.2", float("nan")])
def test_invalid_sizes_are_reported_together(size):
    problems = parameter_problems({"test_size": size, "validation_size": size})
    assert len(problems) == 2
    assert all("a fraction between 0 and 1" in problem for problem in problems)


@pytest.mark.parametrize("cv", [1, 0, -3, True, 2.5, "five", KFold])
def test_invalid_cv_is_refused(cv):
    (problem,) = parameter_problems({"cv": cv})
    assert "a number of folds of at least 2, a splitter" in problem


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("stratifed", "Did you mean 'stratified'?"),
        ("splitter", "'time' or a splitter"),
        (3, "'time' or a splitter"),
        (KFold, "'time' or a splitter"),
    ],
)
def test_invalid_split_is_refused(split, expected):
    (problem,) = parameter_problems({"split": split})
    assert expected in problem


def test_unknown_sampling_method_is_refused():
    (problem,) = parameter_problems({"handle_imbalance": "adasyn"})
    assert "got 'adasyn'" in problem and "'oversample'" in problem
