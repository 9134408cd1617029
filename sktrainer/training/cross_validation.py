"""Cross-validation: run the same stages as the final fit once per fold, in parallel."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.exceptions import FitFailedWarning

from sktrainer.callbacks.base import FoldEndEvent
from sktrainer.callbacks.history import recorded_eval_metric
from sktrainer.callbacks.observer import Observer, with_task
from sktrainer.callbacks.sklearn_callbacks import FitTask
from sktrainer.checkpoints.run import RunDirectory
from sktrainer.exceptions import (
    CallbackError,
    CheckpointError,
    DataWarning,
    DivergenceWarning,
    FitError,
    warn_caller,
)
from sktrainer.reporting.text import folds_text
from sktrainer.runtime.global_state import preserve_global_state
from sktrainer.runtime.native_output import QuietImport
from sktrainer.runtime.seeds import derive_seed
from sktrainer.runtime.stopwatch import Stopwatch, Usage
from sktrainer.splitting.notes import fold_notes
from sktrainer.splitting.split import split_folds, split_validation
from sktrainer.training.cv_result import CrossValidationResult, FoldResult
from sktrainer.training.diagnostics import suggest_params
from sktrainer.training.fit_and_score import FitJob, FitResult, fit_and_score
from sktrainer.training.log import FitLog, use_warning_filters, warning_filters
from sktrainer.training.messages import log_never_predicted, warn_if_loss_is_unknown
from sktrainer.training.out_of_fold import (
    FoldPredictions,
    oof_table,
    pooled_scores,
)
from sktrainer.training.plan import FitPlan
from sktrainer.training.retry import attempt_seeds, settings_text
from sktrainer.training.task_rows import most_iterations, n_subtasks
from sktrainer.types import Array, FitData, ModelFit, Split

MOST_CURVE_POINTS = 100

logger = logging.getLogger(__name__)


def make_folds(plan: FitPlan, data: FitData, split: Split) -> list[tuple[Array, Array]]:
    """Divide the training and validation rows of `split` into folds."""
    assert plan.folds is not None
    rows = np.concatenate([split.train, split.validation])
    if split.kind != "time":  # the rows of a time split are already in time order
        rows = np.sort(rows)
    return split_folds(data, rows, plan.split, plan.folds.cv)


def cross_validate(
    plan: FitPlan,
    data: FitData,
    folds: list[tuple[Array, Array]],
    run: RunDirectory | None,
    log: FitLog,
) -> CrossValidationResult:
    """Fit and score each fold; the results do not depend on the number of parallel jobs.

    Each fold is shown as soon as it is available.

    Raises
    ------
    FitError
        If every fold failed. The message contains the errors.
    """
    assert plan.folds is not None
    workers, n_threads = plan.folds.split_cores(len(folds))
    fold_plan = replace(plan, folds=None)  # `cv` may be a generator, which cannot be pickled
    results = []
    in_processes = workers > 1 and plan.folds.joblib_backend != "threading"
    filters = warning_filters() if in_processes else []
    shared = n_threads, run, workers > 1 and not in_processes, filters
    whole = None if log.task is None else log.task.subtask("cross-validate", len(folds))
    if whole is not None:
        whole.begin()
    # All tasks exist before the first fold is sent to a process.
    parts = [whole and whole.subtask("fold", n_subtasks(plan)) for _ in folds]
    with _observer(log, in_processes=in_processes) as observer:
        spec = plan.model.backend.spec
        quiet = QuietImport(spec.packages[0], spec.import_noise) if spec.import_noise else None
        tasks = (
            delayed(fit_remote_fold)(
                quiet, fold_plan, data, number, train, test, *shared, observer, part
            )
            for number, ((train, test), part) in enumerate(zip(folds, parts, strict=True), 1)
        )
        with Parallel(
            workers, backend=plan.folds.joblib_backend, return_as="generator"
        ) as parallel:
            for fold in parallel(tasks):
                results.append(fold)
                log.add_new_notes(fold.notes)
                log.add_library_warnings(fold.warnings, fold.fold)
                _show_fold(log, plan, fold, len(folds))
    if whole is not None:
        whole.end()
    _raise_or_warn(results)
    for note in fold_notes(data, folds):
        log.add_warning(note, DataWarning)
    if in_processes:
        log.add_usage("cross-validate", Usage(cpu_seconds=sum(f.cpu_seconds for f in results)))
    predictions = [f.predictions for f in results if f.predictions is not None]
    pooled = pooled_scores(predictions, data, plan.scoring)
    oof = oof_table(predictions, data)
    cv = CrossValidationResult(tuple(results), plan.scoring, pooled, oof, workers, n_threads)
    _log_problems(cv, plan, data, log)
    log.show(f"Scores over {len(folds)} folds")
    show = partial(folds_text, cv.summary, len(folds), plan.scoring.shown_names)
    narrow = partial(show, columns=["mean", "std", "constant"])
    log.progress.show_block(show, narrow, partial(show, columns=["mean", "std"]))
    return cv


def _log_problems(cv: CrossValidationResult, plan: FitPlan, data: FitData, log: FitLog) -> None:
    """Show which scores were pooled, and warn of what can make the scores misleading."""
    pooled, results = cv.pooled, cv.folds
    if pooled.values:
        names = ", ".join(map(plan.scoring.shown, pooled.values))
        log.add_notes(f"{names}: computed on the test rows of all folds, since {pooled.reason}")
    if pooled.never_predicted:
        log_never_predicted(log, pooled.never_predicted, data, plan.scoring)
    monitored = next(filter(None, (fold.metric_for_unknown_loss for fold in results)), None)
    warn_if_loss_is_unknown(log, plan.model, monitored)
    for note in cv.problems:
        log.add_warning(note, DataWarning)
    repaired = [fold for fold in results if fold.settings]
    if repaired:
        log.add_warning(
            f"Training diverged in {len(repaired)} of {len(results)} folds, which were fitted "
            f"again with {settings_text(repaired[0].settings)}, because it lowers the "
            "validation loss. Set it on the estimator for all folds",
            DivergenceWarning,
        )
    if cv.divergence:
        fix = suggest_params(plan.model.model)
        log.add_warning(f"{cv.divergence}. To fix this, {fix}", DivergenceWarning)


def _observer(log: FitLog, *, in_processes: bool) -> AbstractContextManager[Observer | None]:
    """Return the observer of the folds; it is None if nobody reads their iterations."""
    if not log.observer.is_active:
        return nullcontext()
    if not in_processes:
        return nullcontext(log.observer)
    from sktrainer.callbacks.connection import accept_observers

    return accept_observers(log.observer)


def _show_fold(log: FitLog, plan: FitPlan, fold: FoldResult, n_folds: int) -> None:
    """Print the scores of a fold, and pass them to the callbacks."""
    scores = {
        plan.scoring.shown(name): value
        for name, value in fold.scores.items()
        if not np.isnan(value)
    }
    seconds = fold.fit_seconds + fold.score_seconds
    log.progress.show_fold(fold.fold, n_folds, scores, seconds=seconds, error=fold.error)
    event = FoldEndEvent(fold.fold, n_folds, scores, seconds, fold.error)
    log.observer.call("on_fold_end", event)


def fit_remote_fold(quiet: QuietImport | None, *arguments: Any) -> FoldResult:
    """Fit a fold as `fit_fold` does; `quiet` is unpickled before the other arguments."""
    return fit_fold(*arguments)


def fit_fold(
    plan: FitPlan,
    data: FitData,
    number: int,
    train: Array,
    test: Array,
    n_threads: int,
    run: RunDirectory | None,
    shares_process: bool = False,
    filters: Sequence[Any] = (),
    observer: Observer | None = None,
    task: FitTask | None = None,
) -> FoldResult:
    """Fit and score one fold, or load its result from the checkpoint.

    `shares_process` is whether other folds run in this process at the same time, and `filters`
    are the warning filters to use, for a worker process.
    """
    seed = derive_seed(plan.seed, "fold", number)
    job = FitJob(
        f"folds/{number}",
        seed,
        n_threads,
        attempt_seeds(seed, plan.n_retries),
        FitLog(watch=_stopwatch(n_threads) if shares_process else None),
        run,
        sets=("test",),
        keeps_predictions=True,
    )
    directory = job.directory(Split(train, np.empty(0), test, plan.split.kind))
    done = None if directory is None else directory.load_result()
    if done is not None:
        if task is not None:
            task.begin()
            task.end()
        return FoldResult(**{**done, "predictions": FoldPredictions(**done["predictions"])})
    total, unit = most_iterations(plan), plan.model.capabilities.iteration_name
    observed = (
        nullcontext() if observer is None else observer.fit(f"fold {number}", total, number)
    )
    try:
        with (
            use_warning_filters(filters),
            job.log.record_warnings(),
            nullcontext() if shares_process else job.log.measure(),
            observed as on_iteration,
            preserve_global_state(seed),
        ):
            split = _fold_split(plan, data, train, test, seed)
            job = replace(job, on_iteration=with_task(on_iteration, task, total, unit))
            fitted = fit_and_score(plan, data, split, job)
    # These affect every fold; they would only be hidden as a failed fold.
    except (CallbackError, CheckpointError):
        raise
    except Exception as error:  # a failed fold must not discard the results of the others
        logger.info("fold %d failed", number, exc_info=True)
        return FoldResult(
            number,
            len(train),
            len(test),
            dict.fromkeys(plan.scoring.scorers, float("nan")),
            fit_seconds=job.log.seconds(),
            score_seconds=0.0,
            error=f"{type(error).__name__}: {error}",
            notes=job.log.notes,
            warnings=list(job.log.library_warnings()),
        )
    result = _fold_result(plan, number, split, fitted, job.log)
    if directory is not None:
        directory.save_result(asdict(result))
    return result


def _stopwatch(n_threads: int) -> Stopwatch:
    """Return the stopwatch of a fold in a thread, whose memory cannot be told from others'."""
    cpu_clock = time.thread_time if n_threads == 1 else None
    return Stopwatch(cpu_clock, measures_memory=False)


def _fold_result(
    plan: FitPlan, number: int, split: Split, fitted: FitResult, log: FitLog
) -> FoldResult:
    usage = log.usage("prepare", "fit", "evaluate")
    return FoldResult(
        number,
        len(split.train),
        len(split.test),
        _of_test(fitted.scores.table),
        log.seconds("prepare", "fit"),
        log.seconds("evaluate"),
        fitted.fit.n_iter,
        fitted.fit.best_iteration,
        fitted.fit.stop_reason,
        n_attempts=len(fitted.attempts),
        settings=dict(fitted.settings),
        divergence=fitted.diagnosis.problem if fitted.diagnosis.diverged else "",
        constants=_of_test(fitted.scores.baseline),
        problems=dict(fitted.scores.problems.get("test", {})),
        metric_for_unknown_loss=fitted.fit.metric_for_unknown_loss,
        predictions=fitted.test_predictions,
        curve=_validation_curve(plan, fitted.fit),
        notes=log.notes,
        warnings=list(log.library_warnings()),
        cpu_seconds=usage.cpu_seconds,
        memory_increase_mb=log.memory_increase_mb,
        gpu_memory_mb=usage.gpu_memory_mb,
    )


def _validation_curve(plan: FitPlan, fit: ModelFit) -> dict[str, Any]:
    """Return the curve of the monitored metric on the fold's validation rows."""
    if not plan.stops_early:
        return {}
    model = plan.model
    name = recorded_eval_metric(
        fit.evaluations, fit.best_iteration, model.metric.name, model.tol
    )
    points = [v for v in fit.evaluations if v.set == "validation" and v.metric == name]
    if not points:
        return {}
    n_points = min(len(points), MOST_CURVE_POINTS)
    kept = np.unique(np.linspace(0, len(points) - 1, n_points).round().astype(int)).tolist()
    return {
        "metric": name,
        "iteration": [int(points[i].iteration) for i in kept],
        "value": [float(points[i].value) for i in kept],
    }


def _of_test(table: pd.DataFrame) -> dict[str, float]:
    return {str(name): float(column["test"]) for name, column in table.items()}


def _fold_split(plan: FitPlan, data: FitData, train: Array, test: Array, seed: int) -> Split:
    """Split the validation rows off the fold's training rows, never off its test rows."""
    validation = np.empty(0, dtype=np.intp)
    if plan.split.validation_size is not None:
        split_plan = replace(plan.split, seed=derive_seed(seed, "split"))
        train, validation, _ = split_validation(data, train, split_plan)
    return Split(train, validation, test, plan.split.kind)


def _raise_or_warn(results: list[FoldResult]) -> None:
    failed = [result for result in results if result.error is not None]
    if not failed:
        return
    errors = "\n".join(f"fold {result.fold}: {result.error}" for result in failed)
    if len(failed) == len(results):
        if len(failed) > len({result.error for result in failed}) == 1:
            errors = f"every fold: {failed[0].error}"
        raise FitError(f"all {len(results)} folds failed:\n{errors}")
    warn_caller(
        f"{len(failed)} of {len(results)} folds failed, and their scores are NaN:\n{errors}",
        FitFailedWarning,
    )
