"""The complete fit, one call per stage, from its arguments to the fitted state."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sktrainer.backends.estimators import model_name
from sktrainer.callbacks.base import FitBeginEvent, FitEndEvent
from sktrainer.callbacks.sklearn_callbacks import FitTask, warn_of_errors
from sktrainer.checkpoints.run import RunDirectory
from sktrainer.data.fingerprint.fingerprint import Fingerprint
from sktrainer.data.inputs import FitInputs
from sktrainer.reporting.report import TrainingReport
from sktrainer.runtime.global_state import preserve_global_state
from sktrainer.runtime.seeds import derive_seed
from sktrainer.splitting.split import split_used_rows
from sktrainer.tracking.recorder import RunRecorder
from sktrainer.training.alerts import find_alerts
from sktrainer.training.audit import audit_fit
from sktrainer.training.cross_validation import cross_validate, make_folds
from sktrainer.training.cv_result import CrossValidationResult
from sktrainer.training.evaluation import evaluate_predictions
from sktrainer.training.fit_and_score import FitJob, FitResult, fit_and_score
from sktrainer.training.log import FitLog
from sktrainer.training.messages import log_alerts, log_result, log_setup
from sktrainer.training.parameters import TrainerParams
from sktrainer.training.plan import FitPlan
from sktrainer.training.plan_builder import make_plan
from sktrainer.training.provenance import fingerprint_or_note
from sktrainer.training.recording import start_recording
from sktrainer.training.refit import needs_refit, refit
from sktrainer.training.report_builder import build_report
from sktrainer.training.reproduction import changed_parameters, reproduction_code
from sktrainer.training.retry import attempt_seeds
from sktrainer.training.run_identity import open_run
from sktrainer.training.task_rows import SplitRows, most_iterations, n_subtasks
from sktrainer.training.validation import validate
from sktrainer.types import Array, FitData, Split


@dataclass(frozen=True)
class FitState:
    """Result of one `fit`: the values that become fitted attributes."""

    plan: FitPlan
    data: FitData
    split: Split
    result: FitResult
    cv: CrossValidationResult | None
    report: TrainingReport
    fingerprint: Fingerprint | None
    recorder: RunRecorder | None = None


@preserve_global_state()
def train(params: TrainerParams, inputs: FitInputs, task: FitTask | None = None) -> FitState:
    """Validate, split, audit, cross-validate, fit, score and report.

    `task` passes the fit to scikit-learn's callbacks.

    Raises
    ------
    InputError
        If parameters or data are invalid. It is raised before training and lists all
        mistakes.
    FitError
        If every fold failed.
    """
    log = FitLog(params.verbose, params.callbacks, task)
    with log.record_warnings(), log.measure(), log.report_errors():
        return _train(params, inputs, log)


def _train(params: TrainerParams, inputs: FitInputs, log: FitLog) -> FitState:
    with log.stage("check"):
        checked = validate(params, inputs)
    data, described = checked.data, {**params.values(), "set_output": params.output}
    with open_run(
        described, params.estimator, inputs, checked.parts, data, checked.seed
    ) as run:
        plan = make_plan(params, checked, run)
        log.add_notes(*plan.notes)
        with log.stage("fingerprint"):
            fingerprint = fingerprint_or_note(inputs, log)
        with log.stage("split"):
            split, notes = split_used_rows(data, plan.first_split)
        log_setup(log, plan, data, split, notes)
        folds = None if plan.folds is None else make_folds(plan, data, split)
        with log.stage("audit"):
            findings = audit_fit(plan, data, split, folds, log)
        recorder = start_recording(params, checked, plan, fingerprint, log)
        log.begin(_begin_event(plan, data, split, folds))
        if log.task is not None:
            log.task.begin(SplitRows(data, split))
        cv = None
        if folds is not None:
            with log.stage("cross-validate"):
                cv = cross_validate(plan, data, folds, run, log)
        final = plan
        if cv is not None:
            final = plan.for_final_fit(cv.best_iteration, cv.settings)
        result = _fit_final(final, data, split, run, log)
        log_result(log, plan, data, result, len(split.test), cv)
        with log.stage("evaluate"):
            evaluation = evaluate_predictions(final, data, split, result, cv)
        alerts = find_alerts(final, data, result, cv, evaluation.intervals, log)
        log_alerts(log, alerts)
        report = build_report(
            plan, data, split, result, log, cv, fingerprint, findings, evaluation
        )
        report = replace(
            report,
            alerts=alerts,
            changed_parameters=changed_parameters(params, checked.parts),
            code=reproduction_code(params, inputs, plan.seed),
        )
        log.end(_end_event(result, log))
    return FitState(plan, data, split, result, cv, report, fingerprint, recorder)


def _begin_event(
    plan: FitPlan, data: FitData, split: Split, folds: list[tuple[Array, Array]] | None
) -> FitBeginEvent:
    sets = {"train": split.train, "validation": split.validation, "test": split.test}
    n_rows = {name: len(rows) for name, rows in sets.items()}
    n_folds = 0 if folds is None else len(folds)
    return FitBeginEvent(model_name(plan.model.model), data.task, n_rows, n_folds)


def _end_event(result: FitResult, log: FitLog) -> FitEndEvent:
    fit, table = result.fit, result.scores.table
    scores = {
        str(name): {str(metric): float(value) for metric, value in row.items()}
        for name, row in table.iterrows()
    }
    return FitEndEvent(fit.stop_reason, fit.n_iter, fit.best_iteration, scores, log.seconds())


def _fit_final(
    plan: FitPlan, data: FitData, split: Split, run: RunDirectory | None, log: FitLog
) -> FitResult:
    """Fit and score the model, and refit it if it stopped early on held-out rows."""
    model, global_seed = plan.model, derive_seed(plan.seed, "global")
    total, unit = most_iterations(plan), model.capabilities.iteration_name
    task = None if log.task is None else log.task.subtask("fit", n_subtasks(plan))
    with (
        log.iterations(model_name(model.model), total, task, unit) as display,
        preserve_global_state(global_seed),
    ):
        seeds = attempt_seeds(plan.seed, plan.n_retries)
        job = FitJob(
            "final",
            plan.seed,
            plan.n_threads,
            seeds,
            log,
            run,
            on_iteration=display,
            keeps_predictions=len(split.test) > 0,
        )
        result = fit_and_score(plan, data, split, job)
    if needs_refit(plan, data, split, result):
        rounds = result.fit.best_iteration
        task = None if log.task is None else log.task.subtask("refit", rounds)
        with (
            log.stage("refit"),
            log.iterations("refit", rounds, task, unit) as display,
            preserve_global_state(global_seed),
            warn_of_errors(),
        ):
            shown = None if display is None else display.part(None, rounds, task)
            result = refit(plan, data, split, result, replace(job, on_iteration=shown))
    return result if model.n_iter is None else replace(result, refit_rounds=model.n_iter)
