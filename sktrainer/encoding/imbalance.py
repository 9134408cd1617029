"""Classes of unlike size: found, told, and met by weights or by resampling."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone

from sktrainer.encoding.rows_taken import positions_of, rows_taken
from sktrainer.encoding.smote import TableSMOTE
from sktrainer.exceptions import InputError
from sktrainer.rows import is_inputs, take_rows
from sktrainer.running.seeding import set_open_seeds
from sktrainer.types import Array, Rows

__all__ = [
    "class_weights",
    "describe_classes",
    "describe_imbalance",
    "is_imbalanced",
    "make_sampler",
    "prior_shift",
    "resample",
    "sampler_notes",
]

# The rarest class counts as rare below this part of an even share: under 20 % of two
# classes, under 13 % of three, under 4 % of ten.
RARE = 0.4
MOST_LISTED = 10


def describe_classes(y_codes: Array, n_classes: int) -> Array:
    """Count the rows of each class.

    Parameters
    ----------
    y_codes : ndarray of int of shape (n_samples,)
    n_classes : int

    Returns
    -------
    ndarray of int of shape (n_classes,)
    """
    return np.bincount(y_codes, minlength=n_classes)


def is_imbalanced(counts: Array) -> bool:
    """Tell whether the rarest class has fewer rows than 40 % of an even share.

    Classes without rows are ignored.

    Examples
    --------
    >>> is_imbalanced(np.array([9_000, 1_000])), is_imbalanced(np.array([80, 20]))
    (True, False)
    """
    present = np.asarray(counts)[np.asarray(counts) > 0]
    return len(present) > 1 and bool(present.min() < RARE * present.mean())


def describe_imbalance(classes: Array, counts: Array) -> str:
    """Say how many rows each class has; of many classes the largest and the rarest.

    Examples
    --------
    >>> describe_imbalance(np.array([0, 1]), np.array([9_000, 1_000]))
    '0: 9,000 (90%), 1: 1,000 (10%)'
    """
    total = max(int(np.sum(counts)), 1)
    told = [
        f"{label}: {count:,} ({_percent(count / total)})"
        for label, count in zip(classes, counts, strict=True)
    ]
    if len(told) <= MOST_LISTED:
        return ", ".join(told)
    by_size = np.argsort(-np.asarray(counts), kind="stable")
    half = MOST_LISTED // 2
    large, small = ([told[i] for i in part] for part in (by_size[:half], by_size[-half:]))
    return ", ".join([*large, f"… {len(told) - 2 * half:,} more …", *small])


def class_weights(
    y_codes: Array, n_classes: int, sample_weight: Array | None = None
) -> tuple[Array, Array]:
    """Weight rows so that each class weighs the same in all.

    A class c gets the weight ``n / (k * n_c)``, for k classes with rows; with
    `sample_weight` both n are sums of weights, so that a weight of 2 counts as two rows.

    Parameters
    ----------
    y_codes : ndarray of int of shape (n_samples,)
        Training rows only.
    n_classes : int
    sample_weight : ndarray of shape (n_samples,) or None, default=None

    Returns
    -------
    row_weights : ndarray of shape (n_samples,)
        Multiplied into `sample_weight`.
    per_class : ndarray of shape (n_classes,)
        For validation rows; 1 for a class that the training rows lack.

    References
    ----------
    The rule is that of ``class_weight="balanced"`` in scikit-learn, after G. King and
    L. Zeng, "Logistic regression in rare events data", Political Analysis 9, 2001.

    Examples
    --------
    >>> rows, per_class = class_weights(np.array([0, 0, 0, 2]), 3)
    >>> rows.round(3).tolist(), per_class.round(3).tolist()
    ([0.667, 0.667, 0.667, 2.0], [0.667, 1.0, 2.0])
    """
    counts = np.bincount(y_codes, weights=sample_weight, minlength=n_classes)
    is_present = counts > 0
    balanced = counts.sum() / (is_present.sum() * counts[is_present].astype(np.float64))
    per_class = np.ones(n_classes)
    per_class[is_present] = balanced
    row_weights = per_class[y_codes]
    return (row_weights if sample_weight is None else row_weights * sample_weight), per_class


def make_sampler(method: Any, categorical: tuple[int, ...], counts: Array, seed: int) -> Any:
    """Return the unfitted sampler of a method.

    Parameters
    ----------
    method : {"smote", "oversample", "undersample"} or sampler
        A sampler is cloned, and its open seeds are set.
    categorical : tuple of int
        Columns of category codes, for "smote".
    counts : ndarray of shape (n_classes,)
        Training rows of each class.
    seed : int

    Returns
    -------
    sampler
        `TableSMOTE`, imblearn's RandomOverSampler or RandomUnderSampler, or the clone.

    Raises
    ------
    InputError
        The method is not known, or there is only one class.
    """
    if int(np.sum(np.asarray(counts) > 0)) < 2:
        raise InputError(
            "handle_imbalance: expected training rows of at least 2 classes, got "
            f"{int(np.sum(np.asarray(counts) > 0))}; give rows of the others, or set "
            "handle_imbalance=None"
        )
    if not isinstance(method, str):
        sampler = clone(method)
        set_open_seeds(sampler, seed)
        return sampler
    if method == "smote":
        return TableSMOTE(categorical=tuple(categorical), random_state=seed)
    if method in ("oversample", "undersample"):
        from imblearn.over_sampling import RandomOverSampler
        from imblearn.under_sampling import RandomUnderSampler

        kind = RandomOverSampler if method == "oversample" else RandomUnderSampler
        return kind(random_state=seed)
    raise InputError(
        "handle_imbalance: expected 'smote', 'oversample', 'undersample' or an imblearn "
        f"sampler to resample with, got {method!r}; pass one of these"
    )


def makes_rows(sampler: Any) -> bool:
    """Tell whether a method or a sampler may make rows that were not there.

    Parameters
    ----------
    sampler : str, sampler or None

    Examples
    --------
    >>> makes_rows("smote"), makes_rows("undersample")
    (True, False)
    """
    if sampler is None or isinstance(sampler, str):
        return sampler == "smote"
    if not hasattr(sampler, "fit_resample"):
        return False
    if getattr(sampler, "shrinkage", "smooth") is None:  # a RandomOverSampler repeats rows
        return False
    module = type(sampler).__module__
    return "over_sampling" in module or "combine" in module or "smote" in module


def resample(sampler: Any, rows: Rows, *, classes: Array | None = None) -> Rows:
    """Fit a sampler on training rows and return the rows that it gives.

    Parameters
    ----------
    sampler : sampler
        Fitted in place: pass a clone.
    rows : Rows
        Encoded training rows with class codes as `y`. Of a dict of arrays whole rows are
        repeated or left out; new ones cannot be made.
    classes : ndarray of shape (n_classes,) or None, default=None
        The labels of the codes, sorted. Samplers of the caller's that may speak of labels
        (``sampling_strategy={"rare": 500}``) get labels in place of codes.

    Returns
    -------
    Rows
        `X` of the given type and dtype, codes as `y`, and the weights of the rows taken.

    Raises
    ------
    InputError
        The sampler cannot take these rows; or there are sample weights, and it makes new
        rows, which have none.

    Examples
    --------
    >>> rows = Rows(np.arange(5.0)[:, None], np.array([0, 0, 0, 0, 1]))
    >>> sampler = make_sampler("oversample", (), np.array([4, 1]), seed=0)
    >>> resample(sampler, rows).y.tolist()
    [0, 0, 0, 0, 1, 1, 1, 1]
    """
    in_labels = classes is not None and _speaks_of_labels(sampler)
    y = classes[rows.y] if in_labels and classes is not None else rows.y
    X = positions_of(sampler, rows) if is_inputs(rows.X) else rows.X
    try:
        X_new, y_new = sampler.fit_resample(X, y)
    except InputError:
        raise
    except (ValueError, TypeError) as error:
        raise InputError(_refusal(sampler, rows, error)) from error
    y_new = np.asarray(y_new)
    if in_labels and classes is not None:
        y_new = np.searchsorted(classes, y_new)
    y_new = y_new.astype(rows.y.dtype, copy=False)
    weight = rows.sample_weight
    if is_inputs(rows.X):
        taken = X_new[:, 0]
        return Rows(take_rows(rows.X, taken), y_new, None if weight is None else weight[taken])
    if weight is None:
        return Rows(X_new, y_new)
    return Rows(X_new, y_new, weight[rows_taken(sampler, rows, X_new, y_new)])


def sampler_notes(sampler: Any, classes: Array) -> tuple[str, ...]:
    """Say for which classes the fitted sampler of "smote" had few rows; else nothing."""
    if not isinstance(sampler, TableSMOTE):
        return ()
    notes = []
    for code, k in sampler.neighbors_.items():
        label = classes[code]
        name = repr(label.item() if isinstance(label, np.generic) else label)
        if k == 0:
            notes.append(f"class {name} has one training row: repeated, as SMOTE needs two")
        elif k < sampler.k_neighbors:
            places = f"{k} in place of {sampler.k_neighbors} neighbours"
            notes.append(f"SMOTE searched {places} in class {name}")
    return tuple(notes)


def prior_shift(before: Array, after: Array) -> Array:
    """Return how much weighting or resampling changed the share of each class.

    Parameters
    ----------
    before, after : ndarray of shape (n_classes,)
        Summed weights (or rows) of each class.

    Returns
    -------
    ndarray of shape (n_classes,)
        Share after over share before; 1 for a class without rows before.

    Examples
    --------
    >>> prior_shift(np.array([90, 10]), np.array([90, 90])).round(3).tolist()
    [0.556, 5.0]
    """
    shares_before = np.asarray(before, dtype=float) / np.sum(before)
    shares_after = np.asarray(after, dtype=float) / np.sum(after)
    ones = np.ones_like(shares_before)
    return np.divide(shares_after, shares_before, out=ones, where=shares_before > 0)


def _speaks_of_labels(sampler: Any) -> bool:
    if isinstance(sampler, TableSMOTE):
        return False
    is_imblearns = type(sampler).__module__.startswith("imblearn.")
    return not (is_imblearns and isinstance(getattr(sampler, "sampling_strategy", None), str))


def _refusal(sampler: Any, rows: Rows, error: Exception) -> str:
    name = type(sampler).__name__
    if "NaN" in str(error) or "missing values" in str(error):
        return (
            f"{name}: expected no missing cells in the rows to resample, got some; use "
            "handle_imbalance='smote', 'oversample' or 'class_weight', which take them, or "
            "a preprocessor that fills them"
        )
    return (
        f"{name}: expected rows that it can resample, got {len(rows):,} rows with classes of "
        f"{np.unique(rows.y, return_counts=True)[1].tolist()} rows and the error: {error}; "
        "use another handle_imbalance"
    )


def _percent(share: float) -> str:
    percent = 100 * share
    if percent >= 10 or percent == 0:
        return f"{percent:.0f}%"
    return f"{percent:.1f}".removesuffix(".0") + "%" if percent >= 0.1 else "<0.1%"
