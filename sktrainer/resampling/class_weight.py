"""Detection and description of class imbalance, and balanced class weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sktrainer.types import Array, ClassWeightForm

# Classes are imbalanced if the rarest has less than this fraction of an equal share: less
# than 20 % of the rows for two classes, 13 % for three, 4 % for ten.
IMBALANCE_RATIO = 0.4
MAX_CLASSES = 10


def count_classes(y_codes: Array, n_classes: int) -> Array:
    """Count the rows of each class, including classes without rows."""
    return np.bincount(y_codes, minlength=n_classes)


def is_imbalanced(counts: Array) -> bool:
    """Return whether the rarest class has less than 40 % of an equal share of the rows.

    Classes without rows are ignored.

    Examples
    --------
    >>> is_imbalanced(np.array([9_000, 1_000])), is_imbalanced(np.array([80, 20]))
    (True, False)
    """
    present = np.asarray(counts)[np.asarray(counts) > 0]
    return len(present) > 1 and bool(present.min() < IMBALANCE_RATIO * present.mean())


def describe_imbalance(classes: Array, counts: Array) -> str:
    """Describe the class counts; for more than 10 classes, the largest and smallest ones.

    Examples
    --------
    >>> describe_imbalance(np.array([0, 1]), np.array([9_000, 1_000]))
    '0: 9,000 (90%), 1: 1,000 (10%)'
    """
    total = max(int(np.sum(counts)), 1)
    parts = [
        f"{label}: {count:,} ({_percent(count / total)})"
        for label, count in zip(classes, counts, strict=True)
    ]
    if len(parts) <= MAX_CLASSES:
        return ", ".join(parts)
    by_size = np.argsort(-np.asarray(counts), kind="stable")
    half = MAX_CLASSES // 2
    large, small = ([parts[i] for i in group] for group in (by_size[:half], by_size[-half:]))
    return ", ".join([*large, f"… {len(parts) - 2 * half:,} more …", *small])


def class_weights(
    y_codes: Array, n_classes: int, sample_weight: Array | None = None
) -> tuple[Array, Array]:
    """Return weights that give each class the same total weight.

    The weight of class c is ``n / (k * n_c)`` for k classes with rows. With `sample_weight`, n
    and n_c are sums of weights, so a weight of 2 counts as two rows. Return the class weight of
    each row, multiplied by `sample_weight`, and the weight of each class for validation rows; 1
    for a class without training rows.

    References
    ----------
    The formula of ``class_weight="balanced"`` in scikit-learn, based on G. King and
    L. Zeng, "Logistic regression in rare events data", Political Analysis 9, 2001.

    Examples
    --------
    >>> rows, per_class = class_weights(np.array([0, 0, 0, 2]), 3)
    >>> rows.round(3).tolist(), per_class.round(3).tolist()
    ([0.667, 0.667, 0.667, 2.0], [0.667, 1.0, 2.0])
    """
    # `compute_class_weight` of scikit-learn fails if a class has no rows or only rows of
    # weight 0, as in a fold without a rare class.
    counts = np.bincount(y_codes, weights=sample_weight, minlength=n_classes)
    is_present = counts > 0
    balanced = counts.sum() / (is_present.sum() * counts[is_present].astype(np.float64))
    per_class = np.ones(n_classes)
    per_class[is_present] = balanced
    row_weights = per_class[y_codes]
    return (row_weights if sample_weight is None else row_weights * sample_weight), per_class


# Exponents of the balanced weight, by the names of rules in scikit-learn and CatBoost.
_RULES = {"balanced": 1.0, "balanced_subsample": 1.0, "sqrtbalanced": 0.5}


def is_weighting_rule(form: ClassWeightForm, value: Any) -> bool:
    """Return whether a model's class weights follow from the number of rows of each class.

    `form` and `value` are the meaning and value of a parameter in `ParameterSpec.classes`.

    Examples
    --------
    >>> is_weighting_rule("labels", "balanced"), is_weighting_rule("labels", {"yes": 2})
    (True, False)
    """
    return form == "balance" or (isinstance(value, str) and value.lower() in _RULES)


def weight_factors(
    form: ClassWeightForm, value: Any, classes: Array, counts: Array
) -> Array | None:
    """Return the weight of each class for a parameter of a model, or None if it is unknown.

    `form` and `value` are its meaning and value in `ParameterSpec.classes`, and `counts` the
    number of rows of each class.

    Examples
    --------
    >>> labels, counts = np.array(["no", "yes"]), np.array([90, 10])
    >>> weight_factors("labels", {"yes": 5}, labels, counts).tolist()
    [1.0, 5.0]
    >>> weight_factors("labels", "SqrtBalanced", labels, counts).round(2).tolist()
    [0.75, 2.24]
    """
    if is_weighting_rule(form, value):
        rows = np.repeat(np.arange(len(classes)), counts)
        exponent = 1.0 if form == "balance" else _RULES[value.lower()]
        return np.asarray(class_weights(rows, len(classes))[1] ** exponent)
    if form == "other" or isinstance(value, str):
        return None
    if isinstance(value, Mapping):
        keys = range(len(classes)) if form == "codes" else classes.tolist()
        found = [float(value.get(key, 1.0)) for key in keys]
        return np.array(found) if set(value) <= set(keys) else None
    given = np.ravel(value.tolist() if hasattr(value, "tolist") else value).astype(float)
    if form == "positive":
        return np.array([1.0, given[0]]) if len(given) == 1 else None
    return given[: len(classes)] if len(given) >= len(classes) else None


def prior_shift(before: Array, after: Array) -> Array:
    """Return the factor by which weighting or resampling changed each class share.

    `before` and `after` hold the sum of weights (or number of rows) of each class. The
    factor is 1 for a class without rows before.

    Examples
    --------
    >>> prior_shift(np.array([90, 10]), np.array([90, 90])).round(3).tolist()
    [0.556, 5.0]
    """
    shares_before = np.asarray(before, dtype=float) / np.sum(before)
    shares_after = np.asarray(after, dtype=float) / np.sum(after)
    ones = np.ones_like(shares_before)
    return np.divide(shares_after, shares_before, out=ones, where=shares_before > 0)


def _percent(share: float) -> str:
    percent = 100 * share
    if percent >= 10 or percent == 0:
        return f"{percent:.0f}%"
    return f"{percent:.1f}".removesuffix(".0") + "%" if percent >= 0.1 else "<0.1%"
