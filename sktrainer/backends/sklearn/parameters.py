"""Changes of parameters for one fit of a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.utils._param_validation import (
    InvalidParameterError,
    validate_parameter_constraints,
)
from sklearn.utils.class_weight import compute_class_weight

from sktrainer.backends.estimators import iter_nested_models
from sktrainer.exceptions import ParameterError
from sktrainer.types import Array, Rows


def check_parameters(model: Any) -> None:
    """Raise ParameterError for wrong parameters of a model or of its nested models."""
    problems = []
    for part in (model, *iter_nested_models(model)):
        constraints = getattr(part, "_parameter_constraints", None)
        if not isinstance(constraints, dict):
            continue
        try:
            validate_parameter_constraints(
                constraints, part.get_params(deep=False), caller_name=type(part).__name__
            )
        except InvalidParameterError as error:
            problems.append(str(error))
    if problems:
        raise ParameterError(problems)


@contextmanager
def override_params(model: Any, **values: Any) -> Iterator[None]:
    """Set parameters temporarily and restore the previous values at the end."""
    before = {name: model.get_params(deep=False)[name] for name in values}
    model.set_params(**values)
    try:
        yield
    finally:
        model.set_params(**before)


def truncate(model: Any, size: int, *names: str) -> None:
    """Keep the first `size` entries of the attributes that the model has."""
    for name in names:
        if hasattr(model, name):
            entries = getattr(model, name)[:size]
            # A slice of an array would keep all entries in memory and in files.
            setattr(model, name, entries.copy() if isinstance(entries, np.ndarray) else entries)


def fit_rows(model: Any, rows: Rows, **options: Any) -> None:
    """Call `fit` of the model, with sample weights if the rows have them."""
    if rows.sample_weight is not None:
        options["sample_weight"] = rows.sample_weight
    model.fit(rows.X, rows.y, **options)


def balanced_class_weight(
    model: Any, y: Array, sample_weight: Array | None = None
) -> dict[str, Any]:
    """Return ``class_weight="balanced"`` as an explicit dictionary; empty for other values.

    scikit-learn rejects "balanced" in `partial_fit` and warns about it with `warm_start`,
    because later calls may use different rows. Here all calls use the same rows. Pass
    `sample_weight` for models that weight the class counts (forests do, SGD does not).

    Examples
    --------
    >>> from sklearn.linear_model import SGDClassifier
    >>> model = SGDClassifier(class_weight="balanced")
    >>> balanced_class_weight(model, np.array(["a", "b", "b", "b"]))
    {'class_weight': {'a': 2.0, 'b': 0.6666666666666666}}
    """
    if getattr(model, "class_weight", None) != "balanced":
        return {}
    classes = np.unique(y)
    weights = compute_class_weight(
        "balanced", classes=classes, y=y, sample_weight=sample_weight
    )
    return {"class_weight": dict(zip(classes.tolist(), weights.tolist(), strict=True))}
