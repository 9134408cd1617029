"""Pipeline of one split of the rows: prepare, fit, evaluate.

The final fit and every fold of a cross-validation run these stages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sktrainer.checkpoints.run import FitDirectory
from sktrainer.data.indexing import take_rows
from sktrainer.data.predictions import CachedPredictor
from sktrainer.runtime.stopwatch import Stopwatch
from sktrainer.scoring.evaluate import Asked, Part, cached_predictor, score_sets
from sktrainer.scoring.predictor import Predictor
from sktrainer.training.diagnostics import NO_PROBLEM, Diagnosis, diagnose
from sktrainer.training.fit_model import fit_model
from sktrainer.training.plan import FitPlan
from sktrainer.training.prepare import prepare
from sktrainer.training.retry import Attempt, attempt_seeds, fit_with_retries
from sktrainer.types import (
    Array,
    FitData,
    FitOutcome,
    ModelFit,
    PreparedData,
    Rows,
    Scores,
    Split,
)

__all__ = ["FitResult", "fit_and_score", "fit_place"]


@dataclass(frozen=True)
class FitResult:
    """Result of the stages for one split.

    Attributes
    ----------
    fitted : FittedModel
    fit : ModelFit
    scores : Scores
    class_counts : dict of str to tuple of int
        Number of training rows per class, "before" and "after" resampling.
    imbalance : str or None
        Method that handled class imbalance.
    class_weight : ndarray of shape (n_classes,) or None
        Class weights that were applied. None if there were none.
    notes : tuple of str
        Notes on the preparation of the rows, for the report.
    refit_rounds : int or None
        Iterations of the refit on training and validation rows. None without a refit.
    attempts : tuple of Attempt
        All attempts of the fit, in order. Exactly one of them was used.
    """

    fitted: Predictor
    fit: ModelFit
    scores: Scores
    class_counts: dict[str, tuple[int, ...]] = field(default_factory=dict)
    imbalance: str | None = None
    class_weight: Array | None = None
    notes: tuple[str, ...] = ()
    refit_rounds: int | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def diagnosis(self) -> Diagnosis:
        """Verdict on the attempt that was used."""
        return next((a.verdict for a in self.attempts if a.used), NO_PROBLEM)

    @property
    def model_seed(self) -> int | None:
        """Seed of the model in the attempt that was used."""
        return next((a.seed for a in self.attempts if a.used), None)


def fit_and_score(
    plan: FitPlan,
    data: FitData,
    split: Split,
    *,
    seed: int,
    n_threads: int,
    score_parts: Iterable[str] = ("train", "validation", "test"),
    n_iter: int | None = None,
    model_seed: int | None = None,
    on_iteration: Callable[..., Any] | None = None,
    stopwatch: Stopwatch | None = None,
    place: str = "final",
) -> FitResult:
    """Prepare, fit and evaluate one split of the rows.

    Parameters
    ----------
    recipe : Recipe
    data : CheckedData
    split : Split
        The model is fitted on its training rows. Early stopping uses its validation rows, or
        `X_val` if it was passed.
    seed, n_threads : int
    score_parts : iterable of str
        Sets to score.
    n_iter : int or None, default=None
        Exact number of iterations. None: as the model's parameters say.
    model_seed : int or None, default=None
        Seed of a single fit without retries. None: derive the seeds from `seed`.
    on_iteration : callable or None, default=None
    stopwatch : Stopwatch or None, default=None
    place : str, default="final"
        Name of this fit in the checkpoint store of the recipe.

    Returns
    -------
    Run
    """
    watch = stopwatch or Stopwatch()
    validation = _validation_rows(data, split)
    with watch.stage("prepare"):
        prepared = prepare(plan.steps, data, split.train, validation, seed)
    seeds = attempt_seeds(seed, plan.n_retries) if model_seed is None else [model_seed]
    raw = bool(plan.scoring.user_defined)

    @cache  # each set is extracted once, although verdict and scores both need it
    def part(name: str) -> Part | None:
        return _parts(data, split, prepared, validation, {name}, raw=raw).get(name)

    def fit(seed: int) -> FitOutcome:
        with watch.stage("fit"):
            return fit_model(
                plan.model,
                data,
                prepared,
                seed=seed,
                n_threads=n_threads,
                n_iter=n_iter,
                on_iteration=on_iteration,
                place=fit_place(plan, place, split, seed),
            )

    def examine(outcome: FitOutcome) -> tuple[Diagnosis, dict[str, CachedPredictor]]:
        with watch.stage("evaluate"):
            asked = Asked(outcome.fitted, part, cached_predictor)
            found = diagnose(outcome, asked, data, prepared, plan.model)
            return found, asked.answers

    tried = fit_with_retries(fit, examine, seeds)
    outcome = tried.outcome
    with watch.stage("evaluate"):
        parts = _wanted(part, score_parts)
        scores = score_sets(outcome.fitted, parts, plan.scoring, tried.answers)
    return FitResult(
        outcome.fitted,
        outcome.fit,
        scores,
        class_counts=dict(prepared.class_counts),
        imbalance=prepared.imbalance,
        class_weight=prepared.class_weight,
        notes=(*prepared.notes, *_resume_notes(plan, outcome, place)),
        attempts=tried.attempts,
    )


def _wanted(part: Callable[[str], Part | None], score_parts: Iterable[str]) -> dict[str, Part]:
    """Return the sets to score that have rows, in the order of the report."""
    wanted = set(score_parts)
    found = {n: part(n) for n in ("train", "validation", "test") if n in wanted}
    return {name: rows for name, rows in found.items() if rows is not None}


def fit_place(
    plan: FitPlan, name: str, split: Split, seed: int | None = None
) -> FitDirectory | None:
    """Return where the checkpoints of the fit on this split are stored, or None.

    With retries there is one place per seed.
    """
    if plan.store is None:
        return None
    if seed is not None and plan.n_retries:
        name = f"{name}/seed-{seed}"
    return plan.store.fit_directory(name, split.train, split.validation, split.test)


def _resume_notes(plan: FitPlan, outcome: FitOutcome, name: str) -> tuple[str, ...]:
    """Return a note on the part of a fit that was loaded from a checkpoint."""
    start = outcome.resumed_from
    if plan.store is None or start is None:
        return ()
    where, unit = str(plan.store.folder), plan.model.capabilities.iteration_name
    if outcome.fit.n_iter is None or start >= outcome.fit.n_iter:
        return (f"the {name} fit was finished and loaded from the checkpoint {where!r}",)
    return (f"the {name} fit resumed at {unit} {start:,} from the checkpoint {where!r}",)


def _validation_rows(data: FitData, split: Split) -> Rows | None:
    if data.validation is not None:
        return data.validation
    return _select_rows(data, split.validation) if len(split.validation) else None


def _select_rows(data: FitData, positions: Array) -> Rows:
    weight = data.sample_weight
    return Rows(
        take_rows(data.X, positions),
        data.y[positions],
        None if weight is None else weight[positions],
    )


def _parts(
    data: FitData,
    split: Split,
    prepared: PreparedData,
    validation: Rows | None,
    wanted: set[str],
    *,
    raw: bool,
) -> dict[str, Part]:
    """Return the rows to score, already encoded if the fit needed them encoded.

    `raw` also returns the original rows, which user-defined scorers receive.
    """
    parts = {}
    if "train" in wanted:
        encoded = prepared.train_before_resampling
        rows = (
            _select_rows(data, split.train)
            if raw or encoded is None
            else Rows(None, data.y[split.train])
        )
        parts["train"] = Part(rows, encoded)
    if "validation" in wanted and validation is not None:
        kept = prepared.validation
        whole = kept is not None and len(kept) == len(validation)
        parts["validation"] = Part(validation, kept.X if kept is not None and whole else None)
    if "test" in wanted and len(split.test):
        parts["test"] = Part(_select_rows(data, split.test))
    return parts
