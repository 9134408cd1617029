"""Encoding of sparse matrices: imputation, and scaling without centring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from sktrainer.data.column_checks import has_infinite, infinite_message
from sktrainer.data.type_inference import ColumnDecision
from sktrainer.exceptions import InputError
from sktrainer.preprocessing.base import ColumnSources, EncoderOptions, FittedTable
from sktrainer.preprocessing.postprocessing import Postprocessing, PostprocessingColumns

__all__ = ["fit_sparse"]


@dataclass(frozen=True)
class SparseTransform:
    """Learned encoding of a sparse matrix: impute NaN and scale without centring."""

    names: tuple[str, ...]
    finish: Postprocessing
    impute: bool
    codes: tuple[int, ...] = ()

    @property
    def sources(self) -> ColumnSources:
        """Input column of each output column."""
        imputer = self.finish.imputer
        marks = () if imputer is None else tuple(imputer.indicator_.features_.tolist())
        return ColumnSources(tuple(range(len(self.names) - len(marks))), marks)

    def transform(self, X: Any, input_names: Sequence[str]) -> Any:
        """Encode rows; return X itself if it needs no change."""
        X = as_sparse(X)
        _refuse_infinite_sparse(X)
        if self.finish.imputer is not None:
            X = self.finish.imputer.transform(X).tocsr()
        elif self.impute and np.isnan(X.data).any():
            # No value was missing in training. Impute zero, the value of most entries.
            X = X.copy()
            X.data[np.isnan(X.data)] = 0
        return X if self.finish.scaler is None else self.finish.scaler.transform(X)


def fit_sparse(X: Any, names: Sequence[str], y: Any, settings: EncoderOptions) -> FittedTable:
    """Learn the encoding of a sparse matrix; y is ignored."""
    X = as_sparse(X)
    _refuse_infinite_sparse(X)
    gaps = X.dtype.kind == "f" and bool(np.isnan(X.data).any())
    imputer = scaler = None
    out_names, out = list(names), X
    done = []
    if settings.impute and gaps:
        imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        imputer.set_output(transform="default")
        out = imputer.fit_transform(X.tocsc()).tocsr()
        out_names += [f"{names[at]}_missing" for at in imputer.indicator_.features_]
        done.append("impute")
    if settings.scale:
        scaler = StandardScaler(with_mean=False).set_output(transform="default")
        out = scaler.fit_transform(out, sample_weight=settings.weight)
        done.append("scale")
    treatment = " + ".join(done) or "as is"
    finish = Postprocessing(PostprocessingColumns(), imputer, scaler)
    plan = SparseTransform(tuple(out_names), finish, settings.impute)
    decisions = tuple(ColumnDecision(name, "numeric", treatment) for name in names)
    return FittedTable(plan, decisions, out)


def as_sparse(X: Any) -> Any:
    """Convert X to an `spmatrix` with int32 indices, which every library accepts.

    The values are not copied, and an X that already has this type is returned as is. Dense
    rows are converted, so that a model trained on sparse rows can also predict dense ones.
    """
    if not sparse.issparse(X):
        return sparse.csr_matrix(X)
    matrix = X
    if not isinstance(X, sparse.spmatrix):
        kind = sparse.csc_matrix if X.format == "csc" else sparse.csr_matrix
        matrix = kind(X)
    if matrix.indices.dtype != np.int32 and matrix.nnz <= np.iinfo(np.int32).max:
        parts = (matrix.data, matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32))
        matrix = type(matrix)(parts, shape=matrix.shape)
    return matrix


def _refuse_infinite_sparse(X: Any) -> None:
    if X.dtype.kind == "f" and has_infinite(X.data):
        columns = sparse.coo_array(X).col[np.isinf(sparse.coo_array(X).data)]
        found = [f"x{at}" for at in sorted(set(columns.tolist()))]
        raise InputError(infinite_message(found))
