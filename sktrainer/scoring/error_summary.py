"""Errors of a regressor as counts and quantiles, which contain no row of the data."""

from __future__ import annotations

import numpy as np

from sktrainer.reporting.content import ErrorSummary
from sktrainer.types import Array

BINS = 40
RESIDUAL_BINS = 20
QUANTILES = {"5%": 0.05, "25%": 0.25, "50%": 0.5, "75%": 0.75, "95%": 0.95}
ERROR_QUANTILES = {"50%": 0.5, "75%": 0.75, "90%": 0.9, "95%": 0.95, "99%": 0.99, "100%": 1.0}
_LOG_RANGE = 100.0


def summarize_errors(
    y: Array, predicted: Array, output: str = "", time: Array | None = None
) -> ErrorSummary:
    """Return the errors of one output.

    `y` and `predicted` are finite numbers, and the values of `time` order the rows in time.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.arange(100.0)
    >>> summary = summarize_errors(y, y + 2.0)
    >>> summary["absolute_error"]["50%"], summary["by_prediction"]["50%"][0]
    (2.0, -2.0)
    """
    residuals = y - predicted
    edges = _edges(np.concatenate([y, predicted]))
    inner = edges[1:-1]
    rows, columns = (np.searchsorted(inner, v, side="right") for v in (predicted, y))
    counts = np.bincount(rows * BINS + columns, minlength=BINS**2).reshape(BINS, BINS)
    order = np.argsort(predicted, kind="stable")
    by_prediction = {
        "predicted": [float(part.mean()) for part in _parts(predicted[order])],
        **_quantiles(residuals[order]),
    }
    by_time: dict[str, list[float]] = {}
    if time is not None:
        in_time = _quantiles(residuals[np.argsort(time, kind="stable")])
        n_parts = len(in_time["50%"])
        by_time = {"position": ((np.arange(n_parts) + 0.5) / n_parts).tolist(), **in_time}
    sizes = np.quantile(np.abs(residuals), list(ERROR_QUANTILES.values()))
    return ErrorSummary(
        output=output,
        edges=edges.tolist(),
        counts=counts.tolist(),
        absolute_error=dict(zip(ERROR_QUANTILES, sizes.tolist(), strict=True)),
        by_prediction=by_prediction,
        by_time=by_time,
    )


def _edges(values: Array) -> Array:
    """Return the edges of the bins of actual and predicted values.

    A few extreme values do not squeeze all others into one bin: they are counted in the first
    and the last bin. Positive values that span decades have bins of equal ratios.
    """
    low, high = np.quantile(values, [0.001, 0.999])
    if low == high:
        low, high = low - 0.5, high + 0.5
    if low > 0 and high / low > _LOG_RANGE and values.min() > 0:
        return np.geomspace(low, high, BINS + 1)
    return np.linspace(low, high, BINS + 1)


def _parts(values: Array) -> list[Array]:
    return np.array_split(values, max(1, min(RESIDUAL_BINS, len(values) // 10)))


def _quantiles(values: Array) -> dict[str, list[float]]:
    """Return quantiles of consecutive parts of equal size."""
    found = np.array([np.quantile(part, list(QUANTILES.values())) for part in _parts(values)])
    return dict(zip(QUANTILES, found.T.tolist(), strict=True))
