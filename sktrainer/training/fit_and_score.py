"""One split of the rows: prepare, fit with retries, score.

The final fit, the refit and every fold of a cross-validation run these stages.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sktrainer.callbacks.observer import FitObserver
from sktrainer.callbacks.sklearn_callbacks import FitTask
from sktrainer.checkpoints.run import FitDirectory, RunDirectory
from sktrainer.exceptions import (
    CallbackError,
    CheckpointError,
    InputError,
    SktrainerError,
)
from sktrainer.runtime.global_state import preserve_global_state
from sktrainer.runtime.seeds import derive_seed
from sktrainer.runtime.stopwatch import Usage
from sktrainer.scoring.evaluate import cached_predictors, score_sets
from sktrainer.scoring.predictor import Predictor
from sktrainer.splitting.split import split_inner_folds
from sktrainer.training.diagnostics import NO_PROBLEM, Diagnosis, diagnose, safe_settings
from sktrainer.training.fit_model import fit_model, make_predictor
from sktrainer.training.log import FitLog
from sktrainer.training.out_of_fold import FoldPredictions, fold_predictions
from sktrainer.training.plan import FitPlan
from sktrainer.training.prepare import prepare
from sktrainer.training.retry import (
    Attempt,
    FittedAttempt,
    best_attempt,
    choose_attempt,
)
from sktrainer.training.round_choice import RoundChoice, choose_from_folds
from sktrainer.training.task_rows import SplitRows, most_iterations
from sktrainer.types import (
    FitData,
    ModelFit,
    PreparedData,
    PreparedSummary,
    Scores,
    SetName,
    Split,
)


@dataclass(frozen=True)
class FitJob:
    """One fit of a run, and the resources that it uses.

    Attributes
    ----------
    name : str
        "final", "refit" or "folds/1"; also the name of its folder of checkpoints.
    seed, n_threads : int
    model_seeds : tuple of int
        Seeds of the model: one per attempt.
    log : FitLog
    run : RunDirectory or None, default=None
    sets : tuple of str
        Sets to score, in this order.
    on_iteration : FitObserver or None, default=None
    keeps_predictions : bool, default=False
        Whether the result contains the predictions of the test rows.
    """

    name: str
    seed: int
    n_threads: int
    model_seeds: tuple[int, ...]
    log: FitLog
    run: RunDirectory | None = None
    sets: tuple[SetName, ...] = ("train", "validation", "test")
    on_iteration: FitObserver | None = None
    keeps_predictions: bool = False

    def directory(self, split: Split, model_seed: int | None = None) -> FitDirectory | None:
        """Return where the checkpoints of the fit on this split are stored, or None.

        With retries, each attempt has a folder of its own.
        """
        if self.run is None:
            return None
        name = self._folder(model_seed)
        return self.run.fit_directory(name, split.train, split.validation, split.test)

    @property
    def task(self) -> FitTask | None:
        """The fit as a task for scikit-learn's callbacks."""
        return None if self.on_iteration is None else self.on_iteration.task

    def part(self, name: str, label: str | None, total: int | None) -> FitObserver | None:
        """Return the observer of a fit inside this one, which is a task of this name."""
        if self.on_iteration is None:
            return None
        task = None if self.task is None else self.task.subtask(name, total or 0)
        return self.on_iteration.part(label, total, task)

    def inner(self, number: int, model_seed: int, on_iteration: FitObserver | None) -> FitJob:
        """Return the job of an inner fold of an attempt."""
        return replace(
            self,
            name=f"{self._folder(model_seed)}/inner-{number}",
            seed=derive_seed(self.seed, "inner", number),
            model_seeds=(model_seed,),
            log=FitLog(),  # its seconds are those of the stage "fit"
            sets=(),
            on_iteration=on_iteration,
            keeps_predictions=False,
        )

    def _folder(self, model_seed: int | None) -> str:
        has_folders = model_seed is not None and len(self.model_seeds) > 1
        return f"{self.name}/seed-{model_seed}" if has_folders else self.name


@dataclass(frozen=True)
class FitResult:
    """Result of the final fit, the refit, or the fit of a fold.

    Attributes
    ----------
    predictor : Predictor
    fit : ModelFit
    scores : Scores
    prepared : PreparedSummary
    attempts : tuple of Attempt
        All attempts of the fit, in order. Exactly one of them was used.
    notes : tuple of str
        Notes for the report.
    refit_rounds : int or None
        Iterations of the refit on training and validation rows, or of the fit on the rows of
        all inner folds. None without a refit.
    n_inner_folds : int
        Number of inner folds that chose the number of rounds. 0: none.
    test_predictions : FoldPredictions or None
        Predictions of the test rows, if the job keeps them.
    """

    predictor: Predictor
    fit: ModelFit
    scores: Scores
    prepared: PreparedSummary
    attempts: tuple[Attempt, ...] = ()
    notes: tuple[str, ...] = ()
    refit_rounds: int | None = None
    test_predictions: FoldPredictions | None = None
    n_inner_folds: int = 0

    @property
    def diagnosis(self) -> Diagnosis:
        """Diagnosis of the attempt that was used."""
        return next((a.diagnosis for a in self.attempts if a.used), NO_PROBLEM)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Parameters of the model that were changed because it diverged."""
        return next((a.settings for a in self.attempts if a.used), {})

    @property
    def model_seed(self) -> int | None:
        """Seed of the model in the attempt that was used."""
        return next((a.seed for a in self.attempts if a.used), None)


def fit_and_score(plan: FitPlan, data: FitData, split: Split, job: FitJob) -> FitResult:
    """Prepare, fit and score one split of the rows.

    The model is fitted on the training rows. Early stopping uses the validation rows of the
    split, or those that were passed as `X_val`.
    """
    with job.log.stage("prepare"):
        prepared = prepare(plan.steps, data, split, job.seed)
    if job.task is not None:
        job.task.begin(_task_rows(plan, data, split, prepared))
    attempts: list[Attempt] = []
    for number, seed in enumerate(job.model_seeds, start=1):
        attempts.append(run_attempt(plan, data, split, prepared, job, number, seed))
        if not attempts[-1].diagnosis.problem:
            break
    repaired = repair_attempt(plan, data, split, prepared, job, attempts)
    if repaired is not None:
        attempts.append(repaired)
    best, tried = choose_attempt(attempts)
    if job.task is not None:
        job.task.end_fit(best.fit.model, best.fit.best_iteration or best.fit.n_iter)
    with job.log.stage("evaluate"):
        sets = {name: best.predictions[name] for name in job.sets if name in best.predictions}
        scores = score_sets(sets, plan.scoring, data.y[split.train])
        kept = None
        if job.keeps_predictions:
            kept = fold_predictions(best.predictions["test"], split.test)
    notes = (*prepared.summary.notes, *_resume_notes(plan, best, job))
    result = FitResult(
        best.predictor, best.fit, scores, prepared.summary, tried, notes, test_predictions=kept
    )
    if best.choice is None:
        return result
    rounds, n_folds = best.choice.fit.best_iteration, best.choice.n_folds
    return replace(result, refit_rounds=rounds, n_inner_folds=n_folds)


def run_attempt(
    plan: FitPlan,
    data: FitData,
    split: Split,
    prepared: PreparedData,
    job: FitJob,
    number: int,
    seed: int,
) -> Attempt:
    """Fit the model with one seed and diagnose the fit."""
    start = time.perf_counter()
    choice, on_iteration, part = None, job.on_iteration, None
    try:
        with job.log.stage("fit"):
            if plan.inner_folds:
                choice = choose_rounds(plan, data, split, job, seed)
                rounds = choice.fit.best_iteration
                plan = plan.without_early_stopping(rounds)
                # Callbacks have received the pooled iterations of the inner folds.
                on_iteration = job.part("fit-all-rows", None, rounds)
                part = None if on_iteration is None else on_iteration.task
                if part is not None:
                    part.begin(_task_rows(plan, data, split, prepared))
            fit, resumed_from = fit_model(
                plan.model,
                data,
                prepared,
                seed=seed,
                n_threads=job.n_threads,
                on_iteration=on_iteration,
                directory=job.directory(split, seed),
            )
            job.log.keep_model()
            if part is not None:
                part.end_fit(fit.model, fit.n_iter)
        if fit.gpu_memory_mb is not None:
            job.log.add_usage("fit", Usage(gpu_memory_mb=fit.gpu_memory_mb))
        with job.log.stage("evaluate"):
            predictor = make_predictor(fit, plan.model, data, prepared)
            predictions = cached_predictors(predictor, data, split, prepared)
            diagnosis = diagnose(plan.model, fit, predictions, data, prepared)
    except Exception as error:
        # Another seed does not fix invalid input. A callback must not discard earlier attempts.
        is_of_callback = isinstance(error, CallbackError)
        n_attempts = number if is_of_callback else len(job.model_seeds)
        if n_attempts == 1 or (isinstance(error, SktrainerError) and not is_of_callback):
            raise
        problem = Diagnosis(f"{type(error).__name__}: {error}", diverged=True)
        return Attempt(number, seed, problem, time.perf_counter() - start, error)
    if choice is not None:
        fit = choice.with_model_of(fit)
        diagnosis = diagnosis if diagnosis.problem else choice.diagnosis
    fitted = FittedAttempt(predictor, fit, predictions, resumed_from, choice)
    return Attempt(number, seed, diagnosis, time.perf_counter() - start, fitted=fitted)


def repair_attempt(
    plan: FitPlan,
    data: FitData,
    split: Split,
    prepared: PreparedData,
    job: FitJob,
    attempts: Sequence[Attempt],
) -> Attempt | None:
    """Fit a classifier that diverged once more with a safe setting, if one is known.

    None without held-out rows, because they decide which of the two fits is used.
    """
    best = best_attempt(attempts)
    if best is None or not plan.repairs or not best.diagnosis.diverged:
        return None
    assert best.fitted is not None
    has_held_out = best.fitted.choice is not None or "validation" in best.fitted.predictions
    settings = safe_settings(plan.model.model)
    if data.task != "classification" or not has_held_out or not settings:
        return None
    # Like a retry, this attempt has a folder of its own, and an error does not end the fit.
    job = replace(job, name=f"{job.name}/repair", model_seeds=(*job.model_seeds, best.seed))
    attempt = run_attempt(
        plan.with_settings(settings), data, split, prepared, job, len(attempts) + 1, best.seed
    )
    return replace(attempt, settings=settings)


def choose_rounds(
    plan: FitPlan, data: FitData, split: Split, job: FitJob, model_seed: int
) -> RoundChoice:
    """Choose the number of rounds by inner folds of the training rows.

    Each fold stops early on its own held-out rows. Folds that cannot be fitted, because their
    training rows lack classes, are left out.

    Raises
    ------
    InputError
        If no fold can be fitted.
    """
    inner = replace(plan, inner_folds=0, repairs=False)
    options = replace(plan.split, seed=derive_seed(job.seed, "inner"))
    results, n_rows, errors = [], [], []
    folds = split_inner_folds(data, split.train, options, plan.inner_folds)
    for number, (train, held) in enumerate(folds, start=1):
        fold = Split(train, held, held[:0], split.kind)
        observed = job.part("inner-fold", f"{number}/{plan.inner_folds}", most_iterations(plan))
        inner_job = job.inner(number, model_seed, observed)
        try:
            with preserve_global_state(inner_job.seed):
                results.append(fit_and_score(inner, data, fold, inner_job))
        except CheckpointError:
            raise
        except InputError as error:
            errors.append(error)
        else:
            n_rows.append(len(held))
    if not results:
        raise errors[0]
    fits, diagnoses = [r.fit for r in results], [r.diagnosis for r in results]
    observer = None if job.on_iteration is None else job.on_iteration.without_task()
    return choose_from_folds(plan.model, fits, diagnoses, n_rows, observer)


def _task_rows(plan: FitPlan, data: FitData, split: Split, prepared: PreparedData) -> SplitRows:
    def predictor_of(model: Any) -> Predictor:
        return make_predictor(ModelFit(model, "max_iter"), plan.model, data, prepared)

    return SplitRows(data, split, prepared, predictor_of)


def _resume_notes(plan: FitPlan, best: FittedAttempt, job: FitJob) -> tuple[str, ...]:
    """Return a note on the part of a fit that was loaded from a checkpoint."""
    start = best.resumed_from
    if job.run is None or start is None:
        return ()
    where, unit = str(job.run.folder), plan.model.capabilities.iteration_name
    end = best.fit.n_iter if best.choice is None else best.choice.fit.best_iteration
    if end is None or start >= end:
        return (f"the {job.name} fit was finished and loaded from the checkpoint {where!r}",)
    return (f"the {job.name} fit resumed at {unit} {start:,} from the checkpoint {where!r}",)
