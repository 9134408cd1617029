"""Standardization of regression targets for networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from sklearn.preprocessing import StandardScaler

from sktrainer.types import Array


@dataclass(frozen=True)
class TargetScale:
    """Mean and standard deviation of each column of a target.

    Both have shape (n_outputs,) and the units of the target. The deviation of a constant column
    is 1.
    """

    mean: Array
    deviation: Array

    @classmethod
    def fit(cls, y: Array, weight: Array | None = None) -> Self:
        """Return the scale of a weighted target.

        Examples
        --------
        >>> TargetScale.fit(np.array([1.0, 1.0, 7.0]), np.array([1.0, 0.0, 1.0]))
        TargetScale(mean=array([4.]), deviation=array([3.]))
        """
        columns = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        scaler = StandardScaler().fit(columns, sample_weight=weight)
        return cls(scaler.mean_, scaler.scale_)

    def transform(self, y: Array) -> Array:
        """Return standardized targets as float32, with the same shape."""
        columns = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        scaled = (columns - self.mean) / self.deviation
        return scaled.astype(np.float32).reshape(np.shape(y))

    def inverse_transform(self, outputs: Array) -> Array:
        """Return outputs of the network in the target's units, as float64."""
        columns = outputs.reshape(len(outputs), -1).astype(np.float64)
        return np.asarray(columns * self.deviation + self.mean).reshape(outputs.shape)

    def matches(self, outputs: Array) -> bool:
        """Return whether the outputs of an untrained network already have this scale.

        Such a network has been trained before, or is initialized with the target's mean. It
        would have to unlearn this if the target were standardized.

        Examples
        --------
        >>> prices = TargetScale(np.array([5e5]), np.array([3e5]))
        >>> prices.matches(np.array([[0.1], [-0.2]])), prices.matches(np.array([[6e5]]))
        (False, True)
        """
        columns = outputs.reshape(len(outputs), -1)
        if columns.shape[1] != len(self.mean):
            return False
        off = np.abs(columns - self.mean) / self.deviation
        # Standardized outputs are near 0. The factor of 10 requires a clear difference.
        return bool(10 * np.median(off) < np.median(np.abs(columns)))
