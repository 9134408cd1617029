"""Confusion matrices, and a short summary for those with many classes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sktrainer.reporting.formats import format_percent

MOST_CLASSES = 30


def has_many_classes(confusion: pd.DataFrame) -> bool:
    """Return whether a confusion matrix is too large to be shown in full."""
    return len(confusion) > MOST_CLASSES


def most_confused(confusion: pd.DataFrame, limit: int = 15) -> pd.DataFrame:
    """Return the most frequent errors, with columns `true`, `predicted`, `rows`, `share`.

    `share` is the fraction of the rows of the true class.

    Examples
    --------
    >>> labels = ["a", "b"]
    >>> most_confused(pd.DataFrame([[8, 2], [0, 5]], index=labels, columns=labels))
      true predicted  rows share
    0    a         b     2   20%
    """
    counts = confusion.to_numpy()
    wrong = counts - np.diag(np.diag(counts))
    # A stable sort keeps ties in the order of the classes.
    order = np.argsort(-wrong, axis=None, kind="stable")[:limit]
    true, predicted = np.unravel_index(order[wrong.ravel()[order] > 0], wrong.shape)
    rows = wrong[true, predicted]
    shares = rows / counts.sum(axis=1)[true]
    return pd.DataFrame(
        {
            "true": [str(confusion.index[row]) for row in true],
            "predicted": [str(confusion.columns[column]) for column in predicted],
            "rows": rows,
            "share": [format_percent(share) for share in shares],
        }
    )


def scores_per_class(confusion: pd.DataFrame) -> pd.DataFrame:
    """Return precision, recall, F1 and the number of rows of each class.

    Precision is NaN for a class that is never predicted, recall for one without rows.

    Examples
    --------
    >>> labels = ["a", "b"]
    >>> scores_per_class(pd.DataFrame([[8, 2], [0, 5]], index=labels, columns=labels)).round(3)
       precision  recall     f1  rows  predicted
    a      1.000     0.8  0.889    10          8
    b      0.714     1.0  0.833     5          7
    """
    counts = confusion.to_numpy(dtype=float)
    hits, rows, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        table = {
            "precision": hits / predicted,
            "recall": hits / rows,
            "f1": 2 * hits / (rows + predicted),
        }
    sizes = {"rows": rows.astype(int), "predicted": predicted.astype(int)}
    return pd.DataFrame({**table, **sizes}, index=confusion.index.astype(str))
