"""Messages and warnings about split, imbalance, attempts and the finished fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sktrainer.backends.estimators import EstimatorParts, model_name
from sktrainer.backends.registry import find_backend
from sktrainer.callbacks.progress import Progress
from sktrainer.exceptions import (
    ClassImbalanceWarning,
    DataWarning,
    DivergenceWarning,
    SmallDataWarning,
)
from sktrainer.resampling import class_weight, samplers
from sktrainer.runtime.resources import peak_memory_mb
from sktrainer.splitting.notes import small_data_notes
from sktrainer.training.diagnostics import suggest_params
from sktrainer.training.fit_and_score import FitResult
from sktrainer.training.fit_state import Facts
from sktrainer.training.plan import FitPlan
from sktrainer.training.retry import Attempt
from sktrainer.types import Array, FitData, Split

__all__ = [
    "attempt_messages",
    "fit_summary",
    "log_attempts",
    "log_imbalance",
    "log_split",
    "rows_by_set",
    "sizes_by_set",
    "split_summary",
    "warn_if_pretrained",
]


def log_split(progress: Progress, data: FitData, split: Split, notes: tuple[str, ...]) -> None:
    """Show the split, and warn about sets that are too small for a reliable score."""
    progress.show(split_summary(split))
    for note in notes:
        progress.warn(note, DataWarning)
    if len(split.test):
        for note in small_data_notes(data, split):
            progress.warn(note, SmallDataWarning)


def log_imbalance(
    progress: Progress, plan: FitPlan, data: FitData, split: Split
) -> tuple[str, ...]:
    """Show how class imbalance is handled, and return notes for the report."""
    method = plan.steps.imbalance
    if method is None or data.classes is None:
        return ()
    counts = class_weight.count_classes(data.y[split.train], data.n_classes)
    found = class_weight.is_imbalanced(counts)
    text = class_weight.describe_imbalance(data.classes, counts)
    if isinstance(method, str) and method == "auto":
        if not found:
            return ()
        method = "class_weight" if plan.steps.weights else "oversample"
        note = f"Class imbalance: {text}; handled by {method}"
        progress.warn(note, ClassImbalanceWarning)
        return (note,)
    name = method if isinstance(method, str) else type(method).__name__
    progress.show(f"Classes: {text}; handled by {name}")
    if plan.model.correct_probabilities and samplers.creates_synthetic_rows(method):
        note = (
            f"correct_probabilities=True can overcorrect after {name}, because synthetic rows "
            "shift probabilities less than their number suggests. Use "
            "handle_imbalance='class_weight', 'oversample' or 'undersample' instead"
        )
        progress.warn(note, DataWarning)
        return (note,)
    return ()


def warn_if_pretrained(progress: Progress, parts: EstimatorParts) -> tuple[str, ...]:
    """Warn if a network starts from weights that were trained before."""
    networks = find_backend(parts.model).networks
    if networks is None or not networks.was_trained(parts.model):
        return ()
    note = (
        "the module is already trained: every fit, including those of folds, starts from its "
        "weights, and scores on rows that it was trained on are too optimistic. Pass the class "
        "or an untrained instance, unless this is intended"
    )
    progress.warn(note, DataWarning)
    return (note,)


def log_attempts(progress: Progress, plan: FitPlan, run: FitResult) -> tuple[str, ...]:
    """Warn if the attempt that is used has a problem; otherwise only show its notes."""
    notes = attempt_messages(run.attempts, plan.model.model)
    for note in notes:
        if run.diagnosis.diverged:
            progress.warn(note, DivergenceWarning)
        elif run.diagnosis.fix or (run.diagnosis.problem and len(run.attempts) > 1):
            progress.warn(note, DataWarning)
        else:
            progress.show(note)
    return notes


def split_summary(split: Split) -> str:
    """Return the sizes of the sets and the kind of split, in one line."""
    sizes = sizes_by_set(split)
    total = sum(sizes.values())
    if len(sizes) == 1:
        return f"Data: {total:,} rows, all used for training"
    parts = ", ".join(f"{n / total:.0%} {name} ({n:,})" for name, n in sizes.items())
    return f"Data split: {parts}, {split.kind}"


def fit_summary(facts: Facts) -> str:
    """Return how the fit ended and what it cost, in one line."""
    fit, capabilities = facts.run.fit, facts.plan.model.capabilities
    name, unit = model_name(facts.parts.model), capabilities.iteration_name
    device = facts.plan.model.device
    seconds = facts.watch.seconds("fit") + facts.watch.seconds("refit")
    where = f" on {device.name}" if device.is_gpu else ""
    cost = f"in {seconds:.1f} s{where}, peak memory {peak_memory_mb():,.0f} MB"
    if fit.stop_reason == "early_stopping":
        of = "" if capabilities.max_iter is None else f" of {capabilities.max_iter:,}"
        best = f" (best {fit.best_iteration:,})" if fit.best_iteration else ""
        refit = f", refitted for {facts.run.refit_rounds:,}" if facts.run.refit_rounds else ""
        return f"{name} stopped early at {unit} {fit.n_iter:,}{of}{best}{refit} {cost}"
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


def attempt_messages(attempts: Sequence[Attempt], model: Any) -> tuple[str, ...]:
    """Return a note on the problem and its fix; empty if the first fit succeeded."""
    used = next(attempt for attempt in attempts if attempt.used)
    if len(attempts) == 1 and not used.verdict.diverged:
        problem, remedy = used.verdict.problem, used.verdict.fix
        found = f"The model is no better than a constant prediction: {problem}" + (
            remedy and f"; {remedy}"
        )
        return (found,) if problem else ()
    tried = ""
    if len(attempts) > 1:
        problems = "; ".join(
            f"attempt {a.number}: {a.verdict.problem or 'fine'}" for a in attempts
        )
        tried = f"{problems}. Attempt {used.number} is used"
    if not used.verdict.diverged:
        found = f"Fitted {len(attempts)} times"
        found += ", never better than a constant prediction" if used.verdict.problem else ""
        return (f"{found}: {tried}",)
    problem = tried or used.verdict.problem
    fix = " or ".join(filter(None, [used.verdict.fix, suggest_params(model)]))
    return (f"Training diverged: {problem}. To fix this, {fix}",)
