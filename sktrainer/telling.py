"""Progress lines and warnings of a fit, and the notes that the report keeps of them."""

from __future__ import annotations

from sktrainer.anatomy import EstimatorParts
from sktrainer.backends.registry import find_backend
from sktrainer.encoding import imbalance, samplers
from sktrainer.exceptions import (
    ClassImbalanceWarning,
    DataWarning,
    DivergenceWarning,
    SmallDataWarning,
)
from sktrainer.flow import FitResult
from sktrainer.recipe import FitPlan
from sktrainer.reporting import split_summary
from sktrainer.retries import attempt_messages
from sktrainer.running.progress import Progress
from sktrainer.stages.splitting import small_data_notes
from sktrainer.types import FitData, Split

__all__ = ["log_attempts", "log_imbalance", "log_split", "warn_if_pretrained"]


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
    counts = imbalance.count_classes(data.y[split.train], data.n_classes)
    found = imbalance.is_imbalanced(counts)
    text = imbalance.describe_imbalance(data.classes, counts)
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
    was_trained = getattr(find_backend(parts.model), "was_trained", None)
    if was_trained is None or not was_trained(parts.model):
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
