"""Positive class of two classes, to which precision, recall and F1 refer."""

from __future__ import annotations

import numpy as np

from sktrainer.exceptions import ParameterError, suggest_name
from sktrainer.types import Array, PositiveClass


def choose_positive_class(pos_label: object, classes: Array, codes: Array) -> PositiveClass:
    """Return the positive class of two classes.

    `pos_label` is a label, or "auto": 1 or True for labels 0 and 1, -1 and 1, or booleans,
    otherwise the rarer class (the second one if they are equally frequent). `codes` are the
    class codes of all rows, so that the choice is the same in every fold.

    Raises
    ------
    ParameterError
        If `pos_label` is not one of the classes.

    Examples
    --------
    >>> choose_positive_class("auto", np.array(["bad", "good"]), np.array([0, 1, 1])).label
    'bad'
    """
    labels = classes.tolist()
    if not (isinstance(pos_label, str) and pos_label == "auto"):
        return _given_class(pos_label, labels)
    is_number = all(isinstance(label, int | float) for label in labels)  # bool is an int
    if is_number and labels[1] == 1 and labels[0] in (0, -1):
        return PositiveClass(1, labels[1], labels[0])
    n_first, n_second = np.bincount(codes, minlength=2)[:2]
    code = 0 if n_first < n_second else 1
    return PositiveClass(code, labels[code], labels[1 - code])


def _given_class(pos_label: object, labels: list[object]) -> PositiveClass:
    value = pos_label.item() if isinstance(pos_label, np.generic) else pos_label
    if value in labels:
        code = labels.index(value)
        return PositiveClass(code, labels[code], labels[1 - code])
    similar = [label for label in labels if str(label) == str(value)]
    hint = (
        f". Did you mean {similar[0]!r}?"
        if similar
        else suggest_name(value, [label for label in labels if isinstance(label, str)])
    )
    raise ParameterError(
        f"pos_label must be 'auto' or a class of y ({labels[0]!r} or {labels[1]!r}), got "
        f"{pos_label!r}{hint}"
    )
