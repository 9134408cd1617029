"""Fit again on training plus validation rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sktrainer.data.indexing import stack_rows
from sktrainer.training.fit_and_score import FitJob, FitResult, fit_and_score
from sktrainer.training.log import FitLog
from sktrainer.training.plan import FitPlan
from sktrainer.types import Array, FitData, Rows, Split


def needs_refit(plan: FitPlan, data: FitData, split: Split, result: FitResult) -> bool:
    """Return whether the fit stopped early on validation rows that a refit can use."""
    has_validation = bool(len(split.validation)) or data.validation is not None
    has_rounds = result.fit.best_iteration is not None
    return plan.refit and plan.stops_early and has_validation and has_rounds


def refit(
    plan: FitPlan, data: FitData, split: Split, result: FitResult, job: FitJob
) -> FitResult:
    """Refit on training and validation rows, for the best number of iterations.

    The refitted model has seen the validation rows, so only its test scores are used. The
    training and validation scores are those of the first fit, whose `job` is passed.
    """
    assert result.model_seed is not None
    data, whole = merge_validation_rows(data, split)
    rounds = result.fit.best_iteration
    again = fit_and_score(
        plan.with_settings(result.settings).without_early_stopping(rounds),
        data,
        whole,
        replace(
            job,
            name="refit",
            model_seeds=(result.model_seed,),
            log=FitLog(),  # the seconds of its stages are those of the stage "refit"
            sets=("test",),
        ),
    )
    first, test = result.scores, again.scores
    scores = first
    if len(test.table):
        table, baseline = first.table.copy(), first.baseline.copy()
        table.update(test.table)
        baseline.update(test.baseline)
        scores = replace(
            test,
            table=table,
            baseline=baseline,
            problems={**first.problems, **test.problems},
            never_predicted={**first.never_predicted, **test.never_predicted},
        )
    return replace(
        result,
        predictor=again.predictor,
        prepared=replace(result.prepared, class_weight=again.prepared.class_weight),
        fit=replace(result.fit, model=again.fit.model),
        scores=scores,
        test_predictions=again.test_predictions,
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
