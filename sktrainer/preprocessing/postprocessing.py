"""Final steps on encoded columns: imputation, missing indicators and standardization."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from sktrainer.types import Array

#: Number of values per block of rows, so that a block fits into the CPU cache.
_BLOCK_VALUES = 1 << 18

#: Approximate number of values from which the median of a complete column is computed.
_SAMPLE = 10_000


def _no_columns() -> Array:
    return np.array([], dtype=int)


@dataclass(frozen=True)
class PostprocessingColumns:
    """Positions of the output columns of each final step; empty if a step is disabled.

    Missing values are imputed in `filled`. The columns `marked` have a missing indicator;
    `first_mark` is the position of the first indicator, and the others follow it. The
    columns `scaled` are standardized.
    """

    filled: Array = field(default_factory=_no_columns)
    marked: Array = field(default_factory=_no_columns)
    scaled: Array = field(default_factory=_no_columns)
    first_mark: int = 0


@dataclass(frozen=True)
class Postprocessing:
    """Final steps, applied in place to the encoded columns.

    The imputer is fitted on the columns `steps.filled`, the scaler on `steps.scaled`.
    """

    steps: PostprocessingColumns
    imputer: SimpleImputer | None = None
    scaler: StandardScaler | None = None

    def apply(self, out: Array) -> None:
        """Apply the steps in place to `out`, of shape (n_rows, n_output_columns)."""
        if self.imputer is None and self.scaler is None:
            return
        n_rows = max(1, _BLOCK_VALUES // max(1, out.shape[1]))
        for start in range(0, len(out), n_rows):
            block = out[start : start + n_rows]
            if self.imputer is not None:
                self._impute(block, self.imputer)
            if self.scaler is not None:
                values = block[:, self.steps.scaled].astype(np.float64)
                values -= self.scaler.mean_
                values /= self.scaler.scale_
                block[:, self.steps.scaled] = values

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


def fit_postprocessing(
    out: Array, steps: PostprocessingColumns, weight: Array | None = None
) -> Postprocessing:
    """Fit the imputer and the scaler on the encoded training rows and apply them in place.

    `weight` holds sample weights for the means and deviations of the scaler.
    """
    imputer = fit_imputer(out, steps.filled) if len(steps.filled) else None
    Postprocessing(steps, imputer).apply(out)
    scaler = None
    if len(steps.scaled):
        scaler = _fit_scaler(out, steps.scaled, weight)
        Postprocessing(steps, None, scaler).apply(out)
    return Postprocessing(steps, imputer, scaler)


def _fit_scaler(out: Array, scaled: Array, weight: Array | None) -> StandardScaler:
    # Fit groups of columns to limit the memory for copies. Fitting blocks of rows with
    # partial_fit would give a NaN mean if a column is entirely missing in one block.
    n_columns = max(1, _BLOCK_VALUES // len(out))
    with np.errstate(invalid="ignore"):  # all-missing columns
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


def fit_imputer(out: Array, filled: Array) -> SimpleImputer:
    """Return an imputer with the medians of the columns `filled`."""
    medians = np.array([_median_or_zero(out[:, position]) for position in filled])
    # SimpleImputer computes medians with masked arrays, which takes ten times as long.
    return SimpleImputer(strategy="median", keep_empty_features=True).fit(medians[np.newaxis])


def _median_or_zero(values: Array) -> float:
    """Return the median of the values that are not missing; 0 if all are missing.

    If no value is missing, the median is needed only for later rows. It is then
    approximated from at most about 20,000 evenly spaced values.
    """
    missing = np.isnan(values)
    if not missing.any():
        values = values[:: max(1, len(values) // _SAMPLE)]
    else:
        values = values[~missing]
    return float(np.median(values.astype(np.float64))) if len(values) else 0.0
