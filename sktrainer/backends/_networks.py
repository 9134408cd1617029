"""What holds for networks of every library: their rows, batches, weights and watched score."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from scipy import sparse

from sktrainer.backends._base import FitRequest
from sktrainer.backends._sklearn.watching import accepts
from sktrainer.exceptions import DataWarning, InputError, warn_caller
from sktrainer.rows import as_inputs, count_rows, is_inputs
from sktrainer.running.predicted import Predicted
from sktrainer.types import Array

__all__ = [
    "FALLBACK_BATCH",
    "MOST_BATCH",
    "auto_batch_size",
    "check_rows",
    "fixed_batches",
    "mean_one",
    "network_input",
    "signals_waiting",
    "take",
    "target_columns",
    "watched_score",
]

LEAST_BATCH, MOST_BATCH = 32, 1024

FALLBACK_BATCH = 128
"""Rows predicted at once where a network trains on all rows at once."""


def check_rows(request: FitRequest) -> None:
    """Refuse sparse rows; warn of cells that most networks turn into NaN for good.

    Raises
    ------
    InputError

    Warns
    -----
    DataWarning
        Some cells are missing or infinite. Not refused: a network may fill them itself.
    """
    X = request.train.X
    if sparse.issparse(X):
        raise InputError(
            "Sparse data was passed, but a network takes dense data; convert it with "
            "X.toarray(), or reduce it by a step such as TruncatedSVD in a Pipeline"
        )
    named = X.items() if isinstance(X, dict) else [("", X)]
    for name, values in named:
        lost, cells = _lost_cells(values)
        if lost:
            warn_caller(
                "missing or infinite cells in the training rows"
                f"{f' of X[{name!r}]' if name else ''}: {lost:,} of {cells:,}; the network "
                "gets them as they are, and most give NaN from there on: fill them, by "
                "SimpleImputer or preprocessor='auto' where the rows are a table",
                DataWarning,
            )


def _lost_cells(values: Any) -> tuple[int, int]:
    """Return how many cells are no finite numbers, and how many there are."""
    if hasattr(values, "columns"):  # one by one: all at once would copy the frame
        counts = [_lost_cells(values[name].to_numpy()) for name in values.columns]
        return sum(lost for lost, _ in counts), sum(cells for _, cells in counts)
    values = np.asarray(values)
    if values.dtype.kind != "f":
        return 0, values.size
    with np.errstate(invalid="ignore", over="ignore"):
        if np.isfinite(values.sum(dtype=np.float64)):  # and no mask as large as the rows
            return 0, values.size
    return int(values.size - np.isfinite(values).sum()), values.size


def auto_batch_size(n_samples: int) -> int:
    """Return about a 32nd of the rows: a power of two from 32 to 1024.

    Examples
    --------
    >>> auto_batch_size(200), auto_batch_size(5_000), auto_batch_size(1_000_000)
    (32, 128, 1024)
    """
    power = 2 ** round(np.log2(max(n_samples, 1) / 32))
    return int(min(max(power, LEAST_BATCH), MOST_BATCH))


def network_input(X: Any) -> Any:
    """Return rows as networks take them: float32, or int64 as for embeddings.

    Parameters
    ----------
    X : array-like of shape (n_samples, ...), DataFrame, or dict of str to array-like
        Booleans in a dict, such as masks, stay what they are.

    Returns
    -------
    ndarray of shape (n_samples, ...), or dict of str to ndarray
        X itself where it is contiguous and of that type.

    Examples
    --------
    >>> network_input([[1.5, 2.0]]).dtype, network_input([[1, 2]]).dtype
    (dtype('float32'), dtype('int64'))
    """
    if is_inputs(X):
        return {name: _converted(values, bool) for name, values in as_inputs(X).items()}
    return _converted(X.to_numpy() if hasattr(X, "to_numpy") else np.asarray(X), np.float32)


def _converted(values: Array, of_booleans: type) -> Array:
    kind = values.dtype.kind
    dtype = np.int64 if kind in "iu" else of_booleans if kind == "b" else np.float32
    return np.ascontiguousarray(values, dtype=dtype)


def take(X: Any, rows: Any) -> Any:
    """Take rows (positions or a slice) of an array or of each in a dict.

    Examples
    --------
    >>> take({"a": np.array([1, 2, 3])}, slice(0, 2))
    {'a': array([1, 2])}
    """
    if isinstance(X, dict):
        return {name: values[rows] for name, values in X.items()}
    return X[rows]


def fixed_batches(X: Any, size: int) -> Iterator[tuple[Any, int]]:
    """Yield batches of exactly `size` rows, the last one filled up with its own last row.

    Matrix products of other sizes round otherwise: in batches of one size a row gets the
    bits alone that it gets among others.

    Yields
    ------
    batch : ndarray of shape (size, ...), or dict of such
    n_rows : int
        How many of them are rows of X.
    """
    total = count_rows(X)
    for start in range(0, total, size):
        stop = min(start + size, total)
        rows: Array | slice = slice(start, stop)
        if stop - start < size:
            rows = np.minimum(np.arange(start, start + size), total - 1)
        yield take(X, rows), stop - start


def mean_one(weight: Array) -> Array:
    """Scale weights to a mean of one, so that they do not change the pace of learning.

    Examples
    --------
    >>> mean_one(np.array([1.0, 3.0])).tolist()
    [0.5, 1.5]
    """
    values: Array = np.asarray(weight, dtype=np.float64)
    return (values / values.mean()).astype(np.float32)


def signals_waiting(request: FitRequest) -> AbstractContextManager[None]:
    """Let signals wait for the end of an epoch, inside, where there is a checkpoint."""
    return nullcontext() if request.checkpoint is None else request.checkpoint.polled()


def target_columns(count: int) -> str:
    """Say how many columns a target has.

    Examples
    --------
    >>> target_columns(1), target_columns(3)
    ('one target column', '3 target columns')
    """
    return "one target column" if count == 1 else f"{count} target columns"


def watched_score(
    request: FitRequest,
    classes: Array | None,
    predict: Callable[[Any], Any],
    predict_proba: Callable[[Any], Any] | None,
) -> dict[str, float]:
    """Return the value of the watched scorer, by its name; empty where the loss is watched.

    Parameters
    ----------
    request : FitRequest
        With validation rows.
    classes : ndarray or None
        What the model was trained on; None for a regression.
    predict, predict_proba : callable
        Called with the validation rows, and only if the scorer asks.
    """
    metric, rows = request.monitor.metric, request.validation
    scorer: Any = metric.scorer
    if scorer is None or rows is None:
        return {}
    predicted = Predicted(
        request.task,
        classes,
        predict=lambda: predict(rows.X),
        predict_proba=None if predict_proba is None else lambda: predict_proba(rows.X),
    )
    weighs = rows.sample_weight is not None and accepts(
        getattr(scorer, "_score_func", scorer), "sample_weight"
    )
    options = {"sample_weight": rows.sample_weight} if weighs else {}
    return {metric.name: float(scorer(predicted, rows.X, rows.y, **options))}
