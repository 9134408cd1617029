"""The last steps over the encoded columns: fill what is missing, mark it, standardise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from sktrainer.types import Array

#: Cells of a block of rows; a block stays in the processor's cache.
_BLOCK_CELLS = 1 << 18


@dataclass(frozen=True)
class Steps:
    """Which output columns the last steps are for; empty where a step is not wanted.

    Parameters
    ----------
    filled : tuple of int
        Columns in which missing cells are filled.
    marked : tuple of int
        Columns whose missing cells are marked, each in a column from `first_mark` on.
    scaled : tuple of int
        Columns that are standardised.
    first_mark : int
    """

    filled: tuple[int, ...] = ()
    marked: tuple[int, ...] = ()
    scaled: tuple[int, ...] = ()
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
        if steps.marked:
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


def learn_finish(out: Array, steps: Steps) -> Finish:
    """Learn medians, means and deviations from written training rows; finish these too.

    Parameters
    ----------
    out : ndarray of shape (n_rows, n_output_columns)
        Changed in place.
    steps : Steps
    """
    imputer = _fit_imputer(out, steps.filled) if steps.filled else None
    Finish(steps, imputer).apply(out)
    scaler = None
    if steps.scaled:
        scaler = StandardScaler()
        for rows in row_blocks(out):
            scaler.partial_fit(out[rows][:, steps.scaled])
        Finish(steps, None, scaler).apply(out)
    return Finish(steps, imputer, scaler)


def _fit_imputer(out: Array, filled: Sequence[int]) -> SimpleImputer:
    medians = np.array([_median(out[:, position]) for position in filled])
    # SimpleImputer's own median goes through masked arrays, which cost ten times as much.
    return SimpleImputer(strategy="median", keep_empty_features=True).fit(medians[np.newaxis])


def _median(values: Array) -> float:
    present = values[~np.isnan(values)]
    return float(np.median(present)) if len(present) else 0.0
