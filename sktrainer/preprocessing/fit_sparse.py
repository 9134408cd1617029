"""Encoding of sparse matrices: imputation, and scaling without centering."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from sktrainer.data.column_checks import infinite_message, infinite_sparse_columns
from sktrainer.data.type_inference import ColumnDecision
from sktrainer.exceptions import InputError
from sktrainer.preprocessing.base import ColumnSources, EncoderOptions, FittedTable
from sktrainer.preprocessing.postprocessing import Postprocessing, PostprocessingColumns


@dataclass(frozen=True)
class SparseTransform:
    """Learned encoding of a sparse matrix: impute NaN and scale without centering."""

    names: tuple[str, ...]
    finish: Postprocessing
    impute: bool
    codes: tuple[int, ...] = ()
    float64: bool = False

    @property
    def sources(self) -> ColumnSources:
        """Input column of each output column."""
        imputer = self.finish.imputer
        marks = () if imputer is None else tuple(imputer.indicator_.features_.tolist())
        return ColumnSources(tuple(range(len(self.names) - len(marks))), marks)

    def transform(self, X: Any, input_names: Sequence[str]) -> Any:
        """Encode rows; return X itself if it needs no change."""
        X = as_finite_sparse(X, float64=self.float64)
        if self.finish.imputer is not None:
            X = self.finish.imputer.transform(X).tocsr()
        elif self.impute and np.isnan(X.data).any():
            # No value was missing in training. Impute zero, the value of most entries.
            X = X.copy()
            X.data[np.isnan(X.data)] = 0
        return X if self.finish.scaler is None else self.finish.scaler.transform(X)


def fit_sparse(X: Any, names: Sequence[str], y: Any, options: EncoderOptions) -> FittedTable:
    """Learn the encoding of a sparse matrix; y is ignored."""
    X = as_finite_sparse(X, float64=options.float64)
    n_missing = np.zeros(X.shape[1], dtype=int)
    if X.dtype.kind == "f" and np.isnan(X.data).any():
        matrix = sparse.coo_array(X)
        n_missing = np.bincount(matrix.col[np.isnan(matrix.data)], minlength=X.shape[1])
    imputer = scaler = None
    out_names, out = list(names), X
    applied = []
    if options.impute and n_missing.any():
        imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        imputer.set_output(transform="default")
        out = imputer.fit_transform(X.tocsc()).tocsr()
        out_names += [f"{names[at]}_missing" for at in imputer.indicator_.features_]
        applied.append("impute")
    if options.scale:
        scaler = StandardScaler(with_mean=False).set_output(transform="default")
        out = scaler.fit_transform(out, sample_weight=options.weight)
        applied.append("scale")
    treatment = " + ".join(applied) or "as is"
    finish = Postprocessing(PostprocessingColumns(), imputer, scaler)
    plan = SparseTransform(tuple(out_names), finish, options.impute, (), options.float64)
    decisions = tuple(
        ColumnDecision(name, "numeric", treatment, n_missing=int(count))
        for name, count in zip(names, n_missing, strict=True)
    )
    return FittedTable(plan, decisions, out)


def as_finite_sparse(X: Any, *, float64: bool = False) -> Any:
    """Convert X to an `spmatrix` of floats with int32 indices, which every library accepts.

    Floats are not copied, unless `float64` requires it, and an X that already has this type
    is returned as is. Dense rows are converted, so that a model trained on sparse rows can
    also predict dense ones. An InputError names columns with infinite values.
    """
    matrix = X if sparse.issparse(X) else sparse.csr_matrix(X)
    infinite = infinite_sparse_columns(matrix)
    if infinite:
        raise InputError(infinite_message(infinite))
    if not isinstance(matrix, sparse.spmatrix):
        kind = sparse.csc_matrix if X.format == "csc" else sparse.csr_matrix
        matrix = kind(X)
    if matrix.indices.dtype != np.int32 and matrix.nnz <= np.iinfo(np.int32).max:
        parts = (matrix.data, matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32))
        matrix = type(matrix)(parts, shape=matrix.shape)
    dtype = np.float64 if float64 else np.result_type(matrix.dtype, np.float32)
    return matrix if matrix.dtype == dtype else matrix.astype(dtype)
