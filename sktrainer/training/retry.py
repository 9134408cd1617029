"""Retries of failed or diverged fits with other seeds, chosen on validation rows only."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from sktrainer.data.predictions import CachedPredictor
from sktrainer.exceptions import SktrainerError
from sktrainer.runtime.seeds import derive_seed
from sktrainer.training.diagnostics import Diagnosis
from sktrainer.types import FitOutcome

__all__ = ["Attempt", "Tried", "attempt_seeds", "attempts_to_frame", "fit_with_retries"]


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


def attempts_to_frame(attempts: Sequence[Attempt]) -> pd.DataFrame:
    """Return one row per attempt, for the report.

    Examples
    --------
    >>> attempts_to_frame([Attempt(1, 7, Diagnosis(loss=0.5), 0.1, used=True)])
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
