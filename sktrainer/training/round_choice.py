"""Number of rounds chosen by inner folds, from their pooled learning curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sktrainer.callbacks.early_stopping import Monitor
from sktrainer.callbacks.history import evals_result
from sktrainer.callbacks.observer import FitObserver
from sktrainer.training.diagnostics import Diagnosis
from sktrainer.training.plan import ModelPlan
from sktrainer.types import Array, ModelFit


@dataclass(frozen=True)
class RoundChoice:
    """Number of rounds chosen by inner folds of the training rows.

    The best iteration of `fit` is the number of rounds; it has the pooled curves, but no model.
    `n_folds` inner folds were fitted. `diagnosis` has the problem of most folds, with the mean
    loss of all folds.
    """

    fit: ModelFit
    n_folds: int
    diagnosis: Diagnosis

    def with_model_of(self, fit: ModelFit) -> ModelFit:
        """Return the pooled result with the model that was fitted for this many rounds."""
        return replace(self.fit, model=fit.model, batch_size=fit.batch_size)


def choose_from_folds(
    plan: ModelPlan,
    fits: Sequence[ModelFit],
    diagnoses: Sequence[Diagnosis],
    n_rows: Sequence[int],
    on_iteration: FitObserver | None = None,
) -> RoundChoice:
    """Return the best round of the pooled curves of the folds.

    A pooled value is the mean over the folds, weighted by their numbers of held-out rows
    `n_rows`. A fold that stopped early keeps its last value. Patience and tolerance apply to
    the pooled curve as they do to the curve of one fit. `on_iteration` receives the pooled
    values and can stop the search.
    """
    weights = np.asarray(n_rows, dtype=float)
    curves = _pooled_curves(fits, weights, plan)
    monitor = Monitor(
        plan.metric,
        n_iter_no_change=plan.n_iter_no_change,
        tol=plan.tol,
        on_iteration=on_iteration,
    )
    if on_iteration is not None:
        on_iteration.set_monitor(monitor)
    if fits[0].watched is not None and fits[0].watched[0] != plan.metric.name:
        name, greater_is_better = fits[0].watched
        monitor.set_native_metric(name, greater_is_better=greater_is_better)
    seconds = curves.pop(("", "seconds"))
    n_iter = len(seconds)
    for i in range(n_iter):
        values: dict[str, dict[str, float]] = {"train": {}, "validation": {}}
        for (part, metric), curve in curves.items():
            values[part][metric] = float(curve[i])
        if monitor.record(i + 1, values, seconds=float(seconds[i])):
            n_iter = i + 1
            break
    if on_iteration is not None:
        on_iteration.raise_error()
    fit = ModelFit(
        None,
        monitor.stop_reason if monitor.stopped else "max_iter",
        n_iter,
        monitor.best_iteration or n_iter,
        monitor.evaluations,
        metric_for_unknown_loss=fits[0].metric_for_unknown_loss,
    )
    return RoundChoice(fit, len(fits), _pooled_diagnosis(diagnoses, weights))


def _pooled_curves(
    fits: Sequence[ModelFit], weights: Array, plan: ModelPlan
) -> dict[tuple[str, str], Array]:
    """Return the mean curve per set and metric, and the total seconds."""
    # Patience may end after the last round of the longest fit.
    length = max(fit.n_iter or 1 for fit in fits) + (plan.n_iter_no_change or 0)
    length = min(length, plan.capabilities.max_iter or length)
    found: dict[tuple[str, str], list[Array | None]] = {}
    for k, fit in enumerate(fits):
        seconds = {entry.iteration: entry.seconds for entry in fit.evaluations}
        results = evals_result(fit.evaluations)
        parts = {(part, name): v for part in results for name, v in results[part].items()}
        for key, values in {**parts, ("", "seconds"): list(seconds.values())}.items():
            kept = np.asarray(values[:length], dtype=float)
            padded = np.pad(kept, (0, length - len(kept)), mode="edge")
            found.setdefault(key, [None] * len(fits))[k] = padded
    pooled = {}
    for key, curves in found.items():
        known = [k for k, curve in enumerate(curves) if curve is not None]
        stacked = np.array([curves[k] for k in known])
        if key == ("", "seconds"):
            pooled[key] = stacked.sum(axis=0)
            continue
        shares = weights[known, None] * ~np.isnan(stacked)
        with np.errstate(invalid="ignore"):  # no fold has a value
            pooled[key] = np.nansum(shares * stacked, axis=0) / shares.sum(axis=0)
    return pooled


def _pooled_diagnosis(diagnoses: Sequence[Diagnosis], weights: Array) -> Diagnosis:
    losses = np.array([found.loss for found in diagnoses])
    known = ~np.isnan(losses)
    loss = float(np.average(losses[known], weights=weights[known])) if known.any() else math.nan
    problems = [found for found in diagnoses if found.problem]
    if 2 * len(problems) <= len(diagnoses):
        return Diagnosis(loss=loss)
    first = next((found for found in problems if found.diverged), problems[0])
    n_diverged = sum(found.diverged for found in problems)
    text = f"in {len(problems)} of {len(diagnoses)} inner folds, for example {first.problem}"
    return replace(first, problem=text, diverged=2 * n_diverged > len(diagnoses), loss=loss)
