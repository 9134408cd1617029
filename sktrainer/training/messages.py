"""Messages and warnings about split, imbalance, attempts and the finished fit."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from typing import Any

import numpy as np

from sktrainer.backends.estimators import model_name
from sktrainer.exceptions import (
    ClassImbalanceWarning,
    DataWarning,
    DivergenceWarning,
    SmallDataWarning,
)
from sktrainer.reporting.content import Alert
from sktrainer.reporting.monitoring_text import describe_alert
from sktrainer.reporting.text import scores_text
from sktrainer.resampling import class_weight, samplers
from sktrainer.scoring.predictor import Predictor
from sktrainer.scoring.scorers import Scoring, response_methods
from sktrainer.splitting.notes import small_data_notes
from sktrainer.training.baseline import describe_scores_without_skill
from sktrainer.training.cv_result import CrossValidationResult
from sktrainer.training.fit_and_score import FitResult
from sktrainer.training.log import FitLog
from sktrainer.training.plan import FitPlan, ModelPlan
from sktrainer.training.retry import (
    Attempt,
    best_attempt,
    describe_attempts,
    divergence_alert,
    settings_text,
)
from sktrainer.types import Array, FitData, Scores, Split


def log_setup(
    log: FitLog, plan: FitPlan, data: FitData, split: Split, notes: Sequence[str]
) -> None:
    """Show the split, and warn about anything that makes scores misleading.

    `notes` are those of the split.
    """
    log.show(split_summary(split))
    for note in notes:
        log.add_warning(note, DataWarning)
    if len(split.test):
        for note in small_data_notes(data, split):
            log.progress.warn(note, SmallDataWarning)
    for note in plan.warnings:
        log.add_warning(note, DataWarning)
    log_imbalance(log, plan, data, split)
    warn_if_pretrained(log, plan.model)


def log_imbalance(log: FitLog, plan: FitPlan, data: FitData, split: Split) -> None:
    """Show how class imbalance is handled."""
    method, own = plan.steps.imbalance, " and ".join(map(str, plan.steps.own_weights))
    if (method is None and not own) or data.classes is None:
        return
    counts = class_weight.count_classes(data.y[split.train], data.n_classes)
    text = class_weight.describe_imbalance(data.classes, counts)
    if method is None:
        log.show(f"Classes: {text}; weighted by {own}")
        return
    if samplers.is_automatic(method):
        method = samplers.resolve_method(method, counts, weights=plan.steps.weights)
        if method is not None:
            log.add_warning(
                f"Class imbalance: {text}; handled by {method}", ClassImbalanceWarning
            )
        return
    name = method if isinstance(method, str) else type(method).__name__
    log.show(f"Classes: {text}; handled by {name}")
    if plan.model.correct_probabilities and samplers.creates_synthetic_rows(method):
        log.add_warning(
            f"correct_probabilities=True can overcorrect after {name}, because synthetic rows "
            "shift probabilities less than their number suggests. Use "
            "handle_imbalance='class_weight', 'oversample' or 'undersample' instead",
            DataWarning,
        )


def warn_if_pretrained(log: FitLog, plan: ModelPlan) -> None:
    """Warn if a network starts from weights that were trained before."""
    networks = plan.backend.networks
    if networks is not None and networks.was_trained(plan.model):
        log.add_warning(
            "the module is already trained: every fit, including those of folds, starts from "
            "its weights, and scores on rows that it was trained on are too optimistic. Pass "
            "the class or an untrained instance, unless this is intended",
            DataWarning,
        )


def warn_if_loss_is_unknown(log: FitLog, plan: ModelPlan, metric: str | None) -> None:
    """Warn if a metric of the library was monitored in place of an unknown loss."""
    text = (
        f"the objective of {model_name(plan.model)} is user-defined, so its loss is unknown: "
        f"early stopping monitored {metric!r}, the default metric of the library, which may "
        "not match the objective. Set eval_metric to a scorer that does"
    )
    if metric is not None and text not in log.notes:
        log.add_warning(text, DataWarning)


def log_never_predicted(
    log: FitLog, text: str, data: FitData, scoring: Scoring, *, warns: bool = True
) -> None:
    """Show that the model never predicts a class, and warn if classes are imbalanced."""
    counts = np.bincount(data.y, minlength=data.n_classes)
    if warns and scoring.needs_labels and class_weight.is_imbalanced(counts):
        log.add_warning(text, ClassImbalanceWarning)
    else:
        log.show(text)
        log.add_notes(text)


def log_result(
    log: FitLog,
    plan: FitPlan,
    data: FitData,
    result: FitResult,
    n_test: int,
    cv: CrossValidationResult | None = None,
) -> None:
    """Show the finished fit and its scores, and warn if the attempt used has a problem."""
    log.add_notes(*result.notes)
    diagnosis, scores, scoring = result.diagnosis, result.scores, plan.scoring
    for note in _attempt_messages(result.attempts, plan.model.model):
        if diagnosis.diverged or result.settings:
            log.add_warning(note, DivergenceWarning)
        elif diagnosis.problem:
            log.add_warning(note, DataWarning)
        else:
            log.show(note)
            log.add_notes(note)
    warn_if_loss_is_unknown(log, plan.model, result.fit.metric_for_unknown_loss)
    if not diagnosis.problem:
        without_skill = describe_scores_without_skill(scores, scoring, n_test)
        if without_skill:
            log.add_warning(without_skill, DataWarning)
    for text in _score_problems(scores, scoring, cv):
        log.add_warning(text, DataWarning)
    text = scores_without_method(scoring, result.predictor)
    if text:
        log.show(text)
        log.add_notes(text)
    for name, text in scores.never_predicted.items():
        log_never_predicted(log, text, data, scoring, warns=name == "test")
    log.show(fit_summary(plan, result, log))
    log.progress.show_block(
        lambda: scores_text(scores.table, scores.baseline, scoring.shown_names),
        lambda: scores_text(scores.table, scores.baseline.iloc[:0], scoring.shown_names),
    )


def log_alerts(log: FitLog, alerts: Sequence[Alert]) -> None:
    """Show alerts that no warning has reported yet, and add them to the notes."""
    for text in map(describe_alert, alerts):
        if text not in log.notes:
            if log.progress.enabled:  # an alert is no Python warning
                log.progress.warn(text)
            log.add_notes(text)


def _score_problems(
    scores: Scores, scoring: Scoring, cv: CrossValidationResult | None
) -> list[str]:
    """Return a sentence per reason for scores that could not be computed.

    What has been reported for all folds is left out.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for name, problems in scores.problems.items():
        for metric, reason in problems.items():
            if cv is None or not cv.is_known_problem(metric, reason):
                found.setdefault(reason, {}).setdefault(name, []).append(scoring.shown(metric))
    sentences = []
    for reason, by_set in found.items():
        sets: dict[tuple[str, ...], list[str]] = {}
        for part, metrics in by_set.items():
            sets.setdefault(tuple(metrics), []).append(part)
        where = "; ".join(
            f"{', '.join(metrics)} of the {' and '.join(parts)} rows"
            for metrics, parts in sets.items()
        )
        sentences.append(f"{where} could not be computed: {reason}")
    return sentences


def scores_without_method(scoring: Scoring, predictor: Predictor) -> str:
    """Return which scores are NaN because the model lacks a method; empty if there are none."""
    missing: dict[str, list[str]] = {}
    for name, scorer in scoring.scorers.items():
        methods = response_methods(scorer)
        is_missing = bool(methods) and not any(map(predictor.has_method, methods))
        if is_missing and name not in scoring.user_defined:
            missing.setdefault(" or ".join(methods), []).append(scoring.shown(name))
    return "; ".join(
        f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not computed: "
        f"{model_name(predictor.model)} has no {methods}"
        for methods, names in missing.items()
    )


def split_summary(split: Split) -> str:
    """Return the sizes of the sets and the kind of split, in one line."""
    sizes = sizes_by_set(split)
    total = sum(sizes.values())
    if len(sizes) == 1:
        return f"Data: {total:,} rows, all used for training"
    parts = ", ".join(f"{n / total:.0%} {name} ({n:,})" for name, n in sizes.items())
    return f"Data split: {parts}, {split.kind}"


def fit_summary(plan: FitPlan, result: FitResult, log: FitLog) -> str:
    """Return how the fit ended and what it cost, in one line."""
    fit, model, capabilities = result.fit, plan.model, plan.model.capabilities
    name, unit = model_name(model.model), capabilities.iteration_name
    where = f" on {model.device.name}" if model.device.is_gpu else ""
    seconds = log.seconds("fit", "refit")
    memory = log.memory_increase_mb
    cost = f"in {seconds:.1f} s{where}"
    cost += "" if isnan(memory) else f", memory +{memory:,.0f} MB"
    if fit.stop_reason in ("early_stopping", "callback"):
        how = "early" if fit.stop_reason == "early_stopping" else "by a callback"
        of = "" if capabilities.max_iter is None else f" of {capabilities.max_iter:,}"
        best = f" (best {fit.best_iteration:,})" if fit.best_iteration else ""
        refit = f", refitted for {result.refit_rounds:,}" if result.refit_rounds else ""
        if result.n_inner_folds:
            refit = f" in {result.n_inner_folds} inner folds, fitted for {fit.best_iteration:,}"
        return f"{name} stopped {how} at {unit} {fit.n_iter:,}{of}{best}{refit} {cost}"
    if fit.n_iter is not None and capabilities.max_iter is not None:
        better = fit.best_iteration is not None and fit.best_iteration < fit.n_iter
        best = f" (best {fit.best_iteration:,})" if better else ""
        return f"{name} fitted for {fit.n_iter:,} {unit}s{best} {cost}"
    return f"{name} fitted {cost}"


def rows_by_set(split: Split) -> dict[str, Array]:
    """Return the row positions of each non-empty set."""
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    return {name: rows for name, rows in parts.items() if len(rows)}


def sizes_by_set(split: Split) -> dict[str, int]:
    """Return the number of rows of each non-empty set."""
    return {name: len(rows) for name, rows in rows_by_set(split).items()}


def _attempt_messages(attempts: Sequence[Attempt], model: Any) -> tuple[str, ...]:
    """Return a note on the problem and its fix; empty if the first fit succeeded."""
    used = next(attempt for attempt in attempts if attempt.used)
    if len(attempts) == 1 and not used.diagnosis.diverged:
        problem, remedy = used.diagnosis.problem, used.diagnosis.fix
        found = f"The model is no better than a constant prediction: {problem}" + (
            remedy and f"; {remedy}"
        )
        return (found,) if problem else ()
    if used.settings:
        before = best_attempt([a for a in attempts if not a.settings]) or attempts[0]
        changed = settings_text(used.settings)
        text = (
            f"Training diverged: {before.diagnosis.problem}. The model was fitted again with "
            f"{changed}, which changes the validation loss from {before.diagnosis.loss:.4g} to "
            f"{used.diagnosis.loss:.4g}. To choose another value, set it on the estimator"
        )
        return (text,)
    if not used.diagnosis.diverged:
        found = f"Fitted {len(attempts)} times"
        found += ", never better than a constant prediction" if used.diagnosis.problem else ""
        return (f"{found}: {describe_attempts(attempts)}",)
    return (describe_alert(divergence_alert(attempts, model)),)
