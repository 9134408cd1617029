"""Encoding of dense numeric matrices, which are returned unchanged where possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.impute import SimpleImputer

from sktrainer.data.column_checks import has_infinite, infinite_message
from sktrainer.data.columns import column_reader, is_float_frame
from sktrainer.data.numbers import to_numbers
from sktrainer.data.type_inference import ColumnDecision
from sktrainer.data.unparsed_values import UnparsedValues
from sktrainer.exceptions import InputError
from sktrainer.preprocessing.base import ColumnSources, EncoderOptions, FittedTable
from sktrainer.preprocessing.postprocessing import (
    Postprocessing,
    PostprocessingColumns,
    fit_postprocessing,
    median_or_zero,
)
from sktrainer.types import Array

__all__ = ["MatrixTransform", "check_not_sparse", "fit_matrix"]


@dataclass(frozen=True)
class MatrixTransform:
    """Learned encoding of a dense matrix.

    Parameters
    ----------
    kept : tuple of int or None
        Positions of the input columns that are kept. None: X is returned unchanged,
        unless values are missing and `impute` is True.
    names : tuple of str
    finish : Finish
    impute : bool
    """

    kept: tuple[int, ...] | None
    names: tuple[str, ...]
    finish: Postprocessing
    impute: bool
    codes: tuple[int, ...] = ()

    @property
    def sources(self) -> ColumnSources:
        """Input column of each output column."""
        values = tuple(range(len(self.names))) if self.kept is None else self.kept
        return ColumnSources(values, tuple(values[at] for at in self.finish.steps.marked))

    def transform(self, X: Any, input_names: Sequence[str]) -> Array:
        """Encode rows; return X itself if it needs no change."""
        X = as_matrix(X, input_names)
        check_finite(X, input_names)
        if self.kept is None and not (self.impute and has_missing(X)):
            return X
        kept = range(X.shape[1]) if self.kept is None else self.kept
        out = copy_columns(X, kept, len(self.names))
        self.finish.apply(out)
        return out


def fit_matrix(X: Array, names: Sequence[str], y: Any, settings: EncoderOptions) -> FittedTable:
    """Learn the encoding of a matrix (or frame) of numbers; y is ignored.

    Constant and all-missing columns are dropped if the matrix has to be copied anyway. An
    all-missing column always requires a copy without it, because HistGradientBoosting
    cannot bin such a column and raises an error.
    """
    X = as_matrix(X, names)
    impute, scale = settings.impute, settings.scale
    check_finite(X, names)
    gaps = has_missing(X)
    n_missing = missing_counts(X) if gaps else np.zeros(X.shape[1], dtype=int)
    if not scale and not (impute and gaps) and not (n_missing == len(X)).any():
        steps = PostprocessingColumns(filled=np.arange(X.shape[1] * impute))
        finish = Postprocessing(steps, _imputer_of_present(X) if impute else None)
        plan = MatrixTransform(None, tuple(names), finish, impute)
        decisions = [
            ColumnDecision(name, "numeric", "as is", None, int(count))
            for name, count in zip(names, n_missing, strict=True)
        ]
        return FittedTable(plan, tuple(decisions), X)
    return _fit_copy(X, names, n_missing, settings)


def _fit_copy(
    X: Array, names: Sequence[str], n_missing: Array, settings: EncoderOptions
) -> FittedTable:
    impute, scale = settings.impute, settings.scale
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
    out = copy_columns(X, kept, len(out_names))
    finish = fit_postprocessing(out, steps, settings.weight)
    plan = MatrixTransform(tuple(kept.tolist()), tuple(out_names), finish, impute)
    kinds = np.where(empty, "empty", np.where(constant, "constant", "numeric"))
    decisions = []
    for name, kind, drop, count in zip(names, kinds, dropped, n_missing, strict=True):
        done = ["impute"] * bool(impute and count) + ["scale"] * scale
        treatment = "drop" if drop else " + ".join(done) or "as is"
        decisions.append(ColumnDecision(name, str(kind), treatment, None, int(count)))
    return FittedTable(plan, tuple(decisions), out)


def _imputer_of_present(X: Array) -> SimpleImputer:
    # For values that are missing only in later rows.
    medians = np.array([[median_or_zero(X[:, position]) for position in range(X.shape[1])]])
    return SimpleImputer(strategy="median", keep_empty_features=True).fit(medians)


def as_matrix(X: Any, names: Sequence[str]) -> Array:
    """Convert any dense table to a matrix of numbers.

    Strings that are not numbers become NaN, with a warning that names the column.

    Raises
    ------
    InputError
        X is sparse, but the training rows were dense.
    """
    check_not_sparse(X)
    if isinstance(X, np.ndarray) and X.dtype.kind in "iufb":
        # XGBoost ignores the byte order and would misread a non-native one.
        return X if X.dtype.isnative else X.astype(X.dtype.newbyteorder("="))
    if isinstance(X, pd.DataFrame) and is_float_frame(X):
        return X.to_numpy()
    column = column_reader(X)
    strays, columns = UnparsedValues(), []
    for position, name in enumerate(names):
        cells = column(position)
        columns.append(to_numbers(cells))
        strays.look(name, "numbers", cells, columns[-1])
    strays.warn()
    return np.column_stack(columns)


def check_not_sparse(X: Any) -> None:
    """Raise InputError if X is sparse, for an encoder fitted on dense rows."""
    if sparse.issparse(X):
        raise InputError(
            "expected a dense X as in training, got a sparse matrix; pass X.toarray()"
        )


def copy_columns(X: Array, kept: Sequence[int] | Array, width: int) -> Array:
    """Copy the kept columns as floats, with uninitialised columns for the indicators."""
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


def missing_counts(X: Array) -> Array:
    """Return the number of NaN in each column."""
    return np.array([np.count_nonzero(np.isnan(X[:, at])) for at in range(X.shape[1])])


def check_finite(X: Array, names: Sequence[str]) -> None:
    """Raise an InputError that names the columns with infinite values."""
    if X.dtype.kind == "f" and has_infinite(X):
        found = [name for at, name in enumerate(names) if has_infinite(X[:, at])]
        raise InputError(infinite_message(found))
