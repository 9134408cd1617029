"""What a fit says while it runs, and keeps as notes for the report."""

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
    """Say how the rows were parted, and warn of parts too small to tell much."""
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
    if recipe.model.correct_probabilities and samplers.makes_rows(method):
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
    was_trained = getattr(find_backend(anatomy.model), "was_trained", None)
    if was_trained is None or not was_trained(anatomy.model):
        return ()
    note = (
        "the module that was passed has been trained: every fit, those of folds too, starts "
        "from its weights, and rows that these have seen tell nothing about new ones; pass "
        "the class, or an untrained instance, unless that is meant"
    )
    progress.warn(note, DataWarning)
    return (note,)


def tell_attempts(progress: Progress, recipe: Recipe, run: Run) -> tuple[str, ...]:
    """Warn where the fit that is used went wrong; say so where others before it did."""
    notes = attempts_notes(run.attempts, recipe.model.model)
    for note in notes:
        if run.verdict.diverged:
            progress.warn(note, DivergenceWarning)
        elif run.verdict.remedy or (run.verdict.problem and len(run.attempts) > 1):
            progress.warn(note, DataWarning)
        else:
            progress.done(note)
    return notes
