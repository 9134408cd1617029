"""The stages of one `fit`, in order, from the checks of its arguments to the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sktrainer.anatomy import Anatomy
from sktrainer.backends.modules import model_name
from sktrainer.checking import check_all, for_the_network_alone
from sktrainer.checkpointing import checkpointed
from sktrainer.cross_validation import CrossValidation, cross_validate
from sktrainer.exceptions import (
    DataWarning,
    DivergenceWarning,
)
from sktrainer.flow import Run, refit_run, run_split
from sktrainer.receipt import take_fingerprint
from sktrainer.recipe import Recipe, make_recipe
from sktrainer.reporting import Facts, build_report, fit_line
from sktrainer.results.report import TrainingReport
from sktrainer.results.text import compact_table
from sktrainer.running.caller_state import kept
from sktrainer.running.divergence import advice
from sktrainer.running.progress import Progress
from sktrainer.running.resources import Stopwatch, plan_jobs
from sktrainer.running.seeding import derive_seed, root_seed
from sktrainer.stages.checks import RawInput
from sktrainer.stages.splitting import split_rows
from sktrainer.storage.fingerprint import Fingerprint
from sktrainer.telling import tell_attempts, tell_imbalance, tell_split, tell_trained
from sktrainer.types import CheckedData, Split

__all__ = ["Trained", "train"]


@dataclass(frozen=True)
class Trained:
    """Result of one `fit`."""

    anatomy: Anatomy
    recipe: Recipe
    data: CheckedData
    split: Split
    run: Run
    cv: CrossValidation | None
    report: TrainingReport
    fingerprint: Fingerprint | None


def train(
    parameters: Mapping[str, Any], estimator: Any, raw: RawInput, output: str | None = None
) -> Trained:
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
    parameters = for_the_network_alone(parameters, estimator, raw.X)
    with watch.stage("check"):
        anatomy, data = check_all(parameters, estimator, raw)
        seed = root_seed(parameters["random_state"])
        recipe = make_recipe(parameters, anatomy, data, seed)
    described = {**parameters, "set_output": output}
    with checkpointed(described, estimator, raw, anatomy, data, seed) as store:
        # A resumed run without a `random_state` continues with the seed of its first process.
        if store is not None and store.seed != seed:
            recipe = make_recipe(parameters, anatomy, data, store.seed)
        recipe = replace(recipe, steps=replace(recipe.steps, output=output), store=store)
        if store is not None and store.found:
            found = f"resumed from the checkpoint {str(store.folder)!r}: {store.found}"
            recipe = replace(recipe, notes=(found, *recipe.notes))
        return _train(parameters, anatomy, recipe, data, raw, watch)


def _train(
    parameters: Mapping[str, Any],
    anatomy: Anatomy,
    recipe: Recipe,
    data: CheckedData,
    raw: RawInput,
    watch: Stopwatch,
) -> Trained:
    progress = Progress(int(parameters["verbose"]))
    with watch.stage("fingerprint"):
        found, unknown = take_fingerprint(raw)
    with watch.stage("split"):
        split, notes = _split(recipe, data)
    tell_split(progress, data, split, notes)
    if recipe.n_retries != parameters["n_retries"]:
        progress.warn(recipe.notes[-1], DataWarning)
    notes = (*recipe.notes, *unknown, *notes, *tell_imbalance(progress, recipe, data, split))
    notes = (*notes, *tell_trained(progress, anatomy))
    cv = None
    if recipe.cv is not None:
        with watch.stage("cross-validate"):
            cv = _cross_validate(recipe, data, split, progress)
        notes = (*notes, *cv.notes)
    final, split, n_iter = _final_recipe(recipe, split, cv)
    run = _fit_final(final, data, split, progress, watch, n_iter)
    notes = (*notes, *run.notes, *tell_attempts(progress, recipe, run))
    digest = None if found is None else found["digest"]
    facts = Facts(parameters, anatomy, recipe, data, split, run, cv, notes, watch, digest)
    report = build_report(facts)
    progress.done(fit_line(facts))
    progress.block(compact_table(run.scores.table))
    return Trained(anatomy, recipe, data, split, run, cv, report, found)


def _split(recipe: Recipe, data: CheckedData) -> tuple[Split, tuple[str, ...]]:
    """Split the rows into sets; rows with weight zero are in none of them."""
    plan = recipe.split
    if recipe.cv is not None and recipe.refit:
        # The folds determine the number of rounds, so the final fit needs no validation rows.
        plan = replace(plan, validation_size=None)
    weight = data.sample_weight
    if weight is None or (weight > 0).all():
        return split_rows(data, plan)
    used = np.flatnonzero(weight > 0)
    split, notes = split_rows(_without_table(data, used), plan)
    return replace(
        split,
        train=used[split.train],
        validation=used[split.validation],
        test=used[split.test],
    ), notes


def _without_table(data: CheckedData, rows: Any) -> CheckedData:
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
    recipe: Recipe, data: CheckedData, split: Split, progress: Progress
) -> CrossValidation:
    rows = np.concatenate([split.train, split.validation])
    if split.kind != "time":  # the rows of a time split are already in time order
        rows = np.sort(rows)
    total = recipe.cv if isinstance(recipe.cv, (int, np.integer)) else 0

    def show_fold(result: Any) -> None:
        progress.fold(
            result.fold,
            max(int(total), result.fold),
            result.scores,
            seconds=result.fit_seconds + result.score_seconds,
            error=result.error,
        )

    cv = cross_validate(recipe, data, rows, on_fold=show_fold)
    for note in cv.notes:
        progress.warn(note, DataWarning)
    if cv.divergence:
        note = f"{cv.divergence}. To fix this, {advice(recipe.model.model)}"
        progress.warn(note, DivergenceWarning)
        cv = replace(cv, notes=(*cv.notes, note))
    progress.done(cv.summary_line)
    return cv


def _final_recipe(
    recipe: Recipe, split: Split, cv: CrossValidation | None
) -> tuple[Recipe, Split, int | None]:
    """Return recipe and split of the final fit, and the number of rounds from the folds."""
    if cv is None or not recipe.refit:
        return recipe, split, None
    rounds = cv.best_iteration if recipe.stops else None
    return recipe.without_stopping(), split, rounds


def _fit_final(
    recipe: Recipe,
    data: CheckedData,
    split: Split,
    progress: Progress,
    watch: Stopwatch,
    n_iter: int | None,
) -> Run:
    _, n_threads = plan_jobs(1, 1)
    name = model_name(recipe.model.model)
    total = n_iter or recipe.model.traits.max_iter
    with progress.iterations(name, total) as shown, kept(derive_seed(recipe.seed, "global")):
        run = run_split(
            recipe,
            data,
            split,
            seed=recipe.seed,
            n_threads=n_threads,
            n_iter=n_iter,
            on_iteration=shown if progress.verbose else None,
            stopwatch=watch,
        )
    has_validation = len(split.validation) or data.validation is not None
    if recipe.refit and recipe.stops and has_validation and run.fit.best_iteration is not None:
        with kept(derive_seed(recipe.seed, "global")):
            run = refit_run(
                recipe, data, split, run, seed=recipe.seed, n_threads=n_threads, stopwatch=watch
            )
    if n_iter is not None:
        run = replace(run, refit_rounds=n_iter)
    return run
