"""Positive class of two classes."""

from __future__ import annotations

import numpy as np
import pytest

from sktrainer import ParameterError
from sktrainer.data.positive_class import choose_positive_class


@pytest.mark.parametrize("labels", [[0, 1], [-1, 1], [False, True], [0.0, 1.0], [-1.0, 1.0]])
@pytest.mark.parametrize("codes", [[0, 1, 1], [0, 0, 1]])
def test_one_and_true_are_positive(labels, codes):
    found = choose_positive_class("auto", np.array(labels), np.array(codes))
    assert (found.code, found.label, found.other) == (1, labels[1], labels[0])


@pytest.mark.parametrize("labels", [["bad", "good"], [1, 2], [0, 2], ["0", "1"]])
def test_rarer_class_is_positive_for_other_labels(labels):
    classes = np.array(labels)
    assert choose_positive_class("auto", classes, np.array([0, 1, 1])).label == labels[0]
    assert choose_positive_class("auto", classes, np.array([0, 0, 1])).label == labels[1]
    assert choose_positive_class("auto", classes, np.array([0, 1])).label == labels[1]


@pytest.mark.parametrize(
    ("labels", "given", "code"),
    [
        (["bad", "good"], "good", 1),
        (["bad", "good"], np.str_("bad"), 0),
        ([1, 2], 1, 0),
        ([1, 2], 2.0, 1),
        ([False, True], 0, 0),
        ([0, 1], np.int8(0), 0),
    ],
)
def test_given_label_is_positive(labels, given, code):
    found = choose_positive_class(given, np.array(labels), np.array([0, 1, 1]))
    assert (found.code, found.label, found.other) == (code, labels[code], labels[1 - code])


@pytest.mark.parametrize(
    ("labels", "given", "hint"),
    [
        (["bad", "good"], "god", "Did you mean 'good'?"),
        (["bad", "good"], "GOOD", "Did you mean 'good'?"),
        ([0, 1], "1", "Did you mean 1?"),
        (["0", "1"], 1, "Did you mean '1'?"),
        (["bad", "good"], 7, "got 7"),
    ],
)
def test_unknown_label_is_refused_with_a_suggestion(labels, given, hint):
    with pytest.raises(
        ParameterError, match="pos_label must be 'auto' or a class of y"
    ) as error:
        choose_positive_class(given, np.array(labels), np.array([0, 1, 1]))
    assert str(error.value).endswith(hint)
