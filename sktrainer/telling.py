"""Progress lines and warnings of a fit, and the notes that the report keeps of them."""

from __future__ import annotations

from sktrainer.anatomy import Anatomy
from sktrainer.backends.registry import find_backend
from sktrainer.encoding import imbalance, samplers
from sktrainer.exceptions import (
    ClassImbalanceWarning,
    DataWarning,
    DivergenceWarning,
    SmallDataWarning,
)
from sktrainer.flow import Run
from sktrainer.recipe import Recipe
from sktrainer.reporting import split_line
from sktrainer.retries import attempts_notes
from sktrainer.running.progress import Progress
from sktrainer.stages.splitting import small_data_notes
from sktrainer.types import CheckedData, Split

__all__ = ["tell_attempts", "tell_imbalance", "tell_split", "tell_trained"]


def tell_split(
    progress: Progress, data: CheckedData, split: Split, notes: tuple[str, ...]
) -> None:
    """Show the split, and warn about sets that are too small for a reliable score."""
    progress.done(split_line(split))
    for note in notes:
        progress.warn(note, DataWarning)
    if len(split.test):
        for note in small_data_notes(data, split):
            progress.warn(note, SmallDataWarning)


def tell_imbalance(
    progress: Progress, recipe: Recipe, data: CheckedData, split: Split
) -> tuple[str, ...]:
    """Show how class imbalance is handled, and return notes for the report."""
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
    if recipe.model.correct_probabilities and samplers.makes_rows(method):
        note = (
            f"correct_probabilities=True can overcorrect after {name}, because synthetic rows "
            "shift probabilities less than their number suggests. Use "
            "handle_imbalance='class_weight', 'oversample' or 'undersample' instead"
        )
        progress.warn(note, DataWarning)
        return (note,)
    return ()


def tell_trained(progress: Progress, anatomy: Anatomy) -> tuple[str, ...]:
    """Warn if a network starts from weights that were trained before."""
    was_trained = getattr(find_backend(anatomy.model), "was_trained", None)
    if was_trained is None or not was_trained(anatomy.model):
        return ()
    note = (
        "the module is already trained: every fit, including those of folds, starts from its "
        "weights, and scores on rows that it was trained on are too optimistic. Pass the class "
        "or an untrained instance, unless this is intended"
    )
    progress.warn(note, DataWarning)
    return (note,)


def tell_attempts(progress: Progress, recipe: Recipe, run: Run) -> tuple[str, ...]:
    """Warn if the attempt that is used has a problem; otherwise only show its notes."""
    notes = attempts_notes(run.attempts, recipe.model.model)
    for note in notes:
        if run.verdict.diverged:
            progress.warn(note, DivergenceWarning)
        elif run.verdict.remedy or (run.verdict.problem and len(run.attempts) > 1):
            progress.warn(note, DataWarning)
        else:
            progress.done(note)
    return notes
