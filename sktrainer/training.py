"""One `fit` from its arguments to its report: what ManagedTrainer calls, in the order of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sktrainer.anatomy import Anatomy, dissect
from sktrainer.backends.adoption import was_trained
from sktrainer.backends.modules import model_name
from sktrainer.backends.registry import find_backend
from sktrainer.checkpointing import checkpointed
from sktrainer.cross_validation import CrossValidation, cross_validate
from sktrainer.encoding import imbalance
from sktrainer.exceptions import (
    ClassImbalanceWarning,
    DataWarning,
    DivergenceWarning,
    InputError,
    ParameterError,
    SmallDataWarning,
)
from sktrainer.flow import Run, refit_run, run_split
from sktrainer.parameters import parameter_problems
from sktrainer.receipt import take_fingerprint
from sktrainer.recipe import Recipe, make_recipe
from sktrainer.reporting import Facts, build_report, fit_line, split_line
from sktrainer.results.report import TrainingReport
from sktrainer.results.text import compact_table
from sktrainer.retries import attempts_notes
from sktrainer.rows import is_inputs
from sktrainer.running.caller_state import kept
from sktrainer.running.divergence import advice
from sktrainer.running.metrics import resolve_scoring
from sktrainer.running.misfits import scorer_misfit
from sktrainer.running.progress import Progress
from sktrainer.running.resources import Stopwatch, plan_jobs
from sktrainer.running.seeding import derive_seed, root_seed
from sktrainer.stages.checks import RawInput, check_data
from sktrainer.stages.splitting import small_data_notes, split_rows
from sktrainer.storage.fingerprint import Fingerprint
from sktrainer.types import CheckedData, Split

__all__ = [
    "Trained",
    "check_all",
    "for_the_network_alone",
    "tell_imbalance",
    "tell_trained",
    "train",
]


@dataclass(frozen=True)
class Trained:
    """All that one `fit` leaves behind."""

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
        The trainer's own parameters but the estimator, by name.
    estimator : estimator
        Read, never changed.
    raw : RawInput
    output : str or None, default=None
        The container that `set_output` asked the steps for.

    Returns
    -------
    Trained

    Raises
    ------
    InputError
        Before anything is fitted, with every mistake in parameters and data.
    FitError
        Where every fold failed.
    """
    watch = Stopwatch()
    parameters = for_the_network_alone(parameters, estimator, raw.X)
    with watch.stage("check"):
        anatomy, data = check_all(parameters, estimator, raw)
        seed = root_seed(parameters["random_state"])
        recipe = make_recipe(parameters, anatomy, data, seed)
    described = {**parameters, "set_output": output}
    with checkpointed(described, estimator, raw, anatomy, data, seed) as store:
        if store is not None and store.seed != seed:
            recipe = make_recipe(parameters, anatomy, data, store.seed)
        recipe = replace(recipe, steps=replace(recipe.steps, output=output), store=store)
        if store is not None and store.found:
            found = f"went on from the checkpoint {str(store.folder)!r}: {store.found}"
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
    _tell_split(progress, data, split, notes)
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
    notes = (*notes, *run.notes, *_tell_attempts(progress, recipe, run))
    digest = None if found is None else found["digest"]
    facts = Facts(parameters, anatomy, recipe, data, split, run, cv, notes, watch, digest)
    report = build_report(facts)
    progress.done(fit_line(facts))
    progress.block(compact_table(run.scores.table))
    return Trained(anatomy, recipe, data, split, run, cv, report, found)


def for_the_network_alone(
    parameters: Mapping[str, Any], estimator: Any, X: Any
) -> Mapping[str, Any]:
    """Leave out the automatic preprocessor, which is for tables, where a network takes X.

    Dicts of arrays, and arrays of three dimensions or more (images, sequences), are no tables.
    """
    has_columns = not is_inputs(X) and not (isinstance(X, np.ndarray) and X.ndim > 2)
    if has_columns or not isinstance(parameters["preprocessor"], str):
        return parameters
    try:
        alone = _takes_any_shape(dissect(estimator).model)
    except ParameterError:
        return parameters
    return {**parameters, "preprocessor": None} if alone else parameters


def _takes_any_shape(model: Any) -> bool:
    return find_backend(model).traits(model, "classification").any_shape


def check_all(
    parameters: Mapping[str, Any], estimator: Any, raw: RawInput
) -> tuple[Anatomy, CheckedData]:
    """Check parameters, estimator and data, and raise once for all that is wrong."""
    problems = parameter_problems(parameters)
    try:
        anatomy = dissect(estimator)
    except ParameterError as error:
        raise ParameterError([*problems, *error.problems]) from None
    if any(problem.startswith("task ") for problem in problems):
        raise ParameterError(problems)
    automatic = isinstance(parameters["preprocessor"], str)
    alone = parameters["preprocessor"] is None and not anatomy.steps
    refused = is_inputs(raw.X) and alone and not _takes_any_shape(anatomy.model)
    raw = replace(
        raw,
        tabular=refused or (automatic and not anatomy.transforms),
        time_column=parameters["time_column"],
    )
    try:
        data = check_data(raw, parameters["task"], anatomy.model)
    except InputError as error:
        raise InputError([*problems, *error.problems]) from None
    problems = problems or _unfit_scorers(parameters, data)
    if problems:
        raise ParameterError(problems)
    return anatomy, data


def _unfit_scorers(parameters: Mapping[str, Any], data: CheckedData) -> list[str]:
    """Name the scorers asked for, each known by itself, that cannot score such targets."""
    asked = []
    if parameters["scoring"] is not None:
        scoring = resolve_scoring(parameters["scoring"], data.task, data.n_classes)
        asked = [name for name in scoring.scorers if name not in scoring.on_estimator]
        if isinstance(parameters["scoring"], Mapping):
            asked = [parameters["scoring"][name] for name in asked]
    if isinstance(parameters["eval_metric"], str) and parameters["eval_metric"] != "loss":
        asked.append(parameters["eval_metric"])
    misfits = (scorer_misfit(name, data.task, data.n_classes) for name in dict.fromkeys(asked))
    return [misfit for misfit in misfits if misfit is not None]


def _split(recipe: Recipe, data: CheckedData) -> tuple[Split, tuple[str, ...]]:
    """Part the rows; rows of weight zero count as absent and land in no part."""
    plan = recipe.split
    if recipe.cv is not None and recipe.refit:
        # The folds tell the number of rounds; the final fit needs no validation rows.
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
    """Return some rows' targets, groups and times, which are all that a split looks at."""
    return replace(
        data,
        X=None,
        y=data.y[rows],
        sample_weight=None,
        groups=None if data.groups is None else data.groups[rows],
        time=None if data.time is None else data.time[rows],
    )


def _tell_split(
    progress: Progress, data: CheckedData, split: Split, notes: tuple[str, ...]
) -> None:
    progress.done(split_line(split))
    for note in notes:
        progress.warn(note, DataWarning)
    if len(split.test):
        for note in small_data_notes(data, split):
            progress.warn(note, SmallDataWarning)


def tell_imbalance(
    progress: Progress, recipe: Recipe, data: CheckedData, split: Split
) -> tuple[str, ...]:
    """Say what is done about classes of unlike size, where something is."""
    method = recipe.steps.imbalance
    if method is None or data.classes is None:
        return ()
    counts = imbalance.describe_classes(data.y[split.train], data.n_classes)
    found = imbalance.is_imbalanced(counts)
    text = imbalance.describe_imbalance(data.classes, counts)
    if isinstance(method, str) and method == "auto":
        if not found:
            return ()
        method = "class_weight" if recipe.steps.weights else "oversample"
        note = f"Class imbalance: {text}; handled by {method}"
        progress.warn(note, ClassImbalanceWarning)
        return (note,)
    name = method if isinstance(method, str) else type(method).__name__
    progress.done(f"Classes: {text}; handled by {name}")
    if recipe.model.correct_probabilities and imbalance.makes_rows(method):
        note = (
            f"correct_probabilities=True after {name}: synthetic rows shift probabilities by "
            "less than their number, so that the correction can overshoot; use "
            "handle_imbalance='class_weight', 'oversample' or 'undersample' with it"
        )
        progress.warn(note, DataWarning)
        return (note,)
    return ()


def tell_trained(progress: Progress, anatomy: Anatomy) -> tuple[str, ...]:
    """Say that a network starts from weights that were trained before, where it does."""
    if not was_trained(anatomy.model):
        return ()
    note = (
        "the module that was passed has been trained: every fit, those of folds too, starts "
        "from its weights, and rows that these have seen tell nothing about new ones; pass "
        "the class, or an untrained instance, unless that is meant"
    )
    progress.warn(note, DataWarning)
    return (note,)


def _cross_validate(
    recipe: Recipe, data: CheckedData, split: Split, progress: Progress
) -> CrossValidation:
    rows = np.concatenate([split.train, split.validation])
    if split.kind != "time":
        rows = np.sort(rows)
    total = recipe.cv if isinstance(recipe.cv, (int, np.integer)) else 0

    def tell(result: Any) -> None:
        progress.fold(
            result.fold,
            max(int(total), result.fold),
            result.scores,
            seconds=result.fit_seconds + result.score_seconds,
            error=result.error,
        )

    cv = cross_validate(recipe, data, rows, on_fold=tell)
    for note in cv.notes:
        progress.warn(note, DataWarning)
    if cv.divergence:
        note = f"{cv.divergence}. To mend it, {advice(recipe.model.model)}"
        progress.warn(note, DivergenceWarning)
        cv = replace(cv, notes=(*cv.notes, note))
    progress.done(cv.summary_line)
    return cv


def _tell_attempts(progress: Progress, recipe: Recipe, run: Run) -> tuple[str, ...]:
    """Warn where the fit that is used went wrong; say so where others before it did."""
    notes = attempts_notes(run.attempts, recipe.model.model)
    for note in notes:
        if run.verdict.diverged:
            progress.warn(note, DivergenceWarning)
        else:
            progress.done(note)
    return notes


def _final_recipe(
    recipe: Recipe, split: Split, cv: CrossValidation | None
) -> tuple[Recipe, Split, int | None]:
    """Say how the final fit goes: as it is, or for the rounds that the folds found."""
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
    held = len(split.validation) or data.validation is not None
    if recipe.refit and recipe.stops and held and run.fit.best_iteration is not None:
        with kept(derive_seed(recipe.seed, "global")):
            run = refit_run(
                recipe, data, split, run, seed=recipe.seed, n_threads=n_threads, stopwatch=watch
            )
    if n_iter is not None:
        run = replace(run, refit_rounds=n_iter)
    return run
