"""The stages of one `fit`, in order, from the checks of its arguments to the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from sktrainer.backends.estimators import EstimatorParts, model_name
from sktrainer.callbacks.progress import Progress
from sktrainer.data.inputs import FitInputs
from sktrainer.exceptions import DataWarning, DivergenceWarning
from sktrainer.reporting.text import text_table
from sktrainer.runtime.global_state import preserve_global_state
from sktrainer.runtime.resources import split_cores
from sktrainer.runtime.seeds import derive_seed, root_seed
from sktrainer.runtime.stopwatch import Stopwatch
from sktrainer.splitting.split import split_rows
from sktrainer.training.cross_validation import CrossValidationResult, cross_validate
from sktrainer.training.diagnostics import suggest_params
from sktrainer.training.fit_and_score import FitResult, fit_and_score
from sktrainer.training.fit_state import Facts, FitState
from sktrainer.training.messages import (
    fit_summary,
    log_attempts,
    log_imbalance,
    log_split,
    warn_if_pretrained,
)
from sktrainer.training.plan import FitPlan, make_plan
from sktrainer.training.provenance import fingerprint_or_note
from sktrainer.training.refit import refit
from sktrainer.training.report_builder import build_report
from sktrainer.training.run_identity import open_run
from sktrainer.training.validation import effective_params, validate
from sktrainer.types import FitData, Split

__all__ = ["train"]


def train(
    parameters: Mapping[str, Any], estimator: Any, raw: FitInputs, output: str | None = None
) -> FitState:
    """Check, split, cross-validate, fit, evaluate and report.

    Parameters
    ----------
    parameters : mapping of str to object
        Parameters of the trainer by name, without the estimator.
    estimator : estimator
        It is not modified.
    raw : RawInput
    output : str or None, default=None
        Output container of the steps, as set by `set_output`.

    Returns
    -------
    Trained

    Raises
    ------
    InputError
        If parameters or data are invalid. It is raised before training and lists all
        mistakes.
    FitError
        If every fold failed.
    """
    watch = Stopwatch()
    parameters = effective_params(parameters, estimator, raw.X)
    with watch.stage("check"):
        parts, data = validate(parameters, estimator, raw)
        seed = root_seed(parameters["random_state"])
        plan = make_plan(parameters, parts, data, seed)
    described = {**parameters, "set_output": output}
    with open_run(described, estimator, raw, parts, data, seed) as store:
        # A resumed run without a `random_state` continues with the seed of its first process.
        if store is not None and store.seed != seed:
            plan = make_plan(parameters, parts, data, store.seed)
        plan = replace(plan, steps=replace(plan.steps, output=output), store=store)
        if store is not None and store.progress:
            found = f"resumed from the checkpoint {str(store.folder)!r}: {store.progress}"
            plan = replace(plan, notes=(found, *plan.notes))
        return _train(parameters, parts, plan, data, raw, watch)


def _train(
    parameters: Mapping[str, Any],
    parts: EstimatorParts,
    plan: FitPlan,
    data: FitData,
    raw: FitInputs,
    watch: Stopwatch,
) -> FitState:
    progress = Progress(int(parameters["verbose"]))
    with watch.stage("fingerprint"):
        found, unknown = fingerprint_or_note(raw)
    with watch.stage("split"):
        split, notes = _split(plan, data)
    log_split(progress, data, split, notes)
    if plan.n_retries != parameters["n_retries"]:
        progress.warn(plan.notes[-1], DataWarning)
    notes = (*plan.notes, *unknown, *notes, *log_imbalance(progress, plan, data, split))
    notes = (*notes, *warn_if_pretrained(progress, parts))
    cv = None
    if plan.cv is not None:
        with watch.stage("cross-validate"):
            cv = _cross_validate(plan, data, split, progress)
        notes = (*notes, *cv.notes)
    final, split, n_iter = _final_recipe(plan, split, cv)
    run = _fit_final(final, data, split, progress, watch, n_iter)
    notes = (*notes, *run.notes, *log_attempts(progress, plan, run))
    digest = None if found is None else found["digest"]
    facts = Facts(parameters, parts, plan, data, split, run, cv, notes, watch, digest)
    report = build_report(facts)
    progress.show(fit_summary(facts))
    progress.show_block(text_table(run.scores.table))
    return FitState(parts, plan, data, split, run, cv, report, found)


def _split(plan: FitPlan, data: FitData) -> tuple[Split, tuple[str, ...]]:
    """Split the rows into sets; rows with weight zero are in none of them."""
    split_plan = plan.split
    if plan.cv is not None and plan.refit:
        # The folds determine the number of rounds, so the final fit needs no validation rows.
        split_plan = replace(split_plan, validation_size=None)
    weight = data.sample_weight
    if weight is None or (weight > 0).all():
        return split_rows(data, split_plan)
    used = np.flatnonzero(weight > 0)
    split, notes = split_rows(_without_table(data, used), split_plan)
    return replace(
        split,
        train=used[split.train],
        validation=used[split.validation],
        test=used[split.test],
    ), notes


def _without_table(data: FitData, rows: Any) -> FitData:
    """Return targets, groups and times of some rows; a split needs nothing else."""
    return replace(
        data,
        X=None,
        y=data.y[rows],
        sample_weight=None,
        groups=None if data.groups is None else data.groups[rows],
        time=None if data.time is None else data.time[rows],
    )


def _cross_validate(
    plan: FitPlan, data: FitData, split: Split, progress: Progress
) -> CrossValidationResult:
    rows = np.concatenate([split.train, split.validation])
    if split.kind != "time":  # the rows of a time split are already in time order
        rows = np.sort(rows)
    total = plan.cv if isinstance(plan.cv, (int, np.integer)) else 0

    def show_fold(result: Any) -> None:
        progress.show_fold(
            result.fold,
            max(int(total), result.fold),
            result.scores,
            seconds=result.fit_seconds + result.score_seconds,
            error=result.error,
        )

    cv = cross_validate(plan, data, rows, on_fold=show_fold)
    for note in cv.notes:
        progress.warn(note, DataWarning)
    if cv.divergence:
        note = f"{cv.divergence}. To fix this, {suggest_params(plan.model.model)}"
        progress.warn(note, DivergenceWarning)
        cv = replace(cv, notes=(*cv.notes, note))
    progress.show(cv.summary_line)
    return cv


def _final_recipe(
    plan: FitPlan, split: Split, cv: CrossValidationResult | None
) -> tuple[FitPlan, Split, int | None]:
    """Return recipe and split of the final fit, and the number of rounds from the folds."""
    if cv is None or not plan.refit:
        return plan, split, None
    rounds = cv.best_iteration if plan.stops_early else None
    return plan.without_early_stopping(), split, rounds


def _fit_final(
    plan: FitPlan,
    data: FitData,
    split: Split,
    progress: Progress,
    watch: Stopwatch,
    n_iter: int | None,
) -> FitResult:
    _, n_threads = split_cores(1, 1)
    name = model_name(plan.model.model)
    total = n_iter or plan.model.capabilities.max_iter
    with (
        progress.iterations(name, total) as shown,
        preserve_global_state(derive_seed(plan.seed, "global")),
    ):
        run = fit_and_score(
            plan,
            data,
            split,
            seed=plan.seed,
            n_threads=n_threads,
            n_iter=n_iter,
            on_iteration=shown if progress.verbose else None,
            stopwatch=watch,
        )
    has_validation = len(split.validation) or data.validation is not None
    if (
        plan.refit
        and plan.stops_early
        and has_validation
        and run.fit.best_iteration is not None
    ):
        with preserve_global_state(derive_seed(plan.seed, "global")):
            run = refit(
                plan, data, split, run, seed=plan.seed, n_threads=n_threads, stopwatch=watch
            )
    if n_iter is not None:
        run = replace(run, refit_rounds=n_iter)
    return run
