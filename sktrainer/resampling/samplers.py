"""Samplers that balance classes by undersampling, oversampling or synthetic rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone

from sktrainer.data.indexing import is_input_dict, take_rows
from sktrainer.exceptions import InputError
from sktrainer.resampling.class_weight import is_imbalanced
from sktrainer.resampling.sample_indices import index_rows, sample_indices
from sktrainer.resampling.smote import TableSMOTE
from sktrainer.runtime.seeds import set_unset_seeds
from sktrainer.types import Array, Rows


def make_sampler(method: object, categorical: tuple[int, ...], counts: Array, seed: int) -> Any:
    """Return the unfitted sampler for a value of `handle_imbalance`.

    A sampler is cloned, and each `random_state` that is None is set. `categorical` holds the
    positions of the columns with category codes, for "smote", and `counts` the number of
    training rows of each class.

    Raises
    ------
    InputError
        The training rows have only one class.
    """
    n_classes = int(np.count_nonzero(counts))
    if n_classes < 2:
        raise InputError(
            "handle_imbalance: expected training rows of at least 2 classes, got "
            f"{n_classes}; add rows of other classes, or set handle_imbalance=None"
        )
    if not isinstance(method, str):
        sampler = clone(method)
        set_unset_seeds(sampler, seed)
        return sampler
    if method == "smote":
        return TableSMOTE(categorical=tuple(categorical), random_state=seed)
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.under_sampling import RandomUnderSampler

    classes = {"oversample": RandomOverSampler, "undersample": RandomUnderSampler}
    return classes[method](random_state=seed)


def is_automatic(method: object) -> bool:
    """Return whether a value of `handle_imbalance` applies to imbalanced classes only.

    Examples
    --------
    >>> is_automatic("auto"), is_automatic("auto_smote"), is_automatic("smote")
    (True, True, False)
    """
    return isinstance(method, str) and method.partition("_")[0] == "auto"


def resolve_method(method: Any, counts: Array, *, weights: bool) -> Any:
    """Return the method for training rows with these class counts.

    `weights` is whether the model supports sample weights. An automatic method becomes None
    if the classes are balanced.

    Examples
    --------
    >>> resolve_method("auto_smote", np.array([90, 10]), weights=True)
    'smote'
    >>> resolve_method("auto", np.array([90, 10]), weights=True)
    'class_weight'
    >>> resolve_method("auto", np.array([50, 50]), weights=True) is None
    True
    """
    if not is_automatic(method):
        return method
    if not is_imbalanced(counts):
        return None
    default = "class_weight" if weights else "oversample"
    return method.partition("_")[2] or default


def creates_synthetic_rows(sampler: object) -> bool:
    """Return whether a value of `handle_imbalance` may create synthetic rows.

    Examples
    --------
    >>> creates_synthetic_rows("smote"), creates_synthetic_rows("undersample")
    (True, False)
    """
    if sampler is None or isinstance(sampler, str):
        return sampler in ("smote", "auto_smote")
    if not hasattr(sampler, "fit_resample"):
        return False
    if getattr(sampler, "shrinkage", "smooth") is None:  # RandomOverSampler repeats rows
        return False
    module = type(sampler).__module__
    return "over_sampling" in module or "combine" in module or "smote" in module


def resample(sampler: Any, rows: Rows, *, classes: Array | None = None) -> Rows:
    """Fit a sampler in place on the training rows and return the resampled rows.

    X keeps its type and dtype. If it is a dict of arrays, rows can be repeated or dropped,
    but no synthetic rows can be created. User-defined samplers that may refer to labels, as
    in ``sampling_strategy={"rare": 500}``, receive labels from the sorted `classes` instead
    of codes.

    Raises
    ------
    InputError
        The sampler rejects the rows, or it creates synthetic rows and there are sample
        weights.

    Examples
    --------
    >>> rows = Rows(np.arange(5.0)[:, None], np.array([0, 0, 0, 0, 1]))
    >>> sampler = make_sampler("oversample", (), np.array([4, 1]), seed=0)
    >>> resample(sampler, rows).y.tolist()
    [0, 0, 0, 0, 1, 1, 1, 1]
    """
    in_labels = classes is not None and _uses_label_strategy(sampler)
    y = classes[rows.y] if in_labels and classes is not None else rows.y
    X = index_rows(sampler, rows) if is_input_dict(rows.X) else rows.X
    try:
        X_new, y_new = sampler.fit_resample(X, y)
    except InputError:
        raise
    except (ValueError, TypeError) as error:
        raise InputError(_failure_message(sampler, rows, error)) from error
    y_new = np.asarray(y_new)
    if in_labels and classes is not None:
        y_new = np.searchsorted(classes, y_new)
    y_new = y_new.astype(rows.y.dtype, copy=False)
    weight = rows.sample_weight
    if is_input_dict(rows.X):
        indices = X_new[:, 0]
        weight = None if weight is None else weight[indices]
        return Rows(take_rows(rows.X, indices), y_new, weight)
    if weight is None:
        return Rows(X_new, y_new)
    return Rows(X_new, y_new, weight[sample_indices(sampler, rows, X_new, y_new)])


def sampler_notes(sampler: object, classes: Array) -> tuple[str, ...]:
    """Return a note for each class with fewer neighbors than `TableSMOTE` needs."""
    if not isinstance(sampler, TableSMOTE):
        return ()
    notes = []
    for code, k in sampler.neighbors_.items():
        label = classes[code]
        name = repr(label.item() if isinstance(label, np.generic) else label)
        if k == 0:
            notes.append(f"class {name}: the only training row was repeated (SMOTE needs two)")
        elif k < sampler.k_neighbors:
            number = f"{k} instead of {sampler.k_neighbors} neighbors"
            notes.append(f"SMOTE used {number} in class {name}")
    return tuple(notes)


def _uses_label_strategy(sampler: object) -> bool:
    if isinstance(sampler, TableSMOTE):
        return False
    # A strategy of imblearn that is a string ("auto", "minority") refers to no label.
    is_imblearn = type(sampler).__module__.startswith("imblearn.")
    return not (is_imblearn and isinstance(getattr(sampler, "sampling_strategy", None), str))


def _failure_message(sampler: object, rows: Rows, error: Exception) -> str:
    name = type(sampler).__name__
    if "NaN" in str(error) or "missing values" in str(error):
        return (
            f"{name}: the training rows contain missing values, which this sampler does not "
            "support; use handle_imbalance='smote', 'oversample' or 'class_weight', or a "
            "preprocessor that imputes missing values"
        )
    return (
        f"{name}: resampling failed for {len(rows):,} rows with class counts "
        f"{np.unique(rows.y, return_counts=True)[1].tolist()}: {error}; "
        "use another handle_imbalance"
    )
