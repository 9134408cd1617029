"""Concatenation of training and validation rows for a refit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import narwhals as nw
import numpy as np
from scipy import sparse

from sktrainer.rows import is_input_dict
from sktrainer.types import (
    Array,
    FitData,
    Rows,
    Split,
)

__all__ = ["merge_validation_rows"]


def merge_validation_rows(data: FitData, split: Split) -> tuple[FitData, Split]:
    """Turn validation rows into training rows; rows passed as `X_val` are appended to X."""
    none = np.empty(0, dtype=np.intp)
    extra = data.validation
    if extra is None:
        rows = np.concatenate([split.train, split.validation])
        return data, replace(
            split, train=rows if split.kind == "time" else np.sort(rows), validation=none
        )
    weight = None
    if data.sample_weight is not None or extra.sample_weight is not None:
        weight = np.concatenate([_weights_or_ones(data), _weights_or_ones(extra)])
    joined = replace(
        data,
        X=stack_rows(data.X, extra.X),
        y=np.concatenate([data.y, extra.y]),
        sample_weight=weight,
        groups=None,  # groups and times of X_val are unknown, and no split follows
        time=None,
        validation=None,
    )
    below = np.arange(data.n_samples, data.n_samples + len(extra))
    return joined, replace(split, train=np.concatenate([split.train, below]), validation=none)


def _weights_or_ones(rows: FitData | Rows) -> Array:
    return np.ones(len(rows.y)) if rows.sample_weight is None else rows.sample_weight


def stack_rows(above: Any, below: Any) -> Any:
    """Concatenate the rows of two tables of the same kind."""
    if is_input_dict(above):
        return {name: stack_rows(values, below[name]) for name, values in above.items()}
    if sparse.issparse(above):
        return sparse.vstack([above, below], format="csr")
    if hasattr(above, "columns"):
        return _stack_frames(nw.from_native(above), nw.from_native(below))
    if isinstance(above, np.ndarray):
        return np.concatenate([above, np.asarray(below)])
    return [*above, *below]


def _stack_frames(above: nw.DataFrame[Any], below: nw.DataFrame[Any]) -> Any:
    """Concatenate two frames in the library of the first, with common column types."""
    if above.implementation.is_polars():
        frames = [above.to_native(), below.to_polars()]
        return above.__native_namespace__().concat(frames, how="vertical_relaxed")
    if above.implementation.is_pandas():
        below = nw.from_native(below.to_pandas())
    return nw.concat([above, below], how="vertical").to_native()
