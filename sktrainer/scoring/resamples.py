"""Bootstrap resamples of rows that may depend on each other: rows, groups or blocks in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log10, sqrt

import numpy as np

from sktrainer.types import Array

N_RESAMPLES = 200
_CHUNK = 2_000_000  # weights in memory at the same time
# Autocorrelations below this many standard errors count as zero (Politis and White, 2004).
_SIGNIFICANT = 2.0


@dataclass(frozen=True)
class Resampling:
    """How rows are drawn. A resample is a vector of weights: how often each row was drawn.

    Attributes
    ----------
    n_rows : int
    groups : ndarray of shape (n_rows,) or None, default=None
        Draw whole groups: the cluster bootstrap of Field and Welsh (2007), "Bootstrapping
        clustered data", Journal of the Royal Statistical Society B 69.
    order : ndarray of shape (n_rows,) or None, default=None
        Positions of the rows in time order. Draw blocks of neighboring rows: the circular
        block bootstrap of Politis and Romano (1992), "A circular block-resampling procedure
        for stationary data", in Exploring the Limits of Bootstrap.
    block : int, default=1
        Rows per block.
    seed : int, default=0

    Examples
    --------
    >>> rows = Resampling(4, order=np.arange(4), block=2, seed=1)
    >>> weights = next(rows.weights())
    >>> weights.shape, set(weights.sum(axis=1).tolist())
    ((200, 4), {4.0})
    """

    n_rows: int
    groups: Array | None = None
    order: Array | None = None
    block: int = 1
    seed: int = 0

    def weights(self) -> Iterator[Array]:
        """Yield the weights of all resamples in chunks of shape (n_resamples, n_rows)."""
        units, n_units = None, self.n_rows
        if self.groups is not None:
            labels, units = np.unique(self.groups, return_inverse=True)
            n_units = len(labels)
        elif self.order is not None:
            units = np.empty(self.n_rows, dtype=np.intp)
            units[self.order] = np.arange(self.n_rows)
        generator = np.random.default_rng(self.seed)
        size = max(1, min(N_RESAMPLES, _CHUNK // max(self.n_rows, 1)))
        for start in range(0, N_RESAMPLES, size):
            n = min(size, N_RESAMPLES - start)
            drawn = self._draw(generator, n, n_units) + n_units * np.arange(n)[:, np.newaxis]
            counts = np.bincount(drawn.ravel(), minlength=n * n_units).reshape(n, n_units)
            weights = counts.astype(float)
            yield weights if units is None else weights[:, units]

    def _draw(self, generator: np.random.Generator, n: int, n_units: int) -> Array:
        if self.groups is not None or self.order is None or self.block <= 1:
            return generator.integers(n_units, size=(n, n_units))
        starts = generator.integers(n_units, size=(n, ceil(n_units / self.block)))
        rows = starts[:, :, np.newaxis] + np.arange(self.block)
        return rows.reshape(n, -1)[:, :n_units] % n_units

    def __str__(self) -> str:
        if self.groups is not None:
            return f"the {len(np.unique(self.groups)):,} groups of test rows"
        if self.order is None:
            return "the test rows"
        if self.block > 1:
            return f"blocks of {self.block:,} test rows in time order"
        return "the test rows, whose errors are not autocorrelated in time"


def block_length(values: Array) -> int:
    """Return the number of rows per block that suits the dependence of a series.

    This is the automatic choice of Politis and White (2004), "Automatic block-length selection
    for the dependent bootstrap", Econometric Reviews 23, with the correction of Patton,
    Politis and White (2009), for the circular block bootstrap.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        Errors of the rows, in time order.

    Examples
    --------
    >>> generator = np.random.default_rng(0)
    >>> noise = generator.normal(size=2000)
    >>> block_length(noise) < 10 < block_length(np.convolve(noise, np.ones(30)))
    True
    """
    n = len(values)
    centered = values - values.mean()
    if n < 10 or not np.any(centered):
        return 1
    window = max(5, ceil(log10(n)))
    most_lags = min(ceil(sqrt(n)) + window, n - 1)
    covariances = _autocovariances(centered, most_lags)
    is_small = abs(covariances[1:] / covariances[0]) < _SIGNIFICANT * sqrt(log10(n) / n)
    runs = np.lib.stride_tricks.sliding_window_view(is_small, window).all(axis=1)
    last = int(np.argmax(runs)) if runs.any() else len(is_small)
    bandwidth = min(max(2 * last, 1), most_lags)
    lags = np.arange(-bandwidth, bandwidth + 1)
    taper = np.minimum(1.0, 2.0 * (1.0 - abs(lags) / bandwidth))
    tapered = taper * covariances[abs(lags)]
    slope, spectrum = float((abs(lags) * tapered).sum()), float(tapered.sum())
    if spectrum <= 0:
        return 1
    length = (1.5 * slope**2 / spectrum**2) ** (1 / 3) * n ** (1 / 3)
    return max(1, min(ceil(length), ceil(min(3 * sqrt(n), n / 3))))


def _autocovariances(centered: Array, most_lags: int) -> Array:
    n = len(centered)
    spectrum = np.fft.rfft(centered, 2 * n)
    found = np.fft.irfft(abs(spectrum) ** 2)[: most_lags + 1] / n
    return np.asarray(found)
