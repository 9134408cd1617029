"""Permutation importances of the columns of X."""

from __future__ import annotations

from typing import Any

import pandas as pd

from sktrainer.data.indexing import take_rows
from sktrainer.data.inputs import scoring_rows
from sktrainer.exceptions import InputError
from sktrainer.types import Array, ScoringParam


def permutation_table(
    trainer: Any,
    X: Any,
    y: Any,
    rows: Array,
    scoring: ScoringParam,
    n_repeats: int,
    random_state: int | None,
    n_jobs: int | None,
) -> tuple[pd.DataFrame, str]:
    """Return the importances of the columns, largest first, and the name of the metric."""
    from sklearn.inspection import permutation_importance

    if not hasattr(X, "shape") or len(X.shape) != 2:
        raise InputError("permutation_importance needs X as a table or a two-dimensional array")
    fitted = trainer._predictor
    labels = scoring_rows(X, y, fitted.task, fitted.classes)[1]
    names = list(getattr(trainer, "feature_names_in_", range(trainer.n_features_in_)))
    # Columns that hold the target, weights or groups are no features.
    features = X[names] if isinstance(y, str) or X.shape[1] != len(names) else X
    metric = "score" if scoring is None else getattr(scoring, "__name__", str(scoring))
    if scoring is None:
        first = trainer._scoring().first()
        metric = first.shown(next(iter(first.scorers)))
    found = permutation_importance(
        trainer,
        take_rows(features, rows),
        labels[rows],
        scoring=scoring,
        n_repeats=n_repeats,
        random_state=random_state,
        n_jobs=n_jobs,
    )
    table = pd.DataFrame(
        {"mean": found["importances_mean"], "std": found["importances_std"]},
        index=[str(name) for name in names],
    )
    return table.sort_values("mean", ascending=False, kind="stable"), metric
