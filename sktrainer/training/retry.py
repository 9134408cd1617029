"""Attempts of a fit with different seeds, and the choice of one on validation rows only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from sktrainer.reporting.content import Alert
from sktrainer.runtime.seeds import derive_seed
from sktrainer.scoring.evaluate import SetPredictor
from sktrainer.scoring.predictor import Predictor
from sktrainer.training.diagnostics import Diagnosis, suggest_params
from sktrainer.training.round_choice import RoundChoice
from sktrainer.types import ModelFit, SetName


@dataclass(frozen=True)
class FittedAttempt:
    """Model of an attempt that raised no error, with its predictions of each set.

    `resumed_from` is the number of iterations in the checkpoint that the fit resumed from.
    `choice` is set if inner folds chose the number of rounds.
    """

    predictor: Predictor
    fit: ModelFit
    predictions: Mapping[SetName, SetPredictor]
    resumed_from: int | None = None
    choice: RoundChoice | None = None


@dataclass(frozen=True)
class Attempt:
    """One attempt of a fit, counted from 1, with its seed and diagnosis.

    `fitted` is None if the attempt raised `error`, and once an attempt was chosen. `settings`
    are the parameters of the model that were changed because an earlier attempt diverged.
    """

    number: int
    seed: int
    diagnosis: Diagnosis
    seconds: float
    error: Exception | None = None
    used: bool = False
    fitted: FittedAttempt | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


def attempt_seeds(seed: int, n_retries: int) -> tuple[int, ...]:
    """Return the model seeds of the first fit and of each retry."""
    again = (derive_seed(seed, "model", "retry", number) for number in range(1, n_retries + 1))
    return derive_seed(seed, "model"), *again


def choose_attempt(attempts: Sequence[Attempt]) -> tuple[FittedAttempt, tuple[Attempt, ...]]:
    """Return the model of the best attempt, and all attempts without their models.

    An attempt without a problem is best. If there is none, it is the one with the lowest
    validation loss. An attempt with other parameters must have a lower validation loss.

    Raises
    ------
    Exception
        If every attempt raised: the error of the first one, with the others as notes.
    """
    best = best_attempt([a for a in attempts if not a.settings])
    for changed in (a for a in attempts if a.settings and a.fitted is not None):
        if best is None or changed.diagnosis.loss < _loss(best):
            best = changed
    if best is None:
        raise _all_attempts_failed(attempts)
    assert best.fitted is not None
    return best.fitted, tuple(replace(a, used=a is best, fitted=None) for a in attempts)


def _all_attempts_failed(attempts: Sequence[Attempt]) -> Exception:
    first = attempts[0].error
    assert first is not None
    for attempt in attempts[1:]:
        first.add_note(
            f"attempt {attempt.number}, seed {attempt.seed}: {attempt.diagnosis.problem}"
        )
    return first


def best_attempt(attempts: Sequence[Attempt]) -> Attempt | None:
    """Return the attempt with the lowest validation loss; those without a problem first."""
    return min((a for a in attempts if a.fitted is not None), key=_rank, default=None)


def _rank(attempt: Attempt) -> tuple[bool, float, bool]:
    found = attempt.diagnosis
    return bool(found.problem), _loss(attempt), found.diverged


def _loss(attempt: Attempt) -> float:
    loss = attempt.diagnosis.loss
    return math.inf if math.isnan(loss) else loss  # NaN compares false with all


def describe_attempts(attempts: Sequence[Attempt]) -> str:
    """Return the problem of each attempt, and which attempt is used."""
    problems = "; ".join(
        f"attempt {a.number}{(a.settings and ' with ' + settings_text(a.settings)) or ''}: "
        f"{a.diagnosis.problem or 'fine'}"
        for a in attempts
    )
    used = next(a.number for a in attempts if a.used)
    return f"{problems}. Attempt {used} is used"


def divergence_alert(attempts: Sequence[Attempt], model: Any) -> Alert:
    """Return the alert of a fit whose used attempt diverged."""
    diagnosis = next(attempt.diagnosis for attempt in attempts if attempt.used)
    problem = describe_attempts(attempts) if len(attempts) > 1 else diagnosis.problem
    return Alert(
        name="nan-loss" if diagnosis.is_nan else "divergence",
        found=f"Training diverged: {problem}",
        fix=" or ".join(filter(None, [diagnosis.fix, suggest_params(model)])),
    )


def settings_text(settings: Mapping[str, Any]) -> str:
    """Return parameters as they are written in a call."""
    return ", ".join(f"{name}={value!r}" for name, value in settings.items())


def attempts_to_frame(attempts: Sequence[Attempt]) -> pd.DataFrame:
    """Return one row per attempt, for the report.

    Examples
    --------
    >>> attempts_to_frame([Attempt(1, 7, Diagnosis(loss=0.5), 0.1, used=True)])
       attempt  seed  validation_loss  seconds outcome  used
    0        1     7              0.5      0.1    fine  True
    """
    return pd.DataFrame(
        {
            "attempt": [attempt.number for attempt in attempts],
            "seed": [attempt.seed for attempt in attempts],
            "validation_loss": [attempt.diagnosis.loss for attempt in attempts],
            "seconds": [attempt.seconds for attempt in attempts],
            "outcome": [
                " with ".join(
                    filter(None, [a.diagnosis.problem or "fine", settings_text(a.settings)])
                )
                for a in attempts
            ],
            "used": [attempt.used for attempt in attempts],
        }
    )
