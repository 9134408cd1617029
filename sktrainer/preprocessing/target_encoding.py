"""Target encoding of level codes with scikit-learn's TargetEncoder."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.preprocessing import TargetEncoder
from sklearn.utils import check_consistent_length, column_or_1d

from sktrainer.types import Array, Task

_FOLDS = 5


def count_targets(y: Any) -> int:
    """Return the number of target columns."""
    shape: tuple[int, ...] = getattr(y, "shape", ())
    return int(shape[1]) if len(shape) == 2 else 1


def fit_target_encoder(
    codes: Array,
    n_levels: list[int],
    y: Any,
    *,
    task: Task,
    seed: int | np.random.RandomState | None,
) -> tuple[TargetEncoder, Array]:
    """Fit a TargetEncoder and encode the training rows by cross-fitting.

    Each row is encoded with the target means of the other folds, so the encoding does not
    leak its own target (D. Micci-Barreca, SIGKDD Explorations 3, 2001; scikit-learn user
    guide, "Target Encoder").

    `codes`, of shape (n_rows, n_columns), holds level codes from 0 to `n_levels - 1`, with
    missing values as a level. The encoded rows have one column per input column, or one per
    class if there are more than two classes.

    Examples
    --------
    >>> import numpy as np
    >>> codes = np.array([[0], [1]] * 10)
    >>> encoder, encoded = fit_target_encoder(
    ...     codes, [2], codes[:, 0] * 10.0, task="regression", seed=0
    ... )
    >>> encoder.encodings_[0].round(), encoded.shape
    (array([ 0., 10.]), (20, 1))
    """
    y = column_or_1d(y, warn=False)
    check_consistent_length(codes, y)
    kind, counts = "continuous", None
    if task == "classification":
        counts = np.unique(y, return_counts=True)[1]
        kind = "binary" if len(counts) <= 2 else "multiclass"
    encoder = TargetEncoder(
        categories=[np.arange(count) for count in n_levels],
        target_type=kind,
        cv=_cross_fitting_folds(len(y), counts, seed),
    ).set_output(transform="default")
    if len(y) < 2:  # a single row cannot be cross-fitted
        return encoder, encoder.fit(codes, y).transform(codes)
    # With metadata routing, scikit-learn 1.9 looks up `groups` that were not passed and fails.
    with config_context(enable_metadata_routing=False):
        return encoder, encoder.fit_transform(codes, y)


def _cross_fitting_folds(
    n_rows: int, counts: Array | None, seed: int | np.random.RandomState | None
) -> KFold | StratifiedKFold:
    n_folds = max(2, min(_FOLDS, n_rows))
    if seed is None:  # draw a fresh seed without changing NumPy's global random state
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    # StratifiedKFold warns or fails if a class has fewer rows than folds.
    if counts is None or counts.min() < n_folds:
        return KFold(n_folds, shuffle=True, random_state=seed)
    return StratifiedKFold(n_folds, shuffle=True, random_state=seed)


def encoding_tables(encoder: TargetEncoder, missing: list[bool]) -> list[Array]:
    """Return the encoding table of each column, for `LevelTransform`.

    `missing` states for each column whether its last level represents missing values.
    Otherwise a last row with the target mean is added for them.
    """
    mean = np.atleast_1d(encoder.target_mean_)
    width = len(mean)
    tables = []
    for position, has_missing in enumerate(missing):
        encodings = encoder.encodings_[position * width : (position + 1) * width]
        table = np.column_stack(encodings)
        tables.append(table if has_missing else np.vstack([table, mean]))
    return tables
