"""The target: which task it makes, and its labels as codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier, is_regressor
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from sktrainer.backends.modules import model_name
from sktrainer.exceptions import InputError
from sktrainer.types import Array, Task

MOST_LABELS = 20
"""So many different whole numbers are labels where nothing else tells the task."""

_OF_FOLDS = (
    ", and for a search over a table sorted by it pass task='classification', by which the "
    "search knows to stratify its folds"
)

__all__ = ["check_chunk_target", "check_target", "known_codes", "resolve_task", "target_codes"]


def resolve_task(task: str, estimator: Any, y: Any) -> Task:
    """Answer with the caller's word, else the estimator's kind, else what y looks like."""
    if y is None:
        raise InputError(
            "This trainer requires y to be passed, but the target y is None; pass y, or the "
            "name of the target's column in X"
        )
    of_estimator: Task | None = None
    if is_classifier(estimator):
        of_estimator = "classification"
    elif is_regressor(estimator):
        of_estimator = "regression"
    if task != "auto":
        if of_estimator is not None and task != of_estimator:
            raise InputError(
                f"task={task!r} does not fit {model_name(estimator)}, which is for "
                f"{of_estimator}; pass a model for {task} or leave task='auto'"
            )
        return "classification" if task == "classification" else "regression"
    if of_estimator is not None:
        return of_estimator
    _check_finite(np.asarray(y))
    if type_of_target(y, input_name="y").startswith("continuous") or _are_amounts(y):
        return "regression"
    return "classification"


def _are_amounts(y: Any) -> bool:
    """Tell whether whole numbers are amounts: there are many, and others between them.

    Labels that are numbers mostly are few, or count up without a gap. So may ages: of
    those nobody can tell.
    """
    values = np.asarray(y)
    if values.dtype.kind not in "iuf" or values.ndim > 2:
        return False
    found = np.unique(values)
    if len(found) <= MOST_LABELS:
        return False
    if found[-1] - found[0] == len(found) - 1:
        raise InputError(
            "expected labels or amounts to tell the task by, got a y of all "
            f"{len(found):,} whole numbers from {found[0]:,.0f} to {found[-1]:,.0f}, which "
            "may be either; pass task='regression' or task='classification'"
        )
    return True


def check_target(
    y: Any, task: Task, *, multi_output: bool = False, guessed: bool = False
) -> tuple[Array, Array | None]:
    """Return the targets as the stages use them, and the caller's labels in order.

    Parameters
    ----------
    y : array-like
    task : {"classification", "regression"}
    multi_output : bool, default=False
        A regression may have several columns.
    guessed : bool, default=False
        Only y tells the task, so that a search knows of no classifier.

    Returns
    -------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Codes for classification, floats for regression.
    classes : ndarray of shape (n_classes,) or None
    """
    if task == "regression":
        return _numbers(y, multi_output=multi_output), None
    labels = _labels(y)
    codes, classes = _factorize(labels)
    if len(classes) == 0:
        raise InputError("y has 0 labels, while at least 2 classes are needed; pass some rows")
    if len(classes) < 2:
        raise InputError(
            f"y must have at least 2 classes, got one class only: {classes.tolist()[0]!r}; "
            f"check that the rows were not filtered by the target{_OF_FOLDS if guessed else ''}"
        )
    return codes, classes


def check_chunk_target(
    y: Any, task: Task, classes: Any, *, multi_output: bool = False
) -> tuple[Array, Array | None]:
    """Return the targets of a chunk of rows, and all classes that its stream will have.

    Parameters
    ----------
    y : array-like
    task : {"classification", "regression"}
    classes : array-like of shape (n_classes,) or None
        None: those of y.
    multi_output : bool, default=False
    """
    if task == "regression":
        if classes is not None:
            raise InputError(
                "classes names the labels of a classifier, but this is a regression; leave it "
                "out"
            )
        return _numbers(y, multi_output=multi_output), None
    labels = _labels(y)
    known = np.unique(_labels(labels if classes is None else classes))
    if len(known) < 2:
        got = f"one class only: {known.tolist()[0]!r}" if len(known) else "none"
        raise InputError(
            f"the first chunk must name at least 2 classes, got {got}; name all that will "
            "come: partial_fit(X, y, classes=[...])"
        )
    codes = known_codes(labels, known)
    if (codes < 0).any():
        raise InputError(
            f"y must hold classes that the first call knew ({_some(known)}), got "
            f"{_unknown(labels, codes)!r}; name all that will come in the first call: "
            "partial_fit(X, y, classes=[...])"
        )
    return codes, known


def target_codes(y: Any, task: Task, classes: Array | None) -> Array:
    """Return further targets in the form of those that `check_target` gave `classes` for."""
    if task == "regression" or classes is None:
        return _numbers(y, multi_output=True)
    labels = _labels(y)
    codes = known_codes(labels, classes)
    if (codes < 0).any():
        raise InputError(
            f"the labels must be among the classes of y ({_some(classes)}), got "
            f"{_unknown(labels, codes)!r}"
        )
    return codes


def _unknown(labels: Array, codes: Array) -> list[Any]:
    return list(pd.unique(pd.Series(labels[codes < 0]))[:5].tolist())


def known_codes(labels: Any, classes: Array) -> Array:
    """Return the position of each label in `classes`, -1 where it is not there."""
    values = column_or_1d(labels.to_numpy() if hasattr(labels, "to_numpy") else labels)
    return np.asarray(_index(classes).get_indexer(_index(values)))


def _index(labels: Array) -> pd.Index:
    # pandas has no index of half-precision floats.
    return pd.Index(labels.astype(np.float32) if labels.dtype == np.float16 else labels)


def _some(classes: Array, most: int = 8) -> str:
    shown = ", ".join(repr(label) for label in classes[:most].tolist())
    return shown + (", ..." if len(classes) > most else "")


def _numbers(y: Any, *, multi_output: bool) -> Array:
    try:
        values = np.asarray(y)
        if values.dtype.kind == "c":
            raise InputError("Complex data not supported for y; pass real numbers")
        _check_no_dates(values)
        values = np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"y must hold numbers for regression, got {str(error)!r}; for labels use a "
            "classifier"
        ) from error
    if not (multi_output and values.ndim == 2 and values.shape[1] > 1):
        values = _one_column(
            values,
            "this model gives one number for a row: wrap the trainer in "
            "sklearn.multioutput.MultiOutputRegressor",
        )
    _check_finite(values)
    return values


def _one_column(values: Array, do: str) -> Array:
    """Return the values with one dimension; a column of them is taken with a warning."""
    if values.ndim > 1 and values.shape[1:] != (1,):
        raise InputError(
            f"y should be a 1d array, got an array of shape {values.shape} instead; {do}"
        )
    return values if values.ndim == 1 else column_or_1d(values, warn=True)


def _check_no_dates(values: Array) -> None:
    kind = pd.api.types.infer_dtype(values, skipna=True) if values.ndim == 1 else ""
    if values.dtype.kind in "mM" or kind in ("date", "datetime", "timedelta", "period"):
        raise InputError(
            f"y must hold labels or numbers, got dates or durations ({kind or values.dtype}); "
            "count them in a unit, as by (y - y.min()) / pandas.Timedelta('1D'), or for labels "
            "pass y.astype(str)"
        )


def _check_finite(values: Array) -> None:
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return
    missing, infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    raise InputError(
        f"Input y contains NaN or infinity: {missing:,} NaN, {infinite:,} inf; "
        "leave those rows out, a target cannot be guessed"
    )


def _labels(y: Any) -> Array:
    """Return the labels as a 1-D array; a missing label or a number with decimals raises."""
    values = y.to_numpy() if hasattr(y, "to_numpy") else np.asarray(y)
    if values.dtype.kind == "c":
        raise InputError("Complex data not supported for y; pass labels")
    values = _one_column(
        values,
        "one label for a row is learned: of one-hot columns pass the positions, "
        "numpy.argmax(y, axis=1); for several labels wrap the trainer in "
        "sklearn.multioutput.MultiOutputClassifier",
    )
    _check_no_dates(values)
    missing = pd.isna(values) if values.dtype.kind in "fOmM" else np.zeros(len(values), bool)
    if values.dtype.kind == "f":
        missing = missing | np.isinf(values)
    if missing.any():
        raise InputError(
            f"Input y contains NaN or infinity: {int(missing.sum()):,} of {len(values):,} "
            "labels; leave those rows out, or give them a label of their own"
        )
    if values.dtype.kind == "O":
        values = _plain(values)
        _check_one_type(values)
    check_classification_targets(values)
    return np.asarray(values)


def _plain(labels: Array) -> Array:
    """Return labels of Python's numbers or booleans as an array of them.

    A column taken from a table of mixed types by `.values` comes as objects, in which
    scikit-learn sees labels of an unknown kind.
    """
    numbers = (bool, int, float, np.bool_, np.number)
    if all(isinstance(label, numbers) for label in pd.unique(labels)):
        return np.asarray(labels.tolist())
    return labels


def _check_one_type(labels: Array) -> None:
    """Refuse labels that cannot be put in order."""
    kinds = sorted({type(label).__name__ for label in pd.unique(labels)})
    if len(kinds) > 1 and "str" in kinds:
        raise InputError(
            f"y must have labels of one type, got {', '.join(kinds)}; convert them, for "
            "example with y.astype(str)"
        )


def _factorize(labels: Array) -> tuple[Array, Array]:
    """Do what `np.unique(labels, return_inverse=True)` does, by hashing and not by sorting."""
    codes, found = pd.factorize(labels)
    seen = np.asarray(found).astype(labels.dtype, copy=False)
    order = np.argsort(seen, kind="stable")
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return rank[codes], seen[order]
