"""Model parameters that name classes, such as `class_weight`, translated to class codes."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from sktrainer.backends.estimators import iter_nested_models
from sktrainer.backends.registry import find_backend
from sktrainer.backends.support import ClassParameterKind
from sktrainer.data.columns import preview_names
from sktrainer.exceptions import suggest_name
from sktrainer.types import Array

_SCORER_ARGUMENTS = ("pos_label", "labels")


def class_parameter_problems(model: Any, labels: Array) -> list[str]:
    """Return a message for each parameter that names a class which is not a label of y.

    `class_weight` may have labels that y lacks, because the rows of a fold may lack a class.
    It is refused only if a label of y has no weight at the same time, as with a misspelled
    label.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> model = LogisticRegression(class_weight={"Yes": 5, "no": 1})
    >>> print(*class_parameter_problems(model, np.array(["no", "yes"])))
    class_weight={'Yes': 5, 'no': 1} has the keys 'Yes', which are not labels of y. Did you \
mean 'yes'? The labels are 'no', 'yes'
    """
    known, problems = _Codes(labels, np.arange(len(labels))), []
    for part, name, kind, value in _class_parameters(model):
        keys = _named_labels(kind, value)
        unknown = [key for key in keys if key not in known.of_label]
        complete = kind in ("weights", "order") and {*known.of_label} <= {*keys}
        if not unknown or complete or (part is not model and known.are_codes(keys)):
            continue
        what = "the keys" if isinstance(value, Mapping) else "the values"
        hint = suggest_name(str(unknown[0]), map(str, known.of_label))
        problems.append(
            f"{name}={value!r} has {what} {preview_names(unknown)}, which are not labels of "
            f"y{hint or '.'} The labels are {preview_names(labels.tolist())}"
        )
    return problems


def translate_class_parameters(model: Any, labels: Array, present: Array) -> None:
    """Replace labels in the parameters of a model and its nested models by class codes.

    The model is modified in place; pass a clone. `present` has the positions in `labels` of the
    classes of the training rows, which the model knows as 0 to n_known_classes - 1. Values for
    other classes are dropped.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> model = LogisticRegression(class_weight={"yes": 5, "no": 1})
    >>> translate_class_parameters(model, np.array(["no", "yes"]), np.array([0, 1]))
    >>> model.class_weight
    {0: 1, 1: 5}
    """
    codes = _Codes(labels, present)
    found = list(_class_parameters(model))
    orders = {id(part): value for part, _, kind, value in found if kind == "order"}
    for part, name, kind, value in found:
        named = _named_labels(kind, value)
        if part is not model and not codes.are_labels(named) and codes.are_codes(named):
            continue
        order = orders.get(id(part), labels.tolist())
        translated = codes.translate(kind, value, order)
        part.set_params(**{name: translated})


class _Codes:
    """Class codes of one fit, by label."""

    def __init__(self, labels: Array, present: Array) -> None:
        self.n_classes = len(labels)
        self.of_label = {label: code for code, label in enumerate(labels.tolist())}
        self.local = {code: position for position, code in enumerate(present.tolist())}

    def are_labels(self, keys: Iterable[Any]) -> bool:
        return all(key in self.of_label for key in keys)

    def are_codes(self, keys: Iterable[Any]) -> bool:
        """Return whether all are class codes, as meta-estimators pass to their models."""
        return all(isinstance(key, int) and 0 <= key < self.n_classes for key in keys)

    def code(self, label: Any) -> int | None:
        """Return the code that the model uses for a label, None if it does not know it."""
        return self.local.get(self.of_label.get(label, -1))

    def codes(self, labels: Iterable[Any]) -> list[int]:
        found = (self.code(label) for label in labels)
        return [code for code in found if code is not None]

    def translate(self, kind: ClassParameterKind, value: Any, order: Sequence[Any]) -> Any:
        """Return the value of a parameter for class codes.

        `order` lists all labels in the order of values that are not keyed by label.
        """
        if kind == "weights":
            if not isinstance(value, Mapping):
                value = dict(zip(order, value, strict=False))
            given = {self.code(label): weight for label, weight in value.items()}
            return {code: given.get(code, 1) for code in range(len(self.local))}
        if kind == "label":
            return self.code(value)
        if kind == "scorer":
            scorer = copy.copy(value)
            arguments = {
                name: self.codes(argument) if name == "labels" else self.code(argument)
                for name, argument in value._kwargs.items()
                if name in _SCORER_ARGUMENTS
            }
            scorer._kwargs = {**value._kwargs, **arguments}
            return scorer
        if kind == "order":
            return None
        if isinstance(value, Mapping):
            pairs = ((self.code(label), number) for label, number in value.items())
            return {code: number for code, number in pairs if code is not None}
        return self.codes(value)


def _class_parameters(model: Any) -> Iterable[tuple[Any, str, ClassParameterKind, Any]]:
    """Yield each set parameter that names classes: its model, name, kind and value."""
    for part in (model, *iter_nested_models(model)):
        if not is_classifier(part) and hasattr(part, "predict"):
            continue  # `constant` of a DummyRegressor is a number
        for name, meaning in find_backend(part).parameters.classes.items():
            value = part.get_params(deep=False).get(name)
            if meaning.names is not None and _names_classes(meaning.names, value):
                yield part, name, meaning.names, value


def _names_classes(kind: ClassParameterKind, value: Any) -> bool:
    if value is None or (callable(value) and kind != "scorer"):
        return False
    if kind == "scorer":
        arguments = getattr(value, "_kwargs", {})
        return any(arguments.get(name) is not None for name in _SCORER_ARGUMENTS)
    if kind == "label":
        return np.ndim(value) == 0
    return isinstance(value, Mapping | list | tuple | np.ndarray)


def _named_labels(kind: ClassParameterKind, value: Any) -> list[Any]:
    """Return the labels that a value names."""
    if kind == "scorer":
        named = {name: value._kwargs.get(name) for name in _SCORER_ARGUMENTS}
        label = [] if named["pos_label"] is None else [named["pos_label"]]
        return [*label, *(named["labels"] if named["labels"] is not None else ())]
    if kind == "label":
        return [value]
    if isinstance(value, Mapping):
        return list(value)
    return [] if kind == "weights" else list(value)
