"""Concatenation of training and validation rows for a refit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sktrainer.data.indexing import stack_rows
from sktrainer.runtime.stopwatch import Stopwatch
from sktrainer.training.fit_and_score import FitResult, fit_and_score
from sktrainer.training.plan import FitPlan
from sktrainer.types import Array, FitData, Rows, Scores, Split

__all__ = ["merge_validation_rows", "refit"]


def refit(
    plan: FitPlan,
    data: FitData,
    split: Split,
    run: FitResult,
    *,
    seed: int,
    n_threads: int,
    stopwatch: Stopwatch,
) -> FitResult:
    """Refit on training and validation rows, for the best number of iterations.

    The refitted model has seen the validation rows, so only its test scores are used. The
    training and validation scores are those of the first fit.
    """
    data, whole = merge_validation_rows(data, split)
    rounds = run.fit.best_iteration
    with stopwatch.stage("refit"):
        again = fit_and_score(
            plan,
            data,
            whole,
            seed=seed,
            n_threads=n_threads,
            score_parts=("test",),
            n_iter=rounds,
            place="refit",
            model_seed=run.model_seed,
        )
    table = run.scores.table.copy()
    table.update(again.scores.table)
    confusion = again.scores.confusion
    if confusion is None:
        confusion = run.scores.confusion
    return replace(
        run,
        fitted=again.fitted,
        class_weight=again.class_weight,
        fit=replace(run.fit, model=again.fit.model),
        scores=Scores(table, confusion),
        refit_rounds=rounds,
    )


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
