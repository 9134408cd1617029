"""Retries of failed or diverged fits with other seeds, chosen on validation rows only."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from sktrainer.exceptions import SktrainerError
from sktrainer.results.fitted import Predictor
from sktrainer.running.divergence import (
    BaselineComparison,
    Diagnosis,
    are_valid_probabilities,
    compare_log_loss,
    compare_squared_error,
    diagnose_losses,
    suggest_params,
    suggest_target_scaling,
)
from sktrainer.running.predicted import CachedPredictor
from sktrainer.running.seeding import derive_seed
from sktrainer.stages.fitting import ModelPlan
from sktrainer.types import Array, FitData, FitOutcome, PreparedData, Rows

__all__ = [
    "Asked",
    "Attempt",
    "Tried",
    "attempt_messages",
    "attempt_seeds",
    "attempts_to_frame",
    "diagnose",
    "fit_with_retries",
]


@dataclass(frozen=True)
class Attempt:
    """One attempt of a fit, counted from 1, with its seed and verdict."""

    number: int
    seed: int
    verdict: Diagnosis
    seconds: float
    error: Exception | None = None
    used: bool = False


@dataclass(frozen=True)
class Tried:
    """The outcome that was chosen, and all attempts."""

    outcome: FitOutcome
    answers: dict[str, CachedPredictor]
    attempts: tuple[Attempt, ...]


def attempt_seeds(seed: int, n_retries: int) -> list[int]:
    """Return the model seeds of the first fit and of each retry."""
    again = [derive_seed(seed, "model", "retry", number) for number in range(1, n_retries + 1)]
    return [derive_seed(seed, "model"), *again]


class Asked:
    """Predictions of a fitted model for each set, computed at most once.

    Parameters
    ----------
    fitted : FittedModel
    part : callable
        Takes "train" or "validation"; returns that set, or None if it has no rows.
    predict : callable
        Takes the model and a set; returns its Predicted.

    Attributes
    ----------
    answers : dict of str to Predicted
        Predictions computed so far, by name of the set.
    """

    def __init__(
        self,
        fitted: Predictor,
        part: Callable[[str], Any],
        predict: Callable[[Predictor, Any], CachedPredictor],
    ) -> None:
        self.answers: dict[str, CachedPredictor] = {}
        self._fitted, self._part, self._predict = fitted, part, predict

    def __call__(self, name: str) -> tuple[CachedPredictor, Rows] | None:
        part = self._part(name)
        if part is None:
            return None
        if name not in self.answers:
            self.answers[name] = self._predict(self._fitted, part)
        return self.answers[name], part.rows


def fit_with_retries(
    fit: Callable[[int], FitOutcome],
    examine: Callable[[FitOutcome], tuple[Diagnosis, dict[str, CachedPredictor]]],
    seeds: Sequence[int],
) -> Tried:
    """Fit with one seed after the other until a fit succeeds; otherwise use the best one.

    Parameters
    ----------
    fit : callable
        Takes a seed; returns an outcome.
    examine : callable
        Takes an outcome; returns its verdict and the predictions that it computed.
    seeds : sequence of int

    Returns
    -------
    Tried
        If no attempt succeeded, the one with the lowest validation loss is used.

    Raises
    ------
    Exception
        If every attempt raised: the error of the first one, with the others as notes.
    """
    attempts: list[Attempt] = []
    best: tuple[FitOutcome, dict[str, CachedPredictor]] | None = None
    used = 0
    for number, seed in enumerate(seeds):
        start, error = time.perf_counter(), None
        try:
            outcome = fit(seed)
            found, answers = examine(outcome)
        except SktrainerError:  # invalid input, which another seed does not fix
            raise
        except Exception as raised:
            if len(seeds) == 1:
                raise
            error, found = (
                raised,
                Diagnosis(f"{type(raised).__name__}: {raised}", diverged=True),
            )
        seconds = time.perf_counter() - start
        attempts.append(Attempt(number + 1, seed, found, seconds, error))
        if error is None and (
            best is None or _attempt_rank(attempts[-1]) < _attempt_rank(attempts[used])
        ):
            best, used = (outcome, answers), number
        if not found.problem:
            break
    if best is None:
        raise _all_attempts_failed(attempts)
    attempts[used] = replace(attempts[used], used=True)
    return Tried(*best, tuple(attempts))


def _attempt_rank(attempt: Attempt) -> tuple[bool, float, bool]:
    found = attempt.verdict
    loss = math.inf if math.isnan(found.loss) else found.loss  # NaN compares false with all
    return bool(found.problem), loss, found.diverged


def _all_attempts_failed(attempts: Sequence[Attempt]) -> Exception:
    first = attempts[0].error
    assert first is not None
    for attempt in attempts[1:]:
        first.add_note(
            f"attempt {attempt.number}, seed {attempt.seed}: {attempt.verdict.problem}"
        )
    return first


def diagnose(
    outcome: FitOutcome, asked: Asked, data: FitData, prepared: PreparedData, plan: ModelPlan
) -> Diagnosis:
    """Judge an outcome by its losses and its predictions for validation and training rows.

    Only boosting and networks are compared with a constant baseline. Other models hardly ever
    diverge, and the log loss of some, such as forests and naive Bayes, is uninformative
    because their probabilities are overconfident by design.

    Parameters
    ----------
    outcome : FitOutcome
    asked : Asked
        Training rows are predicted only if the validation rows indicate a problem.
    data : CheckedData
    prepared : Prepared
    plan : ModelPlan
    """
    capabilities = plan.capabilities
    fit, fitted, unit = outcome.fit, outcome.fitted, capabilities.iteration_name
    compared = capabilities.early_stopping_by_default and has_comparable_loss(fitted)
    held = asked("validation") if compared else None
    if held is None:
        return diagnose_losses(fit, None, None, unit)
    skill = compare_with_baseline(fitted, *held, data, prepared)
    seen = asked("train") if skill is not None and skill.is_no_better else None
    found = diagnose_losses(
        fit,
        skill,
        None if seen is None else compare_with_baseline(fitted, *seen, data, prepared),
        unit,
    )
    if found.problem and capabilities.scale_sensitive and skill is not None:
        scaled = getattr(fitted.model, "target_scale_", None) is not None
        if skill.target_needs_scaling and not scaled:
            return replace(found, fix=suggest_target_scaling(plan.model))
    return found


def has_comparable_loss(fitted: Predictor) -> bool:
    """Return whether the model estimates probabilities or the mean.

    Models with a quantile or hinge loss do not, so a constant baseline says nothing.
    """
    if fitted.task == "classification" and not fitted.has_method("predict_proba"):
        return False
    parameters = fitted.model.get_params() if hasattr(fitted.model, "get_params") else {}
    aims = (parameters.get(name) for name in ("loss", "objective", "loss_function"))
    return not any(other in str(aim).lower() for aim in aims for other in ("quantile", "hinge"))


def compare_with_baseline(
    fitted: Predictor,
    answers: CachedPredictor,
    rows: Rows,
    data: FitData,
    prepared: PreparedData,
) -> BaselineComparison | None:
    """Compare with a constant baseline: class frequencies or mean of the training rows."""
    train = prepared.train
    if data.classes is None:
        predicted = np.asarray(answers.predict())
        if predicted.size != rows.y.size:  # several quantiles, or mean and standard deviation
            return None
        mean = np.average(train.y, axis=0, weights=train.sample_weight)
        return compare_squared_error(predicted, rows.y, mean, rows.sample_weight)
    assert prepared.class_codes is not None
    shares = np.zeros(data.n_classes)
    shares[prepared.class_codes] = np.bincount(
        train.y, weights=train.sample_weight, minlength=len(prepared.class_codes)
    )
    weight = rows.sample_weight
    # Resampling and class weights change the class priors that the model learns. Compare
    # model and baseline under the same priors: weight the rows, or correct the frequencies.
    shift = prepared.prior_shift
    if shift is not None and fitted.prior_shift is None:
        weight = shift[rows.y] if weight is None else shift[rows.y] * weight
    elif shift is not None:
        shares = np.divide(shares, shift, out=np.zeros_like(shares), where=shift > 0)
    known = np.flatnonzero(shares[rows.y] > 0)  # no loss for classes without training rows
    if not len(known) or (weight is not None and not weight[known].sum() > 0):
        return None
    codes: Array = rows.y[known]
    probabilities = np.asarray(answers.predict_proba())[known]
    if not are_valid_probabilities(probabilities):
        return None
    return compare_log_loss(
        probabilities,
        codes,
        shares / shares.sum(),
        None if weight is None else weight[known],
    )


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


def attempts_to_frame(attempts: Sequence[Attempt]) -> pd.DataFrame:
    """Return one row per attempt, for the report.

    Examples
    --------
    >>> attempts_frame([Attempt(1, 7, Verdict(loss=0.5), 0.1, used=True)])
       try  seed  validation_loss  seconds outcome  used
    0    1     7              0.5      0.1    fine  True
    """
    return pd.DataFrame(
        {
            "try": [attempt.number for attempt in attempts],
            "seed": [attempt.seed for attempt in attempts],
            "validation_loss": [attempt.verdict.loss for attempt in attempts],
            "seconds": [attempt.seconds for attempt in attempts],
            "outcome": [attempt.verdict.problem or "fine" for attempt in attempts],
            "used": [attempt.used for attempt in attempts],
        }
    )
