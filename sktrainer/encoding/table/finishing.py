"""The last steps over the encoded columns: fill what is missing, mark it, standardise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from sktrainer.types import Array

#: Cells of a block of rows; a block stays in the processor's cache.
_BLOCK_CELLS = 1 << 18
_SAMPLE = 10_000


def _none() -> Array:
    return np.array([], dtype=int)


@dataclass(frozen=True)
class Steps:
    """Which output columns the last steps are for; empty where a step is not wanted.

    Parameters
    ----------
    filled : ndarray of int
        Columns in which missing cells are filled.
    marked : ndarray of int
        Columns whose missing cells are marked, each in a column from `first_mark` on.
    scaled : ndarray of int
        Columns that are standardised.
    first_mark : int
    """

    filled: Array = field(default_factory=_none)
    marked: Array = field(default_factory=_none)
    scaled: Array = field(default_factory=_none)
    first_mark: int = 0


@dataclass(frozen=True)
class Finish:
    """What is done, in place, to an output whose columns are written.

    Parameters
    ----------
    steps : Steps
    imputer : SimpleImputer or None, default=None
        Fitted on the columns `steps.filled`.
    scaler : StandardScaler or None, default=None
        Fitted on the columns `steps.scaled`.
    """

    steps: Steps
    imputer: SimpleImputer | None = None
    scaler: StandardScaler | None = None

    def apply(self, out: Array) -> None:
        """Finish `out`, of shape (n_rows, n_output_columns), in place."""
        if self.imputer is None and self.scaler is None:
            return
        for rows in row_blocks(out):
            block = out[rows]
            if self.imputer is not None:
                self._impute(block, self.imputer)
            if self.scaler is not None:
                self._scale(block, self.scaler)

    def _impute(self, block: Array, imputer: SimpleImputer) -> None:
        steps = self.steps
        if len(steps.marked):
            marks = slice(steps.first_mark, steps.first_mark + len(steps.marked))
            block[:, marks] = np.isnan(block[:, steps.marked])
        values = block[:, steps.filled]
        missing = np.isnan(values)
        if missing.any():
            np.copyto(values, imputer.statistics_, where=missing, casting="same_kind")
            block[:, steps.filled] = values

    def _scale(self, block: Array, scaler: StandardScaler) -> None:
        values = block[:, self.steps.scaled].astype(np.float64)
        values -= scaler.mean_
        values /= scaler.scale_
        block[:, self.steps.scaled] = values


def row_blocks(out: Array) -> Iterator[slice]:
    """Cut the rows into blocks that are small enough to be copied without harm."""
    step = max(1, _BLOCK_CELLS // max(1, out.shape[1]))
    for start in range(0, len(out), step):
        yield slice(start, start + step)


def learn_finish(out: Array, steps: Steps, weight: Array | None = None) -> Finish:
    """Learn medians, means and deviations from written training rows; finish these too.

    Parameters
    ----------
    out : ndarray of shape (n_rows, n_output_columns)
        Changed in place.
    steps : Steps
    weight : ndarray of shape (n_rows,) or None, default=None
        For means and deviations.
    """
    imputer = _fit_imputer(out, steps.filled) if len(steps.filled) else None
    Finish(steps, imputer).apply(out)
    scaler = None
    if len(steps.scaled):
        scaler = _fit_scaler(out, steps.scaled, weight)
        Finish(steps, None, scaler).apply(out)
    return Finish(steps, imputer, scaler)


def _fit_scaler(out: Array, scaled: Array, weight: Array | None) -> StandardScaler:
    # Some columns at a time, to copy few. Some rows at a time, by partial_fit, would make
    # a mean NaN where a column is missing throughout one of the blocks.
    n_columns = max(1, _BLOCK_CELLS // len(out))
    with np.errstate(invalid="ignore"):  # columns that are missing throughout
        parts = [
            StandardScaler().fit(
                out[:, scaled[start : start + n_columns]], sample_weight=weight
            )
            for start in range(0, len(scaled), n_columns)
        ]
    scaler = parts[0]
    for name in ("mean_", "var_", "scale_"):
        setattr(scaler, name, np.concatenate([getattr(part, name) for part in parts]))
    scaler.n_samples_seen_ = np.concatenate(
        [np.broadcast_to(part.n_samples_seen_, part.n_features_in_) for part in parts]
    )
    scaler.n_features_in_ = len(scaled)
    return scaler


def _fit_imputer(out: Array, filled: Array) -> SimpleImputer:
    medians = np.array([median(out[:, position]) for position in filled])
    # SimpleImputer's own median goes through masked arrays, which cost ten times as much.
    return SimpleImputer(strategy="median", keep_empty_features=True).fit(medians[np.newaxis])


def median(values: Array) -> float:
    """Return the median of the numbers that are not missing, 0 where all are.

    Where none is missing, so that it is only for rows to come, that of some ten thousand
    evenly spaced ones serves.

    Examples
    --------
    >>> import numpy as np
    >>> median(np.array([1.0, np.nan, 5.0, 3.0]))
    3.0
    """
    missing = np.isnan(values)
    if not missing.any():
        values = values[:: max(1, len(values) // _SAMPLE)]
    else:
        values = values[~missing]
    return float(np.median(values.astype(np.float64))) if len(values) else 0.0
