"""Inference of the task from the target, and encoding of labels as class codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import is_classifier, is_regressor
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from sktrainer.data.columns import preview_names
from sktrainer.exceptions import InputError
from sktrainer.types import Array, Task

MAX_INTEGER_CLASSES = 20

_FOLDS_HINT = (
    " In a search over a table that is sorted by the target, pass task='classification' so "
    "that the search stratifies its folds."
)


def resolve_task(task: str, estimator: Any, y: Any, name: str | None = None) -> Task:
    """Return the task: `task` unless it is "auto", else that of the estimator, else of y.

    `name` is that of the model in error messages. If None, the name of its class.
    """
    if y is None:
        raise InputError(
            "This trainer requires y to be passed, but the target y is None. Pass y, or the "
            "name of the target column in X."
        )
    of_estimator: Task | None = None
    if is_classifier(estimator):
        of_estimator = "classification"
    elif is_regressor(estimator):
        of_estimator = "regression"
    if task != "auto":
        if of_estimator is not None and task != of_estimator:
            name = name or type(estimator).__name__
            raise InputError(
                f"task={task!r} is incompatible with {name}, which is for "
                f"{of_estimator}. Pass a model for {task}, or use task='auto'."
            )
        return "classification" if task == "classification" else "regression"
    return of_estimator or infer_task(y)


def infer_task(y: Any) -> Task:
    """Return the task that the values of a target show.

    Raises
    ------
    InputError
        If there are missing values, or whole numbers that may be labels or quantities.

    Examples
    --------
    >>> infer_task(["a", "b"]), infer_task([0.5, 0.25, 0.75])
    ('classification', 'regression')
    """
    _check_finite(np.asarray(y))
    check_no_missing_labels(np.asarray(y))
    if type_of_target(y, input_name="y").startswith("continuous") or _is_quantity(y):
        return "regression"
    return "classification"


def _is_quantity(y: Any) -> bool:
    """Return whether whole numbers are quantities rather than labels.

    Numeric labels are usually few or consecutive. Many consecutive numbers are refused,
    because they may be labels or quantities, such as ages.
    """
    values = np.asarray(y)
    if values.dtype.kind not in "iuf" or values.ndim > 2:
        return False
    distinct = np.unique(values)
    if len(distinct) <= MAX_INTEGER_CLASSES:
        return False
    low, high = distinct[0], distinct[-1]
    if high - low == len(distinct) - 1:
        raise InputError(
            "the task cannot be inferred from y, which contains all "
            f"{len(distinct):,} whole numbers from {low:,.0f} to {high:,.0f}: they may be "
            "labels or quantities. Pass task='regression' or task='classification'."
        )
    return True


def encode_target(
    y: Any, task: Task, *, multi_output: bool = False, guessed: bool = False
) -> tuple[Array, Array | None]:
    """Return class codes and the sorted labels, or floats and None for regression.

    `multi_output` states whether a regression target may have several columns. `guessed`
    states whether the task was inferred from y. A search such as GridSearchCV then does not
    stratify its folds, which the error message for a single class explains.
    """
    if task == "regression":
        return _to_floats(y, multi_output=multi_output), None
    labels = _to_labels(y)
    codes, classes = _factorize(labels)
    if len(classes) == 0:
        raise InputError("y has 0 labels, but at least 2 classes are required. Pass more rows.")
    if len(classes) < 2:
        raise InputError(
            f"y must have at least 2 classes, got one class only: {classes.tolist()[0]!r}. "
            f"Check that no filter depends on the target.{_FOLDS_HINT if guessed else ''}"
        )
    return codes, classes


def encode_chunk_target(
    y: Any, task: Task, classes: npt.ArrayLike | None, *, multi_output: bool = False
) -> tuple[Array, Array | None]:
    """Return the targets of one `partial_fit` chunk, and the classes of all chunks.

    `classes` lists all classes that will occur (None: the classes in y).
    """
    if task == "regression":
        if classes is not None:
            raise InputError(
                "classes is only supported for classification, but the task is regression. "
                "Leave it out."
            )
        return _to_floats(y, multi_output=multi_output), None
    labels = _to_labels(y)
    known = np.unique(_to_labels(labels if classes is None else classes))
    if len(known) < 2:
        got = f"one class only: {known.tolist()[0]!r}" if len(known) else "none"
        raise InputError(
            f"the first chunk must have at least 2 classes, got {got}. List all classes that "
            "will occur: partial_fit(X, y, classes=[...])."
        )
    codes = lookup_codes(labels, known)
    if (codes < 0).any():
        raise InputError(
            f"y must contain only classes of the first call ({preview_names(known.tolist())}), "
            f"got {_unknown_labels(labels, codes)}. List all classes that will occur in the "
            "first call: partial_fit(X, y, classes=[...])."
        )
    return codes, known


def encode_new_target(y: Any, task: Task, classes: Array | None) -> Array:
    """Encode targets of further rows with the `classes` returned by `encode_target`."""
    if task == "regression" or classes is None:
        return _to_floats(y, multi_output=True)
    labels = _to_labels(y)
    codes = lookup_codes(labels, classes)
    if (codes < 0).any():
        raise InputError(
            f"the labels must be among the classes of y ({preview_names(classes.tolist())}), "
            f"got {_unknown_labels(labels, codes)}. Drop these rows, or add such rows to y."
        )
    return codes


def _unknown_labels(labels: Array, codes: Array) -> str:
    return preview_names(pd.unique(pd.Series(labels[codes < 0])).tolist())


def lookup_codes(labels: npt.ArrayLike, classes: Array) -> Array:
    """Return the position of each label in `classes`, or -1 for an unknown label."""
    values = column_or_1d(labels.to_numpy() if hasattr(labels, "to_numpy") else labels)
    values = values.astype(np.float32) if values.dtype == np.float16 else values
    return np.asarray(pd.Index(classes).get_indexer(pd.Index(values)))


def _to_floats(y: Any, *, multi_output: bool) -> Array:
    try:
        values = np.asarray(y)
        if values.dtype.kind == "c":
            raise InputError("Complex data not supported for y. Pass real numbers.")
        _check_no_dates(values)
        values = np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"y must be numeric for regression, got the error {str(error)!r}. If y holds "
            "labels, use a classifier."
        ) from error
    if not (multi_output and values.ndim == 2 and values.shape[1] > 1):
        values = _one_column(
            values,
            "This model predicts one number per row. For several targets, wrap the trainer in "
            "sklearn.multioutput.MultiOutputRegressor.",
        )
    _check_finite(values)
    return values


def _one_column(values: Array, do: str) -> Array:
    """Return the values as a 1-D array; flatten a single column with a warning."""
    if values.ndim > 1 and values.shape[1:] != (1,):
        raise InputError(
            f"y should be a 1d array, got an array of shape {values.shape} instead. {do}"
        )
    return values if values.ndim == 1 else column_or_1d(values, warn=True)


def _check_no_dates(values: Array) -> None:
    kind = pd.api.types.infer_dtype(values, skipna=True) if values.ndim == 1 else ""
    if values.dtype.kind in "mM" or kind in ("date", "datetime", "timedelta", "period"):
        raise InputError(
            f"y must hold labels or numbers, got dates or durations ({kind or values.dtype}). "
            "Convert them to numbers, for example (y - y.min()) / pandas.Timedelta('1D'), or "
            "to labels with y.astype(str)."
        )


def _check_finite(values: Array) -> None:
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return
    missing, infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    raise InputError(
        f"Input y contains NaN or infinity: {missing:,} NaN, {infinite:,} inf. "
        "Drop these rows, because targets are not imputed."
    )


def _to_labels(y: Any) -> Array:
    """Return the labels as a 1-D array; raise an error for missing or unsuitable labels."""
    values = y.to_numpy() if hasattr(y, "to_numpy") else np.asarray(y)
    if values.dtype.kind == "c":
        raise InputError("Complex data not supported for y. Pass labels.")
    values = _one_column(
        values,
        "A classifier needs one label per row. For one-hot columns, pass "
        "numpy.argmax(y, axis=1). For several labels per row, wrap the trainer in "
        "sklearn.multioutput.MultiOutputClassifier.",
    )
    _check_no_dates(values)
    check_no_missing_labels(values)
    if values.dtype.kind == "O":
        values = _unbox_labels(values)
    check_classification_targets(values)
    # pandas has no index of float16; float32 represents these labels exactly.
    return values.astype(np.float32) if values.dtype == np.float16 else np.asarray(values)


def check_no_missing_labels(values: Array) -> None:
    """Raise an InputError if a label is missing or infinite."""
    missing = pd.isna(values) if values.dtype.kind in "fOmM" else np.zeros(len(values), bool)
    if values.dtype.kind == "f":
        missing = missing | np.isinf(values)
    if missing.any():
        raise InputError(
            f"Input y contains NaN or infinity: {int(missing.sum()):,} of {len(values):,} "
            "labels. Drop these rows, or replace the missing labels with a separate label."
        )


def _unbox_labels(labels: Array) -> Array:
    """Convert objects that are all numbers or booleans to a numeric or boolean array."""
    distinct = pd.unique(labels)
    # `.values` of a table with mixed types returns objects, for which scikit-learn's
    # `type_of_target` returns "unknown".
    if all(isinstance(label, bool | int | float | np.bool_ | np.number) for label in distinct):
        return np.asarray(labels.tolist())
    types = sorted({type(label).__name__ for label in distinct})
    if len(types) > 1 and "str" in types:  # they cannot be sorted
        raise InputError(
            f"y must have labels of one type, got {', '.join(types)}. Convert them, for "
            "example with y.astype(str)."
        )
    return labels


def _factorize(labels: Array) -> tuple[Array, Array]:
    """Return class codes and sorted classes."""
    # `np.unique` with return_inverse sorts all rows; hashing is faster if classes are few.
    codes, uniques = pd.factorize(labels)
    classes = np.asarray(uniques).astype(labels.dtype, copy=False)
    order = np.argsort(classes, kind="stable")
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return rank[codes], classes[order]
