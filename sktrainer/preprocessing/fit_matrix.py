"""Encoding of dense numeric matrices, which are returned unchanged where possible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sktrainer.data.column_checks import (
    UnreadableValueError,
    has_infinite,
    infinite_message,
    join_errors,
)
from sktrainer.data.columns import column_reader, is_float_frame
from sktrainer.data.numbers import mask_number, to_numbers
from sktrainer.data.type_inference import ColumnDecision
from sktrainer.data.unparsed_values import UnparsedValues
from sktrainer.exceptions import InputError
from sktrainer.preprocessing.base import ColumnSources, EncoderOptions, FittedTable
from sktrainer.preprocessing.postprocessing import (
    Postprocessing,
    PostprocessingColumns,
    fit_imputer,
    fit_postprocessing,
)
from sktrainer.types import Array


@dataclass(frozen=True)
class MatrixTransform:
    """Learned encoding of a dense matrix.

    `kept` holds the positions of the input columns that are kept. None: X is returned
    unchanged, unless values are missing and `impute` is True.
    """

    kept: tuple[int, ...] | None
    names: tuple[str, ...]
    finish: Postprocessing
    impute: bool
    codes: tuple[int, ...] = ()
    missing: float = math.nan
    float64: bool = False

    @property
    def sources(self) -> ColumnSources:
        """Input column of each output column."""
        values = tuple(range(len(self.names))) if self.kept is None else self.kept
        return ColumnSources(values, tuple(values[at] for at in self.finish.steps.marked))

    def transform(self, X: Any, input_names: Sequence[str]) -> Array:
        """Encode rows; return X itself if it needs no change."""
        X = as_matrix(X, input_names, self.missing, float64=self.float64)
        _check_finite(X, input_names)
        if self.kept is None and not (self.impute and has_missing(X)):
            return X
        kept = range(X.shape[1]) if self.kept is None else self.kept
        out = _copy_columns(X, kept, len(self.names))
        self.finish.apply(out)
        return out


def fit_matrix(X: Array, names: Sequence[str], y: Any, options: EncoderOptions) -> FittedTable:
    """Learn the encoding of a matrix (or frame) of numbers; y is ignored.

    Constant and all-missing columns are dropped if the matrix has to be copied anyway. An
    all-missing column always requires a copy without it, because HistGradientBoosting
    cannot bin such a column and raises an error.
    """
    missing, float64 = options.missing_values, options.float64
    X = as_matrix(X, names, missing, float64=float64)
    impute = options.impute
    _check_finite(X, names)
    n_missing = np.zeros(X.shape[1], dtype=int)
    if has_missing(X):
        for position in range(X.shape[1]):  # by column, which needs no mask as large as X
            n_missing[position] = np.count_nonzero(np.isnan(X[:, position]))
    is_imputed = impute and bool(n_missing.any())
    if not options.scale and not is_imputed and not (n_missing == len(X)).any():
        # The imputer is for values that are missing only in later rows.
        steps = PostprocessingColumns(filled=np.arange(X.shape[1] * impute))
        finish = Postprocessing(steps, fit_imputer(X, steps.filled) if impute else None)
        plan = MatrixTransform(None, tuple(names), finish, impute, (), missing, float64)
        decisions = [
            ColumnDecision(name, "numeric", "as is", None, int(count))
            for name, count in zip(names, n_missing, strict=True)
        ]
        return FittedTable(plan, tuple(decisions), X)
    return _fit_copy(X, names, n_missing, options)


def _fit_copy(
    X: Array, names: Sequence[str], n_missing: Array, options: EncoderOptions
) -> FittedTable:
    impute, scale = options.impute, options.scale
    low, high = np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)
    empty, constant = n_missing == len(X), (low == high) & (n_missing == 0)
    dropped = empty | constant
    if dropped.all():
        dropped[:] = False
    kept = np.flatnonzero(~dropped)
    marked = np.flatnonzero(n_missing[kept] * impute)
    everything = np.arange(len(kept))
    steps = PostprocessingColumns(
        filled=everything[: len(kept) * impute],
        marked=marked,
        scaled=everything[: len(kept) * scale],
        first_mark=len(kept),
    )
    out_names = [names[at] for at in kept.tolist()]
    out_names += [f"{names[at]}_missing" for at in kept[marked].tolist()]
    out = _copy_columns(X, kept, len(out_names))
    finish = fit_postprocessing(out, steps, options.weight)
    plan = MatrixTransform(
        tuple(kept.tolist()),
        tuple(out_names),
        finish,
        impute,
        missing=options.missing_values,
        float64=options.float64,
    )
    kinds = np.where(empty, "empty", np.where(constant, "constant", "numeric"))
    decisions = []
    for name, kind, drop, count in zip(names, kinds, dropped, n_missing, strict=True):
        applied = ["impute"] * bool(impute and count) + ["scale"] * scale
        treatment = "drop" if drop else " + ".join(applied) or "as is"
        decisions.append(ColumnDecision(name, str(kind), treatment, None, int(count)))
    return FittedTable(plan, tuple(decisions), out)


def as_matrix(
    X: Any, names: Sequence[str], missing: float = math.nan, *, float64: bool = False
) -> Array:
    """Convert any dense table to a matrix of numbers; raise InputError if X is sparse.

    Strings that are not numbers become NaN, with a warning that names the column. The number
    `missing` becomes NaN, and the dtype float64 if `float64` is True.
    """
    X = _as_numbers(X, names)
    if missing == missing:
        X = mask_number(X, missing)
    return X.astype(np.float64, copy=False) if float64 else X


def _as_numbers(X: Any, names: Sequence[str]) -> Array:
    check_not_sparse(X)
    if isinstance(X, np.ndarray) and X.dtype.kind in "iufb":
        # XGBoost ignores the byte order and would misread a non-native one.
        return X if X.dtype.isnative else X.astype(X.dtype.newbyteorder("="))
    if isinstance(X, pd.DataFrame) and is_float_frame(X):
        return X.to_numpy()
    column = column_reader(X)
    unparsed, columns, errors = UnparsedValues(), [], []
    for position, name in enumerate(names):
        values = column(position)
        try:
            columns.append(to_numbers(values))
        except UnreadableValueError as error:
            errors.append(error.as_input_error(name, "training"))
        else:
            unparsed.record(name, "numbers", values, columns[-1])
    if errors:
        raise join_errors(errors)
    unparsed.warn()
    return np.column_stack(columns)


def check_not_sparse(X: Any) -> None:
    """Raise InputError if X is sparse, for an encoder fitted on dense rows."""
    if sparse.issparse(X):
        raise InputError(
            "expected a dense X as in training, got a sparse matrix; pass X.toarray()"
        )


def _copy_columns(X: Array, kept: Sequence[int] | Array, width: int) -> Array:
    """Copy the kept columns as floats, with uninitialized columns for the indicators."""
    out = np.empty((len(X), width), dtype=np.result_type(X.dtype, np.float32))
    n_kept = len(kept)
    if n_kept == X.shape[1]:
        out[:, :n_kept] = X
    else:
        for position, source in enumerate(kept):
            out[:, position] = X[:, source]
    return out


def has_missing(X: Array) -> bool:
    """Return whether a matrix of numbers contains a NaN."""
    if X.dtype.kind != "f":
        return False
    # The sum is NaN if any value is NaN, and also for inf - inf after an overflow, so the
    # slower min() confirms it.
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isnan(X.sum())) and bool(np.isnan(X.min()))


def _check_finite(X: Array, names: Sequence[str]) -> None:
    if X.dtype.kind == "f" and has_infinite(X):
        infinite = [name for at, name in enumerate(names) if has_infinite(X[:, at])]
        raise InputError(infinite_message(infinite))
