"""Checks of sample weights and groups."""

from __future__ import annotations

import numpy as np
import pytest

from sktrainer.data.metadata import ProblemList, check_groups, check_sample_weight
from sktrainer.exceptions import ParameterError


@pytest.mark.parametrize(
    ("weight", "fix"),
    [([1.0, -1.0], "Use weight 0"), ([0.0, 0.0], "Use weight 1"), ([1.0, np.inf], "to 0")],
)
def test_invalid_weights_are_reported_with_a_fix(weight, fix):
    problems = ProblemList()
    check_sample_weight("sample_weight", weight, 2, problems)
    assert len(problems) == 1 and fix in problems[0]


def test_single_group_is_reported_with_a_fix():
    problems = ProblemList()
    check_groups(["a", "a"], 2, problems)
    (problem,) = problems
    assert "at least 2 distinct values, got 1. Pass one value per group of rows" in problem


def test_error_that_ends_the_validation_lists_earlier_problems():
    problems = ProblemList(["first"])
    with pytest.raises(ParameterError) as raised, problems.prepend_to_error():
        raise ParameterError("second")
    assert raised.value.problems == ("first", "second")
